"""unforged runs: list durable runs, show one, stop one. unforged errors: what could not be examined."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from forensics.cli.store_options import actor_name, actor_option, needed_store, store_option
from forensics.cli.terminal import is_terminal, line, plain, table

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group()
def runs() -> None:
    """Durable runs (`unforged scan --run NAME`)."""


@runs.command("list")
@json_option
@store_option
def list_(as_json: bool, store: str | None) -> int:
    """List runs, the newest first.

    In a pipe each run is one line: name, state, pass, time of start, files that have a result, files that failed,
    parted by tabs.
    """
    from forensics.store.run_results import RunResults
    from forensics.store.run_words import ENDED, FileState
    from forensics.store.runs import Runs
    from forensics.store.runs import as_json as plain_run

    rows = []
    with needed_store(store) as opened:
        for run in Runs(opened).all():
            counts = RunResults(opened, run.id).counts()
            n_ended, n_failed = sum(counts[state] for state in ENDED), counts[FileState.FAILED]
            rows.append((run.name, str(run.state), run.n_pass, run.started_at[:19], n_ended, n_failed))
            if as_json:
                click.echo(json.dumps(plain_run(run) | {"files": {str(k): n for k, n in counts.items()}}))
    if as_json:
        return 0
    if is_terminal():
        table(("run", "state", "pass", "started (UTC)", "files", "failed"), rows)
        return 0
    for row in rows:
        line(*row)
    return 0


@runs.command("show")
@click.argument("name")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write all results of the run there.")
@json_option
@store_option
def show(name: str, out: Path | None, as_json: bool, store: str | None) -> int:
    """Tell what a run came to; the store knows everything that its output folder holds."""
    from forensics.runs.ending import write_end
    from forensics.runs.summary import summarize
    from forensics.store.run_results import RunResults
    from forensics.store.runs import Runs

    with needed_store(store) as opened:
        run = Runs(opened).get(name)
        results = RunResults(opened, run.id)
        summary = write_end(run, results, out) if out is not None else summarize(run, results)[0]
    if as_json:
        click.echo(json.dumps(summary.to_dict()))
        return 0
    line("run", summary.run)
    line("state", f"{summary.state}, pass {summary.n_pass}, begun {summary.started_at}")
    if summary.message:
        line("message", summary.message)
    for source in summary.sources:
        line("source", source)
    for kind, counts in (("files", summary.states), ("opinion", summary.opinions)):
        for value, number in counts.items():
            line(kind, value, number)
    for error in summary.errors:
        line("error", error.code, error.n_files)
    line("look-alikes", f"{summary.n_near_files} files, groups: {summary.n_near_groups}")
    return 0


@runs.command("stop")
@click.argument("name")
@actor_option
@store_option
def stop(name: str, actor: str | None, store: str | None) -> int:
    """Ask the process that works on a run to stop, wherever it runs.

    It does within seconds; `unforged scan --resume NAME` goes on with the files that were under way.
    """
    from forensics.store.runs import Runs

    with needed_store(store) as opened:
        Runs(opened).stop(name, actor=actor_name(actor))
    click.echo(f"asked the run {plain(name)} to stop", err=True)
    return 0


@click.command()
@click.argument("name", metavar="RUN")
@click.option("--code", help="List every file of this class instead.")
@json_option
@store_option
def errors(name: str, code: str | None, as_json: bool, store: str | None) -> int:
    """Tell what a run could not examine: each class of error with its code, how often, why, and the first file.

    Classes that begin with "analyzer" cost one analyzer's findings, "cut-short" those for which the time did not
    suffice, "no-page" the report as a page; their files have a result. With --code each file is one line: path, why.
    """
    from forensics.store.run_results import RunResults
    from forensics.store.runs import Runs

    with needed_store(store) as opened:
        files = RunResults(opened, Runs(opened).get(name).id)
        classes = files.errors()
        if code is not None and code not in [one.code for one in classes]:
            told = ", ".join(one.code for one in classes) or "none"
            raise LookupError(f"the run {name!r} has no error {code!r}; it has {told}")
        for file in files.failed(code) if code is not None else ():
            if as_json:
                click.echo(json.dumps({"path": file.path, "code": code, "message": file.message}))
            else:
                line(file.path, file.message)
    if code is not None:
        return 0
    if as_json:
        for one in classes:
            click.echo(json.dumps(asdict(one)))
    elif is_terminal():
        rows = [(one.code, one.n_files, plain(one.message), plain(one.path)) for one in classes]
        table(("class", "files", "why", "for example"), rows, wide=(2, 3))
    else:
        for one in classes:
            line(one.code, one.n_files, one.message, one.path)
    return 0
