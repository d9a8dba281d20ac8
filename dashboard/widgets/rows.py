"""Rows with pictures to choose from: a table, and a list of cards where it is narrow, as on a phone.

It is plain HTML that scrolls with the page, so that fingers, keys and readers of screens find their way in it; words
reach it as text, never as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import streamlit as st

ROWS_HTML = (
    '<div class="room"><table role="table"><thead role="rowgroup"></thead><tbody role="rowgroup"></tbody></table></div>'
)

_HERE = Path(__file__)


class Look(StrEnum):
    """How a column stands in the table and on a card; the values are classes of the style sheet."""

    TITLE = "title"
    """Leads to what the row stands for; the first line of a card."""

    VERDICT = "verdict"
    """The second line of a card."""

    FIGURE = "figure"
    """Its third line, with the title of the column before it."""

    WIDE = "wide"
    """Only in the table."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: above it.
        look: where it stands.
        about: what the title means, for who rests a pointer on it.
    """

    title: str
    look: Look
    about: str = ""


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        id: told when it is chosen or opened.
        name: of what it stands for, on one line; hostile text.
        picture: address, data in itself; "" for none.
        href: where its title leads when it is opened in a window of its own.
        cells: one text a column.
    """

    id: int
    name: str
    picture: str
    href: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What somebody did with the rows.

    Attributes:
        chosen: ids of the rows that are ticked.
        opened: id of the row whose title was clicked a moment ago; None for none.
    """

    chosen: tuple[int, ...]
    opened: int | None


def rows(columns: Sequence[Column], lines: Sequence[Row], *, key: str) -> Told:
    """Draw them.

    Args:
        columns: from left to right, behind the box to tick and the picture.
        lines: from top to bottom.
        key: another one for other rows; what is ticked stays as long as the key does.
    """
    told = _register()(
        data={"columns": [asdict(column) for column in columns], "rows": [asdict(line) for line in lines]},
        key=key,
        on_chosen_change=_nothing,
        on_opened_change=_nothing,
    )
    return Told(tuple(told.chosen or ()), told.opened)


def _nothing() -> None:
    """Streamlit tells of values only where it is given something to call."""


@st.cache_resource(show_spinner=False)
def _register() -> st.components.v2.types.ComponentRenderer:
    css, js = (_HERE.with_suffix(suffix).read_text(encoding="utf-8") for suffix in (".css", ".js"))
    return st.components.v2.component("unforged_rows", html=ROWS_HTML, css=css, js=js)
