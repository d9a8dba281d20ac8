"""Options of commands that cannot do without a store, and who gives the command."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.options import open_store

if TYPE_CHECKING:
    from forensics.store import Store

store_option = click.option(
    "--store", metavar="URL|FILE", help="Where scans are kept.  [default: the user's data folder]"
)

actor_option = click.option(
    "--as", "actor", metavar="NAME", help="Name in the audit log; it is taken as given.  [default: the user's login]"
)


def needed_store(given: str | None) -> Store:
    """Open the store named by --store; "none" is refused."""
    opened = open_store(given)
    if opened is None:
        raise click.UsageError("this needs a store")
    return opened


def existing_store(given: str | None) -> Store:
    """The same for commands that only read: they make no file that is not there."""
    path = (given or "").removeprefix("sqlite:///")
    if path and "://" not in path and not Path(path).exists():
        raise click.BadParameter(f"there is no store {path!r}", param_hint="--store")
    return needed_store(given)


def actor_name(given: str | None) -> str:
    """The name of who gives the command."""
    name = (given if given is not None else _login()).strip()
    if not name:
        raise click.BadParameter("a name is wanted", param_hint="--as")
    return name


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container may run under a number that has no name.
        raise click.UsageError("your login has no name here: give one with --as") from None
