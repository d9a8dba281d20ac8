"""unforged queue: files that await the decision of a person."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.store_options import actor_name, actor_option, needed_store, store_option
from forensics.cli.terminal import is_terminal, line, plain, table

if TYPE_CHECKING:
    from forensics.store import Queue, QueueItem

STATES = ("waiting", "escalated", "approved", "rejected")

MIN_DIGITS = 6
"""Fewer digits of a hash are not taken for a file."""

_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group()
def queue() -> None:
    """Work off files that await a decision, heaviest evidence first.

    Whoever takes a file holds it for ten minutes; nobody else gets it meanwhile. Each act enters `unforged audit`.
    """


@queue.command(context_settings={"show_default": True})
@click.argument("scans", nargs=-1, type=click.IntRange(min=1), metavar="[SCAN]...")
@click.option("--opinion", metavar="TEXT", help="All scans whose opinion begins so: likely, inconclusive.")
@click.option("--since", metavar="DATE", help="Of these, only what was scanned on this day or later (UTC).")
@click.option("--limit", type=click.IntRange(min=1), default=1000, help="How many scans at most, newest first.")
@actor_option
@store_option
def add(
    scans: tuple[int, ...], opinion: str | None, since: str | None, limit: int, actor: str | None, store: str | None
) -> int:
    """Let files wait for a decision: SCAN is a number of `unforged history`. What was decided stays decided."""
    from forensics.store import Queue

    if bool(scans) == bool(opinion):
        raise click.UsageError("name either scans by their numbers, or an opinion with --opinion")
    with needed_store(store) as opened:
        rows = [opened.row(number) for number in scans] or opened.find(opinion=opinion, since=since, limit=limit)
        n_new = Queue(opened).add(rows, actor=actor_name(actor))
    n_files = len({row.sha256 for row in rows})
    files = "1 file" if n_new == 1 else f"{n_new} files"
    click.echo(f"queued {files}; {n_files - n_new} {'was' if n_files - n_new == 1 else 'were'} in the queue already")
    return 0


@queue.command("list", context_settings={"show_default": True})
@click.option(
    "--state", "states", type=click.Choice(STATES), multiple=True, help="Repeatable.  [default: what is open]"
)
@click.option("--limit", type=click.IntRange(min=1), default=20, help="How many at most.")
@_json_option
@store_option
def list_items(states: tuple[str, ...], limit: int, as_json: bool, store: str | None) -> int:
    """List files, heaviest first; decided ones newest first.

    In a pipe each file is one line: state, weight (log10 likelihood ratio), opinion, SHA-256, holder, path, reason,
    parted by tabs.
    """
    from forensics.store import Queue, State
    from forensics.store.queue_words import OPEN

    wanted = [State(state) for state in states] or OPEN
    with needed_store(store) as opened:
        listed = Queue(opened)
        items, counts = listed.items(states=wanted, limit=limit), listed.counts()
    _show(items, as_json=as_json)
    n_all = sum(counts[state] for state in set(wanted))
    if len(items) < n_all:
        click.echo(f"{len(items)} of {n_all}; --limit shows more", err=True)
    return 0


@queue.command()
@click.option("--escalated", is_flag=True, help="Take what somebody escalated.")
@click.option("--file", "digits", metavar="HEX", help="The file whose SHA-256 begins so, and no other.")
@actor_option
@_json_option
@store_option
def take(escalated: bool, digits: str | None, actor: str | None, as_json: bool, store: str | None) -> int:
    """Take the heaviest file that nobody holds; what you hold already comes first.

    \b
    Exit codes:
      0    a file was taken
      1    there is none to take
    """
    from forensics.store import Queue, State

    states = [State.ESCALATED if escalated else State.WAITING]
    with needed_store(store) as opened:
        items = Queue(opened)
        sha256 = None if digits is None else _sha256(items, digits)
        item = items.take(actor_name(actor), states=states, sha256=sha256)
    if item is None:
        click.echo("there is no file to take", err=True)
        return 1
    _show([item], as_json=as_json)
    return 0


@queue.command()
@click.argument("decision", type=click.Choice(["approve", "reject", "escalate"]))
@click.argument("digits", metavar="HEX")
@click.option("--reason", required=True, metavar="TEXT", help="Why, in a few words.")
@click.option("--claim", type=click.Choice(["synthetic", "manipulated"]), help="What a rejected file is.")
@actor_option
@store_option
def decide(decision: str, digits: str, reason: str, claim: str | None, actor: str | None, store: str | None) -> int:
    """Decide about a file that you took: HEX is how its SHA-256 begins.

    Approve what is what it claims to be, reject what is not, escalate what somebody else shall decide.
    """
    from forensics.finding import Claim
    from forensics.store import Decision, Queue

    with needed_store(store) as opened:
        items = Queue(opened)
        done = items.decide(
            actor_name(actor),
            _sha256(items, digits),
            Decision(decision),
            reason,
            claim=None if claim is None else Claim(claim),
        )
    click.echo(f"{done.state} {done.sha256[:16]} (entry {done.entry})")
    return 0


@queue.command()
@click.argument("digits", metavar="HEX")
@actor_option
@store_option
def release(digits: str, actor: str | None, store: str | None) -> int:
    """Put a file back that you took."""
    from forensics.store import Queue

    with needed_store(store) as opened:
        items = Queue(opened)
        items.release(actor_name(actor), _sha256(items, digits))
    return 0


@queue.command()
@click.argument("digits", metavar="HEX")
@click.option("--reason", required=True, metavar="TEXT", help="Why, in a few words.")
@actor_option
@store_option
def reopen(digits: str, reason: str, actor: str | None, store: str | None) -> int:
    """Let a decided or escalated file wait again."""
    from forensics.store import Queue

    with needed_store(store) as opened:
        items = Queue(opened)
        done = items.reopen(actor_name(actor), _sha256(items, digits), reason)
    click.echo(f"{done.state} {done.sha256[:16]} (entry {done.entry})")
    return 0


@queue.command()
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The list to write.")
@click.option(
    "--pictures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder in which files are looked for that no longer lie where they were examined.",
)
@store_option
def labels(out: Path, pictures: Path | None, store: str | None) -> int:
    """Write decisions as a list of labelled pictures that `unforged train` reads with --list.

    Rejected files are fakes, approved ones real. The audit log is checked before; each file is hashed, and one that is
    gone or changed is left out.
    """
    from forensics.decision_labels import labels as read
    from forensics.decision_labels import write_labels

    with needed_store(store) as opened:
        found = read(opened, pictures=pictures)
    write_labels(found.rows, out)
    n_fake = sum(row["label"] == "fake" for row in found.rows)
    click.echo(f"{n_fake} fake and {len(found.rows) - n_fake} real files are listed in {plain(str(out))}")
    for name, why in found.left_out.items():
        click.echo(f"left out: {plain(name)}: {why}", err=True)
    return 0


def _sha256(items: Queue, digits: str) -> str:
    """The one file of the queue whose hash begins so."""
    if len(digits) < MIN_DIGITS:
        raise click.UsageError(f"name a file by {MIN_DIGITS} digits of its SHA-256 or more")
    found = items.beginning(digits)
    if len(found) != 1:
        raise LookupError(f"the queue holds {'no file' if not found else 'several files'} {digits!r}")
    return found[0]


def _show(items: list[QueueItem], *, as_json: bool) -> None:
    if as_json:
        for item in items:
            click.echo(json.dumps(asdict(item)))
    elif is_terminal():
        cells = [
            (i.state, f"{i.weight:+.2f}", i.opinion, i.sha256[:12], i.holder or "", i.path, i.reason) for i in items
        ]
        table(("state", "weight", "opinion", "sha-256", "held by", "path", "reason"), cells, styled=2)
    else:
        for item in items:
            line(item.state, f"{item.weight:.3f}", item.opinion, item.sha256, item.holder or "", item.path, item.reason)
