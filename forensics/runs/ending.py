"""What lies in the output folder when a pass has ended: tables, SARIF, the summary; and the hook called then."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from forensics.report_table import write_csv
from forensics.runs.near import Groups
from forensics.runs.outputs import PARQUET, PARTS, whole_parquet, write_lines
from forensics.runs.page import render_run
from forensics.runs.sarif import write_sarif
from forensics.runs.summary import Summary, summarize
from forensics.store.run_results import RunResults
from forensics.store.runs import Run
from generators.whole_files import write_whole

Lines = Iterable[Mapping[str, Any]]

TABLES: Mapping[str, Callable[[Lines, Path], object]] = {
    "results.jsonl": lambda lines, path: write_lines(path.parent, lines),
    "results.csv": lambda lines, path: _whole(path, lambda part: write_csv(lines, part)),
    PARQUET: whole_parquet,
    "results.sarif": lambda lines, path: _whole(path, lambda part: _sarif(lines, part)),
}
"""Name of a file that has a line or a row of each file of the run -> what writes it."""

PAGE = "summary.html"

NEAR = "near-duplicates.jsonl"

WRITTEN: tuple[str, ...] = (*TABLES, NEAR, "summary.json", PAGE)

MARKS = (PARTS, "results.sarif", NEAR)
"""Of these the folder of a run has one at any moment, and that of a plain scan none."""


def write_end(run: Run, results: RunResults, folder: Path) -> Summary:
    """Write everything from the store; each file appears whole, in place of an earlier one.

    Args:
        run: as it stands now.
        results: of this run.
        folder: made if it is not there.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in TABLES.items():
        write(results.lines(), folder / name)
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    summary, near = summarize(run, results)
    _whole(folder / NEAR, lambda part: _groups(near, results, part))
    write_whole(folder / "summary.json", json.dumps(summary.to_dict(), indent=1).encode() + b"\n")
    write_page(summary, folder / PAGE)
    return summary


def holds_run(folder: Path) -> bool:
    """Whether results of a run lie in a folder."""
    return any((folder / name).exists() for name in MARKS)


def write_page(summary: Summary, path: Path) -> None:
    """Write the summary as a page to read.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(path, render_run(summary).encode("utf-8", "backslashreplace"))


def call(command: str, summary: Summary) -> None:
    """Call a command when a pass has ended; it gets the summary as JSON on its standard input, and no shell sees it.

    Args:
        command: a program and its arguments, quoted as for a shell.
        summary: of the run.

    Raises:
        ValueError: it is no command.
        RuntimeError: it cannot be started, or ends with another code than 0.
    """
    words = command_words(command)
    try:
        done = subprocess.run(words, input=json.dumps(summary.to_dict()).encode(), check=False)
    except OSError as error:
        raise RuntimeError(f"--on-finish: {words[0]!r} cannot be started: {error.strerror}") from None
    if done.returncode:
        raise RuntimeError(f"--on-finish: {words[0]!r} ended with code {done.returncode}; the results are written")


def command_words(command: str) -> list[str]:
    """The program and its arguments.

    Raises:
        ValueError: it is no command.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"--on-finish takes a program and its arguments: {error}") from None
    if not words:
        raise ValueError("--on-finish takes a program and its arguments, not nothing")
    return words


def _whole(path: Path, write: Callable[[Path], object]) -> None:
    unfinished = path.with_name(path.name + ".part")
    try:
        write(unfinished)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


def _sarif(lines: Lines, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        write_sarif(lines, file)


def _groups(near: Groups, results: RunResults, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for numbers in near.found():
            file.write(json.dumps({"paths": list(results.paths(numbers))}) + "\n")
