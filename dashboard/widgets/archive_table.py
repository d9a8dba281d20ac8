"""One page of the archive: a table with thumbnails, the way to other pages, and what can be done with chosen rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.backend.archive import Listing, Places, ScanRow, one_line, places
from dashboard.backend.words import as_markdown, moment, name_of, percent
from dashboard.navigation import entry
from dashboard.pages import PAGES
from dashboard.roles import Role
from dashboard.session import current_user, store
from dashboard.widgets.failing import plainly
from dashboard.widgets.items import IDS
from dashboard.widgets.opinions import WEIGHT, shaped
from dashboard.widgets.pictures import thumbnails
from dashboard.widgets.rows import Column, Look, Row, rows
from dashboard.widgets.sending import may_send, send

COLUMNS = (
    Column("File", Look.TITLE),
    Column("Verdict", Look.LINE, 13),
    Column("Probability", Look.FIGURE, 7.5, "of being made or altered by a machine or a hand"),
    Column("Weight", Look.FIGURE, 7.5, WEIGHT),
    Column("Examined (UTC)", Look.WIDE, 10.5),
    Column("Kind", Look.WIDE, 10.5),
    Column("Folder", Look.WIDE, 10.5),
)

MORE_S = 0.6
"""Pause before more thumbnails are made."""

MORE_BUDGET_S = 1.5

PAGE = "page"

MAX_OPEN = 10


def archive_table(found: Listing) -> None:
    """Draw the page, its thumbnails as they come."""
    known = thumbnails(found.rows)
    # One file may stand there twice, scanned in two ways.
    is_whole = all(row.sha256 in known for row in found.rows)
    # A fragment draws again what is missing, and nothing else of the page.
    st.fragment(_rows, run_every=None if is_whole else MORE_S)(found, is_whole)
    _pager(found)


@plainly
def _rows(found: Listing, was_whole: bool) -> None:
    pictures = thumbnails(found.rows, budget_s=0.0 if was_whole else MORE_BUDGET_S)
    known = places(store())
    actions = st.container()
    lines = [_line(row, pictures, known) for row in found.rows]
    told = rows(COLUMNS, lines, key=f"rows {found.number} {lines[0].id}", ticks=True, pictures=True)
    if told.opened:
        _open([told.opened])
    with actions:
        _actions([row for row in found.rows if str(row.id) in told.ticked])
    if not was_whole and all(row.sha256 in pictures for row in found.rows):
        st.rerun()


def _line(row: ScanRow, pictures: Mapping[str, str], known: Places) -> Row:
    name = name_of(row, 160)
    cells = (
        name,
        shaped(row.opinion),
        percent(row.probability),
        f"{row.llr:+.2f}",
        moment(row.scanned_at),
        ", ".join((*(["video"] if row.kind == "video" else []), row.format, _size(row.size_bytes))),
        one_line(known.of(row), 160),
    )
    return Row(str(row.id), name, cells, f"./?{IDS}={row.id}", pictures.get(row.sha256, ""))


def _size(size_bytes: int) -> str:
    size, unit = (size_bytes / 1e6, "MB") if size_bytes >= 100_000 else (size_bytes / 1e3, "kB")
    return f"{size:,.1f}\u00a0{unit}"


def _open(ids: Sequence[str]) -> None:
    st.switch_page(entry(PAGES[0]), query_params={IDS: list(ids)})


def _actions(chosen: Sequence[ScanRow]) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        few = chosen[:MAX_OPEN]
        if st.button("Open", key="open", disabled=not chosen, icon=":material/frame_inspect:"):
            _open([str(row.id) for row in few])
        if may_send() and st.button("Send to the queue", key="send", disabled=not chosen, icon=":material/inbox:"):
            send(chosen)
        st.caption(
            "Click a name to open it, or tick rows to open several or have them decided."
            if not chosen
            else f"{len(chosen)} chosen."
        )
    if current_user().role >= Role.ADMIN:
        # Where files lie on the server is nobody else's business.
        for row in few:
            st.caption(as_markdown(str(row.location or row.path), 1000))


def _pager(found: Listing) -> None:
    last = found.n_pages - 1
    if not last:
        return
    with st.container(horizontal=True, horizontal_alignment="left", vertical_alignment="center", gap="small"):
        for label, icon, target, stuck in (
            ("First", ":material/first_page:", 0, found.number == 0),
            ("Previous", ":material/chevron_left:", found.number - 1, found.number == 0),
            ("Next", ":material/chevron_right:", found.number + 1, found.number == last),
            ("Last", ":material/last_page:", last, found.number == last),
        ):
            st.button(label, key=f"to {label}", icon=icon, disabled=stuck, on_click=turn_to, args=(target,))
        st.caption(f"Page {found.number + 1:,} of {found.n_pages:,}")


def turn_to(number: int) -> None:
    """Let the address name another page, from 0."""
    if number:
        st.query_params[PAGE] = str(number + 1)
    else:
        st.query_params.pop(PAGE, None)
