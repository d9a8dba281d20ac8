"""One page of the archive: a table with thumbnails, the way to other pages, and what can be done with chosen rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.backend.archive import Listing, ScanRow, one_line, places
from dashboard.backend.words import as_markdown
from dashboard.navigation import entry
from dashboard.pages import PAGES
from dashboard.roles import Role
from dashboard.session import current_user, store
from dashboard.widgets.failing import plainly
from dashboard.widgets.items import IDS
from dashboard.widgets.opinions import shaped
from dashboard.widgets.pictures import thumbnails
from dashboard.widgets.sending import may_send, send

ROW_PX = 64

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
    rows, known = found.rows, places(store())
    event: Any = st.dataframe(
        {
            "Picture": [pictures.get(row.sha256) or None for row in rows],
            "Verdict": [shaped(row.opinion) for row in rows],
            "Probability": [100 * row.probability for row in rows],
            "Weight": [row.llr for row in rows],
            "File": [one_line(row.filename, 160) for row in rows],
            "Examined (UTC)": [row.scanned_at[:16].replace("T", " ") for row in rows],
            "Kind": [f"{row.kind}, {row.format}" for row in rows],
            "Size": [row.size_bytes for row in rows],
            "Folder": [one_line(known.short(row.folder), 160) for row in rows],
        },
        hide_index=True,
        width="stretch",
        row_height=ROW_PX,
        height=min(len(rows), 10) * ROW_PX + 38,
        key=f"rows {found.number} {rows[0].id}",
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "Picture": st.column_config.ImageColumn(width="small"),
            "Probability": st.column_config.NumberColumn(format="%.0f %%", width="small"),
            "Weight": st.column_config.NumberColumn(format="%+.2f", help="log10 likelihood ratio", width="small"),
            "Size": st.column_config.NumberColumn(format="bytes"),
        },
    )
    chosen = [rows[i] for i in event["selection"]["rows"] if i < len(rows)]
    _actions(chosen)
    if not was_whole and all(row.sha256 in pictures for row in rows):
        st.rerun()


def _actions(chosen: Sequence[ScanRow]) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        few = chosen[:MAX_OPEN]
        if st.button("Open", key="open", disabled=not chosen, icon=":material/frame_inspect:"):
            st.switch_page(entry(PAGES[0]), query_params={IDS: [str(row.id) for row in few]})
        if may_send() and st.button("Send to the queue", key="send", disabled=not chosen, icon=":material/inbox:"):
            send(chosen)
        st.caption("Choose rows to open them or to have them decided." if not chosen else f"{len(chosen)} chosen.")
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
