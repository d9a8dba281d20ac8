"""unforged report: the report of an earlier scan, out of the store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.options import language_option, open_store

if TYPE_CHECKING:
    from forensics.report import ScanReport
    from forensics.store import Store

MAX_NUMBER_DIGITS = 9
"""More digits than that are the beginning of a hash."""


@click.command(context_settings={"show_default": True})
@click.argument("scan", metavar="ID")
@click.option(
    "--format", "form", type=click.Choice(["html", "json", "pdf"]), default="html", help="Form of the report."
)
@language_option
@click.option("--out", default="-", metavar="FILE|-", help="Where to; - is standard output.")
@click.option(
    "--picture", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Where the file lies now."
)
@click.option("--store", metavar="URL|FILE", help="Where scans are kept.  [default: the user's data folder]")
def report(scan: str, form: str, language_code: str, out: str, picture: Path | None, store: str | None) -> int:
    """Write the report of an earlier scan again. ID is its number in `unforged history`, or how its SHA-256 begins.

    Evidence is drawn on the picture if the file still lies where it was, or where --picture says, unchanged.
    """
    opened = open_store(store)
    if opened is None:
        raise click.UsageError("there are no reports without a store")
    with opened:
        found = opened.report(_number(scan, opened))
    data = _drawn(found, picture, form, language_code)
    if out != "-":
        Path(out).write_bytes(data)
        return 0
    if form == "pdf" and sys.stdout.isatty():
        raise click.UsageError("a terminal shows no PDF; name a file with --out")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return 0


def _number(scan: str, store: Store) -> int:
    if scan.isascii() and scan.isdigit() and len(scan) <= MAX_NUMBER_DIGITS:
        return int(scan)
    rows = store.find(sha256=scan, limit=1) if len(scan) >= 6 else []
    if not rows:
        raise LookupError(f"the store holds no scan {scan!r}")
    return rows[0].id


def _drawn(found: ScanReport, picture: Path | None, form: str, language_code: str) -> bytes:
    """The report on pictures of the very same file, decoded in a worker; without them if it is gone or another one."""
    from forensics.messages import Answer, Opened, Task
    from forensics.pool import Pool
    from forensics.report_files import PICTURE_FORMATS, render

    path = picture or Path(found.path)
    if form in PICTURE_FORMATS and path.is_file():

        def decide(task: Task, opened: Opened) -> Answer:
            return Answer(scan=False, known=found if opened.sha256 == found.sha256 else None)

        with Pool(found.settings, forms=(form,), language_code=language_code) as pool:
            (outcome,) = pool.run([Task(path, found.path, found.filename)], decide)
        if form in outcome.pages:
            return outcome.pages[form]
    if form in PICTURE_FORMATS:
        click.echo("the file is gone, changed or unreadable: no pictures (--picture FILE)", err=True)
    return render(found, {}, form, language_code)
