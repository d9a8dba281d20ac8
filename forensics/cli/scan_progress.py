"""What a person or a pipe sees of a running scan, and the exit code that comes of it."""

from __future__ import annotations

import heapq
import sys
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from forensics.cli.terminal import console, is_terminal, line, plain, table
from forensics.result import Result
from forensics.verdict import Opinion

MAX_ROWS = 40
"""Rows of the table at the end, the most suspicious first; the rest is in the results."""

MAX_ERRORS = 10
"""Errors shown one by one on a terminal; the rest is counted."""

NOT_EXAMINED = "not examined"
OPENED = "opened"


class Progress:
    """Shows results as they come. A context manager.

    Args:
        n_files: how many will come.
        fail_on: the bar: likely, inconclusive or never.
    """

    def __init__(self, n_files: int, fail_on: str) -> None:
        self._n_files = n_files
        self._bar_opinions = {"likely": ("likely",), "inconclusive": ("likely", "inconclusive"), "never": ()}[fail_on]
        self._n_over_bar = 0
        self._n_cached = 0
        self._n_without_page = 0
        self._n_cut_short = 0
        self._failed: Counter[str] = Counter()
        self._n_done = 0
        self._opinions: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._n_containers = self._n_inside = 0
        self._left_out: Counter[str] = Counter()
        self._rows: list[tuple[tuple[float, int], tuple[str, ...]]] = []
        self._to_pipe = not is_terminal()
        self._display = _display(n_files) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._display is not None:
            self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._display is not None:
            self._display.stop()
        if kind is KeyboardInterrupt:
            click.echo(f"stopped after {self._n_done} of {self._n_files} files", err=True)

    @property
    def exit_code(self) -> int:
        """1 over 3: a gate that asks for suspicious files must not miss one because another was broken."""
        return 1 if self._n_over_bar else 3 if self._errors or self._n_cut_short else 0

    def add(self, result: Result) -> None:
        """Show one result."""
        if result.account is not None:
            self._n_containers += 1
            self._left_out.update(result.account.left_out)
        if result.container:
            # How many files a container holds is known when they come.
            self._n_files += 1
            self._n_inside += 1
            if self._display is not None:
                self._display.update(self._display.task_ids[0], total=self._n_files)
        self._n_done += 1
        self._n_cached += result.cached
        self._n_without_page += result.report is not None and result.error is not None
        row = _row(result)
        if result.report is None:
            if result.error is not None:
                self._errors[result.error.code] += 1
        else:
            self._failed.update(tuple(result.report.failed))
            self._n_cut_short += result.report.is_cut_short
            opinion = str(result.report.verdict.opinion)
            self._opinions[opinion] += 1
            self._n_over_bar += opinion.startswith(self._bar_opinions)
        if self._to_pipe:
            self._pipe(row)
        else:
            rank = result.report.verdict.llr if result.report is not None else -100.0
            heapq.heappush(self._rows, ((rank, -self._n_done), row))
            if len(self._rows) > MAX_ROWS:
                heapq.heappop(self._rows)
        if self._display is not None:
            self._display.advance(self._display.task_ids[0])
            if result.error is not None and self._errors.total() <= MAX_ERRORS and not self._to_pipe:
                self._display.console.print(f"{row[0]}: {result.error}", style="magenta", markup=False, highlight=False)

    def finish(self, out: Path | None, formats: tuple[str, ...]) -> None:
        """Show what it came to."""
        if self._display is not None:
            self._display.stop()
        if not self._to_pipe and self._rows:
            rows = [row for _, row in sorted(self._rows, key=lambda item: item[0], reverse=True)]
            headings = ("file", "opinion", "probability", "trace", "why")
            table(headings, [(*row[:3], row[4].partition(",")[0], row[5]) for row in rows], styled=1, wide=(0, 4))
            if self._n_done > len(rows):
                console().print(f"... and {self._n_done - len(rows)} more")
        for text in self._summary(out, formats):
            click.echo(text, err=True)

    def _summary(self, out: Path | None, formats: tuple[str, ...]) -> list[str]:
        counts = [f"{n} {name}" for name, n in sorted(self._opinions.items())]
        n_opened = self._n_done - self._opinions.total() - self._errors.total()
        if n_opened:
            counts.append(f"{n_opened} {OPENED}")
        if self._errors:
            codes = ", ".join(f"{n} {code}" for code, n in sorted(self._errors.items()))
            counts.append(f"{self._errors.total()} {NOT_EXAMINED} ({codes})")
        files = "1 file" if self._n_done == 1 else f"{self._n_done} files"
        texts = [f"{files}: {', '.join(counts) or 'nothing to examine'}"]
        if self._n_containers:
            opened = "1 of them holds files" if self._n_containers == 1 else f"{self._n_containers} of them hold files"
            texts.append(f"{opened}: {self._n_inside} inside{_left_out(self._left_out)}")
        if self._n_cached:
            texts.append(f"{self._n_cached} known from the store and not examined again (--no-cache does)")
        for name, n in sorted(self._failed.items()):
            texts.append(f"{plain(name)} could not finish on {n} of them (see results.jsonl)")
        if self._n_cut_short:
            texts.append(
                f"{self._n_cut_short} examined in part, for want of time (see results.jsonl; --timeout gives more)"
            )
        if self._n_without_page:
            texts.append(f"{self._n_without_page} examined, but their report could not be drawn (see results.jsonl)")
        if out is not None:
            texts.append(f"results in {plain(str(out))}: results.jsonl, {', '.join(formats)}")
        return texts

    def _pipe(self, row: tuple[str, ...]) -> None:
        try:
            line(*row)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has enough; the results in the output folder are still wanted.
            self._to_pipe = False
            sys.stdout = Path("/dev/null").open("w", encoding="utf-8")  # noqa: SIM115 - lives as long as the process


def _row(result: Result) -> tuple[str, ...]:
    if result.report is None:
        account = result.account
        inside = account.sentence if account is not None and (account.n_files or account.left_out) else ""
        if result.error is None:
            return (plain(result.path), OPENED, "", "", "", inside or "nothing inside")
        note = f"{result.error}; {inside}" if inside else str(result.error)
        return (plain(result.path), NOT_EXAMINED, "", "", result.error.code, note)
    verdict = result.report.verdict
    traces = ",".join(str(trace) for trace in verdict.leading)
    note = verdict.note
    if verdict.opinion is not Opinion.NO_TRACE_FOUND:
        note = next((r.sentence for r in verdict.reasons if r.counted and (r.llr or 0.0) > 0), note)
    if result.cached:
        note = f"cached: {note}"
    return (plain(result.path), str(verdict.opinion), f"{verdict.probability:.3f}", f"{verdict.llr:+.2f}", traces, note)


def _left_out(counts: Counter[str]) -> str:
    reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(counts.items()))
    return f", {counts.total()} left out ({reasons})" if counts else ""


def _display(n_files: int):  # type: ignore[no-untyped-def]
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:.1f} files/s")

    display = Progress(
        TextColumn("examining"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=console(err=True),
        transient=True,
    )
    display.add_task("examining", total=n_files)
    return display
