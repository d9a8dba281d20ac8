"""Types of options that refuse what says nothing: no name, no number."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    _PathType = click.Path[Path]
else:
    # Older releases of click cannot be subscripted.
    _PathType = click.Path


class NamedPath(_PathType):
    """A path. Without a name it would be the folder that one happens to be in."""

    def __init__(self, *, file_okay: bool = True, dir_okay: bool = True) -> None:
        super().__init__(file_okay=file_okay, dir_okay=dir_okay, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Read it."""
        if not str(value):
            self.fail(f"a {self.name} is wanted, not nothing", param, ctx)
        return Path(super().convert(value, param, ctx))


NEW_FOLDER = NamedPath(file_okay=False)

NEW_FILE = NamedPath(dir_okay=False)


class Measure(click.FloatRange):
    """A number that can be compared: neither infinite nor none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        read = super().convert(value, param, ctx)
        if not math.isfinite(read):
            self.fail(f"{value} is no number to count with", param, ctx)
        return read
