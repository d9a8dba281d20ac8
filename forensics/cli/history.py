"""unforged history: what was examined before."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import click

from forensics.cli.store_options import existing_store
from forensics.cli.terminal import is_terminal, line, table

_DATES = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


def _sha256(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Read how a hash begins."""
    if value is not None and re.fullmatch("[0-9a-fA-F]{1,64}", value) is None:
        raise click.BadParameter(f"{value!r} begins no SHA-256: 1 to 64 hexadecimal digits are wanted", ctx, param)
    return value


def _opinion(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Read how an opinion begins."""
    if value is None:
        return None
    from forensics.verdict import Opinion

    if not value or not any(opinion.startswith(value.lower()) for opinion in Opinion):
        raise click.BadParameter(f"{value!r} begins no opinion; there is {', '.join(Opinion)}", ctx, param)
    return value


@click.command(context_settings={"show_default": True})
@click.option("--sha", metavar="HEX", callback=_sha256, help="How the SHA-256 of the file begins.")
@click.option(
    "--name", metavar="TEXT", help="Part of the file name, or of the way to it inside containers, as a.zip!/in/b.pdf."
)
@click.option(
    "--opinion",
    metavar="TEXT",
    callback=_opinion,
    help="The opinion or how it begins: likely, inconclusive, no trace found.",
)
@click.option("--analyzer", metavar="NAME", help="An analyzer that spoke for manipulation or synthesis.")
@click.option("--since", type=_DATES, help="Scanned on this day or later (UTC).")
@click.option("--until", type=_DATES, help="Scanned before this day (UTC).")
@click.option("--limit", type=click.IntRange(min=1), default=20, help="How many at most, newest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--store", metavar="URL|FILE", help="Where scans are kept.  [default: the user's data folder]")
def history(as_json: bool, store: str | None, sha: str | None, limit: int, **given: object) -> int:
    """Search earlier scans; `unforged report` takes the number in the first column.

    In a pipe each scan is one line: number, time, opinion, probability, SHA-256, path, parted by tabs.
    """
    if store == "none":
        raise click.UsageError("there is no history without a store")
    opened = existing_store(store)
    when = {name: _text(given.pop(name)) for name in ("since", "until")}
    texts = {name: str(value) if value is not None else None for name, value in given.items()}
    with opened:
        rows = opened.find(sha256=sha, limit=limit, **when, **texts)
    for row in rows:
        if as_json:
            click.echo(json.dumps(asdict(row)))
        elif not is_terminal():
            line(row.id, row.scanned_at, row.opinion, f"{row.probability:.3f}", row.sha256, row.path)
    if is_terminal() and not as_json:
        cells = [(r.id, r.scanned_at[:16], r.opinion, f"{r.probability:.3f}", r.sha256[:12], r.path) for r in rows]
        table(("scan", "time (UTC)", "opinion", "probability", "sha-256", "path"), cells, styled=2)
    return 0


def _text(moment: object) -> str | None:
    from datetime import datetime

    return moment.isoformat() if isinstance(moment, datetime) else None
