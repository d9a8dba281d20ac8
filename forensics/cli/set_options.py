"""The options of every command that reads pictures of known origin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from forensics.cli.terminal import plain

if TYPE_CHECKING:
    from detectors.picture_set import PictureSet

F = TypeVar("F", bound=Callable[..., Any])

Folder = click.Path(exists=True, file_okay=False, path_type=Path)
File = click.Path(exists=True, dir_okay=False, path_type=Path)

_LIST = "List of the pictures; may be repeated.  [default: *.tsv there]"


def set_options(command: F) -> F:
    """Add --data and --list, as `detectors.picture_set.read_set` takes them: `folders` and `lists`."""
    command = click.option("--list", "lists", multiple=True, type=File, help=_LIST)(command)
    words = "Folder of pictures; may be repeated."
    return click.option("--data", "folders", required=True, multiple=True, type=Folder, help=words)(command)


def tell_gone(found: PictureSet) -> None:
    """Say what of a set is missing or was left out, on a line of its own."""
    if found.gone:
        click.echo(plain(found.gone.removeprefix("; ")), err=True)
