"""unforged scan --run: what a person, a pipe and a log see of a durable run."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from forensics.addresses import shown_url, signs_in
from forensics.cli import INTERRUPTED
from forensics.cli.engine_options import wanted_cluster
from forensics.cli.options import inside_limits, open_store
from forensics.cli.store_options import actor_name
from forensics.cli.terminal import console, line, plain
from forensics.inputs import STDIN, displayable, is_url
from forensics.queueing import Queueing
from forensics.report_files import FILE_FORMATS
from forensics.runs import DurableRun, Ended, Settings
from forensics.runs.ending import WRITTEN, call, command_words, write_end
from forensics.runs.following import follow, noted_end
from forensics.runs.metrics import EVERY_S, write_metrics
from forensics.runs.summary import summarize
from forensics.runs.work import StopWanted
from forensics.store.queue_words import Bar
from forensics.store.run_words import FileState
from forensics.store.runs import Plan, Run, Runs
from forensics.usual_workers import usual_workers

if TYPE_CHECKING:
    from forensics.containers import InsideLimits
    from forensics.runs.summary import Summary
    from forensics.settings import ScanSettings
    from forensics.store import Store

MAX_ERRORS = 10
"""Classes of error that are told at the end; `unforged errors` tells all."""

BARS = {"likely": ("likely",), "inconclusive": ("likely", "inconclusive"), "never": ()}


def scan_run(name: str, paths: tuple[str, ...], given: dict[str, Any], settings: ScanSettings) -> int:
    """Examine the sources of a run, and write what came of it.

    Args:
        name: of the run.
        paths: sources; none goes on with those of an earlier run.
        given: the options of `unforged scan`.
        settings: of every scan, for a run that names its sources.

    Returns:
        The exit code, for all files of the run.
    """
    command = given["on_finish"]
    if command is not None:
        command_words(command)
    plan = None if given["resume"] is not None else _plan(name, paths, settings, inside_limits(given))
    store = open_store(given["store"])
    if store is None:
        raise click.UsageError("a run needs a store")
    log = _Log(name, is_wanted=given["log_json"])
    with store:
        try:
            shown = _passed(store, name, plan, given, log)
        except StopWanted as wish:
            log("stopped", {"by": wish.by})
            if not log.is_wanted:
                click.echo(f"unforged: run {plain(name)} {plain(str(wish))}; --resume goes on with it", err=True)
            return INTERRUPTED
        summary = shown.finish(Runs(store).get(name))
        if command is not None:
            call(command, summary)
        return shown.exit_code()


def _passed(store: Store, name: str, plan: Plan | None, given: dict[str, Any], log: _Log) -> _Shown:
    """One pass, to its end."""
    forms, cluster, actor = _forms(given), wanted_cluster(given), actor_name(given["actor"])
    claimed, was_cut_off = Runs(store).claim(name, plan, actor=actor)
    with noted_end(store, claimed):
        how = Settings(
            n_workers=given["jobs"] or usual_workers(claimed.plan.settings),
            devices=given["devices"],
            cluster=cluster,
            folder=given["out"],
            forms=forms,
            language_code=given["language_code"],
            retry_failed=given["retry_failed"],
        )
        run = DurableRun(store, claimed, how, is_new_pass=not was_cut_off, tell=log)
        with _Shown(run, given, Queueing(store, Bar(given["bar"]), actor=actor), log) as shown:
            poll_s = given["poll"] if given["watch"] else None
            sources = plan.sources if plan is not None else None
            follow(run, shown.add, sources=sources, out=given["out"], remote=given["remote"], poll_s=poll_s)
    return shown


def _forms(given: dict[str, Any]) -> tuple[str, ...]:
    forms = tuple(given["formats"] or ())
    if unknown := [form for form in forms if form not in FILE_FORMATS]:
        raise click.UsageError(f"a run writes all tables; --format takes {','.join(FILE_FORMATS)}, not {unknown[0]}")
    if forms and given["out"] is None:
        raise click.UsageError("--format says what to write, --out DIR must say where")
    return forms


def _plan(name: str, paths: tuple[str, ...], settings: ScanSettings, inside: InsideLimits | None) -> Plan:
    if not paths:
        raise click.UsageError(f"name what to examine, or go on with --resume {name}")
    if STDIN in paths:
        raise click.UsageError("standard input comes once: a run cannot go on with it")
    if any(is_url(path) and signs_in(path) for path in paths):
        raise click.UsageError("a run keeps its sources in the store: leave the password out of the URL")
    sources = tuple(path if is_url(path) else os.path.abspath(path) for path in paths)  # noqa: PTH100 - links stay
    for source in sources:
        if displayable(source) != source:
            raise click.UsageError(f"{plain(shown_url(source))} is no text: a run names its sources in UTF-8")
    return Plan(sources, settings, inside)


class _Log:
    """Events as lines of JSON on standard error, if they are wanted."""

    def __init__(self, name: str, *, is_wanted: bool) -> None:
        self._name = name
        self.is_wanted = is_wanted

    def __call__(self, event: str, details: dict[str, Any]) -> None:
        if self.is_wanted:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            click.echo(json.dumps({"time": now, "event": event, "run": self._name, **details}), err=True)


class _Shown:
    """Shows files as they end. A context manager."""

    def __init__(self, run: DurableRun, given: dict[str, Any], queueing: Queueing, log: _Log) -> None:
        self._run = run
        self._given = given
        self._queueing = queueing
        self._log = log
        self._to_pipe = not sys.stdout.isatty()
        self._status = console(err=True).status("examining") if sys.stderr.isatty() and not log.is_wanted else None
        self._n_ended = 0
        self._measured_s = 0.0

    def __enter__(self) -> _Shown:
        how = {"n_pass": self._run.run.n_pass, "sources": list(self._run.run.plan.sources)}
        self._log("start", how)
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()
        self._measure(is_running=False)

    def add(self, ended: Ended | None) -> None:
        """Show one file; None only looks at the clock."""
        if ended is not None:
            self._n_ended += 1
            self._queueing.add(ended.result)
            if self._to_pipe and ended.state is not FileState.UNCHANGED:
                self._pipe(ended.line)
            if self._status is not None:
                self._status.update(f"examined {self._n_ended:,} of {self._run.n_walked:,} files met so far")
        if time.monotonic() - self._measured_s > EVERY_S:
            self._measure(is_running=True)

    def _measure(self, *, is_running: bool) -> None:
        self._measured_s = time.monotonic()
        files = self._run.files
        if self._given["metrics"] is not None:
            write_metrics(
                self._given["metrics"],
                self._run.run.name,
                states=files.counts(),
                opinions=files.opinions(),
                errors=files.errors(),
                is_running=is_running,
                now_s=time.time(),
            )

    def exit_code(self) -> int:
        """Over all files of the run, as for a plain scan."""
        opinions, counts = self._run.files.opinions(), self._run.files.counts()
        reached = any(n and opinion.startswith(BARS[self._given["fail_on"]]) for opinion, n in opinions.items())
        return 1 if reached else 3 if counts[FileState.FAILED] else 0

    def finish(self, run: Run) -> Summary:
        """Write and tell what it came to."""
        files, out = self._run.files, self._given["out"]
        summary = write_end(run, files, out) if out is not None else summarize(run, files)[0]
        self._log("summary", {"states": dict(summary.states), "opinions": dict(summary.opinions)})
        if not self._log.is_wanted:
            for text in _told(run, self._run, self._given):
                click.echo(text, err=True)
        return summary

    def _pipe(self, found: dict[str, Any]) -> None:
        try:
            line(*_columns(found))
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has enough; the run goes on.
            self._to_pipe = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _columns(found: dict[str, Any]) -> Iterator[object]:
    yield found["path"]
    if found["status"] == "container":
        yield from ("opened", "", "", "", f"{found['inside']['n_files']} files inside")
        return
    if found["verdict"] is None:
        yield from ("not examined", "", "", found["error_code"], found["error"])
        return
    yield from (found["verdict"], f"{found['probability']:.3f}", f"{found['llr']:+.2f}", ",".join(found["leading"]))
    if found["duplicate_of"] is not None:
        yield f"the same as {found['duplicate_of']}"
        return
    counted = [finding for finding in found["findings"] if (finding["llr"] or 0.0) > 0]
    yield max(counted, key=lambda finding: finding["llr"])["summary"] if counted else ""


def _told(run: Run, examined: DurableRun, given: dict[str, Any]) -> Iterator[str]:
    counts, opinions, errors = examined.files.counts(), examined.files.opinions(), examined.files.errors()
    states = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    yield f"run {plain(run.name)}, pass {run.n_pass}: {states or 'nothing to examine'}"
    if opinions:
        yield ", ".join(f"{number} {opinion}" for opinion, number in sorted(opinions.items()))
    for error in errors[:MAX_ERRORS]:
        yield f"{error.n_files} {plain(error.code)}: {plain(error.message)} (for example {plain(error.path)})"
    if len(errors) > MAX_ERRORS:
        yield f"... and {len(errors) - MAX_ERRORS} more classes of error: unforged errors {plain(run.name)}"
    if given["out"] is not None:
        yield f"results in {plain(str(given['out']))}: {', '.join(WRITTEN)}"
