"""What lies in the output folder when a pass has ended: tables, SARIF, the summary; and the hook called then."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from forensics.report_table import write_csv
from forensics.runs.near import Group
from forensics.runs.outputs import PARQUET, PARTS, whole_parquet, write_lines
from forensics.runs.page import render_run
from forensics.runs.sarif import write_sarif
from forensics.runs.summary import Summary, summarize
from forensics.store import Store
from forensics.store.run_files import RunFiles
from forensics.store.runs import Run
from generators.whole_files import write_whole

WRITTEN: tuple[str, ...] = ("results.jsonl", "results.csv", PARQUET, "results.sarif", "near-duplicates.jsonl")
WRITTEN += ("summary.json", "summary.html")


def write_end(store: Store, run: Run, folder: Path) -> Summary:
    """Write everything from the store; each file appears whole, in place of an earlier one.

    Args:
        store: of the run.
        run: as it stands now.
        folder: made if it is not there.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = RunFiles(store, run.id)
    write_lines(folder, files.lines())
    _whole(folder / "results.csv", lambda part: write_csv(files.lines(), part))
    whole_parquet(files.lines(), folder / PARQUET)
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    _whole(folder / "results.sarif", lambda part: _sarif(files, part))
    summary, near = summarize(store, run)
    _whole(folder / "near-duplicates.jsonl", lambda part: _groups(near, part))
    write_whole(folder / "summary.json", json.dumps(summary.to_dict(), indent=1).encode() + b"\n")
    write_whole(folder / "summary.html", render_run(summary).encode("utf-8", "backslashreplace"))
    return summary


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


def _sarif(files: RunFiles, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        write_sarif(files.lines(), file)


def _groups(groups: list[Group], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for group in groups:
            file.write(json.dumps({"paths": group.paths}) + "\n")
