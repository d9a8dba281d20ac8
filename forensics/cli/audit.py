"""unforged audit: who did what, and whether the log of it is whole."""

from __future__ import annotations

import json

import click

from forensics.cli.store_options import needed_store, store_option
from forensics.cli.terminal import is_terminal, line, plain, table

BROKEN = 1
"""Exit code of a log that is not whole."""


@click.group()
def audit() -> None:
    """Read and check the log of decisions, whose entries are chained by their hashes."""


@audit.command()
@click.option("--head", metavar="HEX", help="A head that was written down before: it must still be in the chain.")
@click.option("--count", "n_least", type=click.IntRange(min=0), help="As many entries there were before.")
@store_option
def verify(head: str | None, n_least: int | None, store: str | None) -> int:
    """Check that no entry was changed, removed or inserted, and that the queue says what the log says.

    Prints the number of entries and the head: write both down elsewhere. Without them, a chain cannot show that its end
    was cut off, nor that somebody who may write to the database made all of it anew.

    \b
    Exit codes:
      0    the log is intact
      1    it is not; the first broken entry is named
      2    wrong use, or the store cannot be read
    """
    from forensics.store import check

    with needed_store(store) as opened:
        found = check(opened, head=head, n_least=n_least)
    if found.broken:
        click.echo(f"broken: {plain(found.broken)}")
    for problem in found.problems:
        click.echo(f"broken: {plain(problem)}")
    if found.is_intact:
        click.echo(f"intact: {found.n_entries} entries")
        click.echo(f"head: {found.head}")
    return 0 if found.is_intact else BROKEN


@audit.command("list", context_settings={"show_default": True})
@click.option("--subject", metavar="TEXT", help="How the subject begins: the SHA-256 of a file, mostly.")
@click.option("--actor", metavar="NAME", help="Who did it.")
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many at most, newest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@store_option
def list_entries(subject: str | None, actor: str | None, limit: int, as_json: bool, store: str | None) -> int:
    """List entries, newest first."""
    from forensics.store import AuditLog

    with needed_store(store) as opened:
        entries = AuditLog(opened).entries(subject=subject, actor=actor, limit=limit)
    if as_json:
        for entry in entries:
            click.echo(json.dumps(vars(entry) | {"details": dict(entry.details)}))
        return 0
    rows = [
        (e.number, e.at, e.actor, e.action, e.subject, "; ".join(f"{key}: {text}" for key, text in e.details.items()))
        for e in entries
    ]
    if is_terminal():
        cells = [(number, at[:16], actor, act, what[:12], told) for number, at, actor, act, what, told in rows]
        table(("entry", "time (UTC)", "who", "act", "subject", "details"), cells, wide=(5,))
    else:
        for row in rows:
            line(*row)
    return 0
