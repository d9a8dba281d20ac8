"""unforged scan: files in, results out, an exit code for scripts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.engine_options import device_option, engine_options, wanted_cluster
from forensics.cli.option_types import NEW_FOLDER
from forensics.cli.options import (
    examination_options,
    inside_limits,
    inside_options,
    language_option,
    limits_options,
    names_option,
)
from forensics.cli.run_options import check_run_options, run_options
from forensics.cli.stop_signals import interruptible
from forensics.cli.store_options import actor_name, actor_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forensics.result import Result
    from forensics.settings import ScanSettings
    from forensics.store import Store

FEW_FILES = 20
"""Up to here each file gets a page to read unless --format says otherwise; beyond, people want a table."""

FEW_FORMATS = ("html", "json")
MANY_FORMATS = ("csv",)

EPILOG = """\b
Exit codes:
  0    everything was examined and nothing reached the bar
  1    at least one file reached the bar, even if others could not be read
  2    wrong use, or the output folder or the store cannot be used
  3    some input could not be read, and nothing that could be read reached the bar
  130  interrupted; results.jsonl holds what was done by then (143: by SIGTERM, 129: by SIGHUP)
"""


@click.command(epilog=EPILOG, context_settings={"show_default": True})
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(
    "--files-from",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE|-",
    help="File that lists paths, one a line.",
)
@click.option("--remote", is_flag=True, help="Allow URLs (s3://, gs://, https://, ...): they go over the network.")
@click.option("--out", type=NEW_FOLDER, help="Folder for results; else none are written.")
@click.option(
    "--format",
    "formats",
    callback=names_option,
    metavar="LIST",
    help="Some of html,json,pdf (one a file), csv,parquet (one a scan).  [default: html,json up to 20 files, else csv]",
)
@language_option
@engine_options("What examines: processes of this machine, or a cluster, where --device cuda is all cards.")
@device_option
@click.option("--jobs", type=click.IntRange(1, 256), help="Files at once.  [default: processors, memory allowing]")
@click.option(
    "--fail-on",
    type=click.Choice(["likely", "inconclusive", "never"]),
    default="likely",
    help="The bar for exit code 1.",
)
@examination_options
@click.option(
    "--fusion",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Model of `unforged train fusion`: one more finding, for the eye.",
)
@click.option("--store", metavar="URL|FILE|none", help="Where scans are kept.  [default: the user's data folder]")
@click.option("--no-cache", is_flag=True, help="Examine files again that the store knows.")
@click.option(
    "--queue",
    "bar",
    type=click.Choice(["likely", "inconclusive", "all", "never"]),
    default="never",
    help="Files that shall await a decision in `unforged queue`, by their opinion.",
)
@actor_option
@run_options
@limits_options
@inside_options
def scan(paths: tuple[str, ...], **given: Any) -> int:
    """Examine files, folders (recursively), patterns such as '**/*.jpg' and, as -, standard input.

    Archives, mail, PDF and Office documents are looked into: archive.zip!/picture.jpg is a file inside.

    Each file is examined in a process of its own accord with limits on time and memory; what a file is, its content
    decides. On a terminal a table comes at the end; in a pipe each file is one line as it ends: path, opinion,
    probability, log10 ratio, leading traces, reason, parted by tabs.

    With --run NAME the state of each file is kept in the store: a run that was cut off goes on where it was, one that
    is done looks only at what has changed since.
    """
    return interruptible(lambda: _scan(paths, given))


def _scan(paths: tuple[str, ...], given: dict[str, Any]) -> int:
    name = check_run_options(given)
    if name is not None:
        if given["resume"] is None:
            paths = _all_paths(paths, given["files_from"])
        elif paths or given["files_from"]:
            raise click.UsageError("--resume takes the sources that the run has: name none")
        from forensics.cli.scan_run import scan_run

        return scan_run(name, paths, given, scan_settings(given))
    settings = scan_settings(given)
    from contextlib import ExitStack

    from forensics.batch import Batch, Output
    from forensics.cli.options import open_store
    from forensics.cli.scan_progress import Progress
    from forensics.inputs import STDIN
    from forensics.runs.ending import holds_run
    from forensics.store import StoreError
    from forensics.usual_workers import usual_workers

    paths = _all_paths(paths, given["files_from"])
    formats: tuple[str, ...] | None = given["formats"]
    Output(None, formats or ())
    if formats is not None and given["out"] is None:
        raise click.UsageError("--format says what to write, --out DIR must say where")
    if given["out"] is not None and holds_run(given["out"]):
        raise click.UsageError(f"{given['out']} holds the results of a run: name another folder with --out")
    cluster = wanted_cluster(given)
    if cluster is not None and STDIN in paths:
        raise click.UsageError("standard input is on this machine alone: give --engine local")
    with ExitStack() as stack:
        store = open_store(given["store"])
        if store is None and given["bar"] != "never":
            raise click.UsageError("--queue needs a store")
        if store is not None:
            stack.enter_context(store)
        from_stdin = STDIN in paths
        counting = Batch(settings, output=Output(given["out"]), remote=given["remote"])
        tasks = counting.tasks(paths)
        n_files = len(tasks) + from_stdin
        if formats is None:
            formats = FEW_FORMATS if n_files <= FEW_FILES else MANY_FORMATS
        batch = Batch(
            settings,
            output=Output(given["out"], formats, given["language_code"]),
            store=store,
            use_cache=not given["no_cache"],
            inside=inside_limits(given),
            n_workers=given["jobs"] or usual_workers(settings),
            devices=given["devices"],
            cluster=cluster,
        )
        progress = stack.enter_context(Progress(n_files, given["fail_on"]))
        try:
            results = batch.run(tasks, stdin=sys.stdin.buffer if from_stdin else None)
            for result in _queued(results, store, given):
                progress.add(result)
        except StoreError:
            progress.finish(given["out"], formats)
            raise
        progress.finish(given["out"], formats)
    return progress.exit_code


def _all_paths(paths: tuple[str, ...], list_file: str | None) -> tuple[str, ...]:
    from forensics.inputs import STDIN, listed

    if list_file is None and not paths:
        raise click.UsageError("Missing argument 'PATH...'.")
    if "" in paths:
        raise click.UsageError("one of the paths is empty: name a file or a folder")
    if list_file is None:
        return paths
    if list_file == STDIN in paths:
        raise click.UsageError("standard input is a file or the list of files, not both")
    with click.open_file(list_file, "rb") as stream:
        # In a list, a dash is the name of a file.
        named = tuple(f"./{path}" if path == STDIN else path for path in listed(stream))
    if not named and not paths:
        raise click.UsageError(f"the list {list_file} names no file")
    return paths + named


def _queued(results: Iterator[Result], store: Store | None, given: dict[str, Any]) -> Iterator[Result]:
    """Let files that reached the bar await a decision; a store that fails at it is told when all is examined."""
    from forensics.queueing import Queueing
    from forensics.store import StoreError
    from forensics.store.queue_words import Bar

    bar = Bar(given["bar"])
    if store is None or bar is Bar.NEVER:
        yield from results
        return
    queueing = Queueing(store, bar, actor=actor_name(given["actor"]))
    failed: StoreError | None = None
    for result in results:
        if failed is None:
            try:
                queueing.add(result)
            except StoreError as error:
                failed = error
        yield result
    if failed is not None:
        raise failed


def scan_settings(given: dict[str, Any]) -> ScanSettings:
    """What the options of a scan ask for.

    Raises:
        click.UsageError: an analyzer, a detector, a folder or a trust list is none.
    """
    from dataclasses import asdict, replace

    from forensics.analyzers import ANALYZERS
    from forensics.analyzers.learned import check_detectors
    from forensics.analyzers.manifest import trust_anchors
    from forensics.cli.options import camera_folder, models_folder
    from forensics.profiles import PROFILES

    wanted: tuple[str, ...] | None = given["analyzers"]
    for name in wanted or ():
        if name not in ANALYZERS.names():
            raise click.UsageError(f"there is no analyzer {name!r}; there is {', '.join(ANALYZERS.names())}")
    models = models_folder(given["outside"])
    try:
        check_detectors(given["detectors"] or (), models)
    except LookupError as error:
        raise click.UsageError(str(error)) from None
    trust_list: Path | None = given["trust_list"]
    if trust_list is not None and not trust_anchors(trust_list):
        raise click.BadParameter(f"{trust_list} holds no PEM certificate", param_hint="--trust-list")
    usual = PROFILES[given["profile"]]
    limits = {name: given[name] for name in asdict(usual.limits) if given.get(name) is not None}
    return replace(
        usual,
        limits=replace(usual.limits, **limits),
        analyzers=wanted or usual.analyzers,
        detectors=given["detectors"] or usual.detectors,
        prior=given["prior"],
        trust_list=trust_list,
        cameras=camera_folder(given["cameras"]),
        models=models,
        fusion=given["fusion"],
    )
