"""Text and tables on a terminal, or plain lines in a pipe. Names from suspect files steer neither."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {
    "likely synthetic": "bold red",
    "likely manipulated": "bold red",
    "inconclusive": "yellow",
    "no trace found": "green",
    "not examined": "magenta",
}


def plain(text: str) -> str:
    """On one line, with escapes in place of what steers a terminal or reverses text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def console(*, err: bool = False) -> Console:
    """A console that takes nothing in a text for markup."""
    from rich.console import Console

    return Console(stderr=err, markup=False, highlight=False, emoji=False, soft_wrap=False)


def line(*columns: object) -> None:
    """One row for a pipe, columns parted by tabs."""
    click.echo("\t".join(plain(str(column)) for column in columns))


def table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, styled: int | None = None, wide: tuple[int, ...] = ()
) -> None:
    """Print a table.

    Args:
        headings: of the columns.
        rows: cells are hostile text.
        styled: column coloured by STYLES.
        wide: columns that share the room left; the others take what they need.
    """
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, expand=bool(wide), header_style="bold", padding=(0, 2, 0, 0))
    for i, heading in enumerate(headings):
        drawn.add_column(heading, overflow="fold", no_wrap=bool(wide) and i not in wide, ratio=1 if i in wide else None)
    for row in rows:
        cells = [plain(str(cell)) for cell in row]
        drawn.add_row(*(Text(c, style=STYLES.get(c, "") if i == styled else "") for i, c in enumerate(cells)))
    console().print(drawn)
