"""What a run writes while it works: results.jsonl line by line, Parquet by parts, each whole at any moment.

Parquet has its table of contents at its end: a file that is cut off cannot be read at all. So rows are written as
parts, each a whole file that appears at once; together they are a data set, and at the end they become one file.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from forensics.report_files import RESULTS
from forensics.report_table import BATCH_ROWS, write_parquet
from forensics.store.run_files import RunFiles

PARQUET = "results.parquet"

PARTS = "results.parquet.parts"

PART_S = 60.0
"""A part is written when it is full, or after so long."""

Line = Mapping[str, Any]


class ResultFiles:
    """The results of a run in its output folder. A context manager.

    Args:
        folder: nothing is written without one.
        files: of the run.
        has_kept: entering it writes what the store knows by then, for a pass that goes on.
        part_rows: rows of a part.
    """

    def __init__(self, folder: Path | None, files: RunFiles, *, has_kept: bool, part_rows: int = BATCH_ROWS) -> None:
        self._folder = folder
        self._files = files
        self._has_kept = has_kept
        self._part_rows = part_rows
        self._is_stale = False
        self._rows: list[Line] = []
        self._n_parts = 0
        self._written_s = time.monotonic()
        self._lines: TextIO | None = None

    def __enter__(self) -> Self:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(self._files.lines() if self._has_kept else ())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lines is None:
            return
        try:
            self._lines.close()
            self._part()
        except OSError:
            # Whoever fills a disk is told by the first write that fails; the store has every line.
            if error is None:
                raise

    def add(self, line: Line, *, replaces: bool = False) -> None:
        """Write one line; it is with the system when this returns.

        Args:
            line: of the results.
            replaces: an earlier line of the same file is written already; `settle` takes it out.

        Raises:
            OSError: disk full or folder gone; it names the file.
        """
        if self._lines is None:
            return
        self._is_stale |= replaces
        try:
            self._lines.write(as_text(line))
            self._lines.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._lines.name) from None
        self._rows.append(line)
        if len(self._rows) >= self._part_rows or time.monotonic() - self._written_s > PART_S:
            self._part()

    def settle(self, *, is_stale: bool = False) -> None:
        """If lines were replaced, or files are gone (`is_stale`), write all of them anew: one a file."""
        if self._folder is not None and (self._is_stale or is_stale):
            self._is_stale = False
            self._write(self._files.lines())

    def _write(self, lines: Iterable[Line]) -> None:
        """Begin with these lines, put into parts on the way."""
        assert self._folder is not None
        if self._lines is not None:
            self._lines.close()
        parts = self._folder / PARTS
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir()
        self._rows, self._n_parts = [], 0
        write_lines(self._folder, self._parted(lines))
        self._lines = (self._folder / RESULTS).open("a", encoding="utf-8")

    def _parted(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            self._rows.append(line)
            if len(self._rows) >= self._part_rows:
                self._part()
            yield line

    def _part(self) -> None:
        if not self._rows or self._folder is None:
            return
        self._n_parts += 1
        path = self._folder / PARTS / f"{self._n_parts:06d}.parquet"
        whole_parquet(self._rows, path)
        self._rows, self._written_s = [], time.monotonic()


def as_text(line: Line) -> str:
    """One line of RESULTS."""
    return json.dumps(line, allow_nan=False) + "\n"


def write_lines(folder: Path, lines: Iterable[Line]) -> None:
    """Write RESULTS anew; the earlier one stays until the new one is whole."""
    path = folder / RESULTS
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(as_text(line))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


def whole_parquet(lines: Iterable[Line], path: Path) -> None:
    """Write a Parquet file that appears whole."""
    unfinished = path.with_name(path.name + ".part")
    try:
        write_parquet(lines, unfinished)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
