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
    """Leads to what the row stands for; a line of its own on a card."""

    LINE = "line"
    """Another one."""

    FIGURE = "figure"
    """A number; on a card in one line with others, the title of the column before it."""

    NOTE = "note"
    """The same for a few words."""

    WIDE = "wide"
    """Only in the table."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: above it.
        look: where it stands.
        share: of the width of the table, in percent; 0 for what the others leave.
        about: what the title means, for who rests a pointer on it.
    """

    title: str
    look: Look
    share: float = 0.0
    about: str = ""


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        id: told when it is ticked or opened.
        name: of what it stands for, on one line; hostile text.
        cells: one text a column.
        href: where its title leads in a window of its own; "" for nowhere.
        picture: address, data in itself; "" for none, or none yet.
    """

    id: str
    name: str
    cells: tuple[str, ...]
    href: str = ""
    picture: str = ""


@dataclass(frozen=True)
class Told:
    """What somebody did with the rows.

    Attributes:
        ticked: ids of the rows that are.
        opened: id of the row whose title was clicked a moment ago; "" for none.
    """

    ticked: tuple[str, ...]
    opened: str


def rows(
    columns: Sequence[Column],
    lines: Sequence[Row],
    *,
    key: str,
    ticks: bool = False,
    pictures: bool = False,
    opens: bool = True,
    current: str = "",
) -> Told:
    """Draw them.

    Args:
        columns: from left to right; on a card from top to bottom.
        lines: from top to bottom.
        key: another one for other rows; what is ticked stays as long as the key does.
        ticks: whether rows can be ticked.
        pictures: whether there is room for pictures.
        opens: whether titles can be clicked.
        current: id of the row that is shown elsewhere on the page; "" for none.
    """
    data = {
        "columns": [asdict(column) for column in columns],
        "rows": [asdict(line) for line in lines],
        "ticks": ticks,
        "pictures": pictures,
        "opens": opens,
        "current": current,
    }
    told = _register()(data=data, key=key, on_chosen_change=_nothing, on_opened_change=_nothing)
    return Told(tuple(told.chosen or ()), told.opened or "")


def _nothing() -> None:
    """Streamlit tells of values only where it is given something to call."""


@st.cache_resource(show_spinner=False)
def _register() -> st.components.v2.types.ComponentRenderer:
    css, js = (_HERE.with_suffix(suffix).read_text(encoding="utf-8") for suffix in (".css", ".js"))
    return st.components.v2.component("unforged_rows", html=ROWS_HTML, css=css, js=js)
