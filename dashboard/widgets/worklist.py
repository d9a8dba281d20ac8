"""The tables of the queue: what waits, what was decided, and the log of all acts."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard.backend.queue import Desk, QueueItem, in_hands, one_line
from dashboard.backend.words import as_markdown, moment, name_of, sentence
from dashboard.widgets.empty import empty_state
from dashboard.widgets.opinions import WEIGHT, shaped
from dashboard.widgets.rows import Column, Look, Row, rows

ROWS = 25

MAX_NAME = 160

WAITING = (
    Column("File", Look.TITLE),
    Column("Verdict", Look.LINE, 20),
    Column("Weight", Look.FIGURE, 10, WEIGHT),
    Column("State", Look.NOTE, 20),
)

DECIDED = (
    Column("File", Look.TITLE),
    Column("Verdict", Look.LINE, 15),
    Column("Weight", Look.FIGURE, 8),
    Column("State", Look.NOTE, 10),
    Column("Reason", Look.LINE, 20),
    Column("By", Look.NOTE, 9),
    Column("When (UTC)", Look.NOTE, 14),
)

LOG = (
    Column("Act", Look.TITLE, 10),
    Column("Details", Look.LINE),
    Column("Who", Look.NOTE, 9),
    Column("When (UTC)", Look.NOTE, 14),
    Column("Entry", Look.FIGURE, 6),
    Column("Subject", Look.WIDE, 20),
)

_LOOKED_AT = "decided file"


def waiting(desk: Desk) -> None:
    """Open files, heaviest first; choosing one takes it in hands."""
    overview = desk.overview()
    n_open = overview.waiting + overview.escalated
    if not n_open:
        empty_state("No file awaits a decision. Send some here from the archive, or scan a folder.")
        return
    n_pages = -(-n_open // ROWS)
    page = st.number_input("Page", 1, n_pages, 1, key="page of the queue") if n_pages > 1 else 1
    items = desk.next_items(limit=ROWS, offset=ROWS * (page - 1))
    if desk.may_decide:
        st.caption("Click a name to take that file in hands.")
    opened = rows(WAITING, [_row(item) for item in items], key=f"waiting {page}", opens=desk.may_decide).opened
    if not opened:
        return
    if desk.take(sha256=opened) is None:
        st.error("Somebody else has this file in hands, or decided it a moment ago.", icon=":material/lock:")
        return
    st.session_state["work again"] = True
    st.rerun()


def decided(desk: Desk) -> None:
    """What was decided last, with who and why; admins may let a file wait again."""
    items = desk.decided(limit=100)
    if not items:
        empty_state("Nothing has been decided yet.")
        return
    st.caption("Click a name to see all that was done to that file.")
    chosen = next((item for item in items if item.sha256 == st.session_state.get(_LOOKED_AT)), None)
    lines = [
        _row(item, one_line(item.reason, MAX_NAME), one_line(item.acted_by, 60), moment(item.acted_at))
        for item in items
    ]
    opened = rows(DECIDED, lines, key="decided", current="" if chosen is None else chosen.sha256).opened
    if opened and (chosen is None or opened != chosen.sha256):
        st.session_state[_LOOKED_AT] = opened
        st.rerun()
    if chosen is None:
        return
    st.subheader(as_markdown(name_of(chosen, 120)), anchor=False)
    _entries(desk, chosen.sha256)
    if desk.may_reopen:
        with st.form("reopen", border=False):
            reason = st.text_input("Let it wait again, because", max_chars=500)
            if st.form_submit_button("Reopen", icon=":material/undo:"):
                _reopen(desk, chosen, reason)


def log(desk: Desk) -> None:
    """The newest entries of the audit log, and whether it is whole."""
    if st.button("Verify the log", icon=":material/verified:", key="verify"):
        found = desk.verify()
        if found.is_intact:
            st.success(f"Intact: {found.n_entries:,} entries, each chained to the one before.", icon=":material/check:")
            st.caption("Write the head down where nobody who can write to the database can change it:")
            st.code(found.head, language=None, wrap_lines=True)
        else:
            for problem in filter(None, (found.broken, *found.problems)):
                st.error(f"Broken: {as_markdown(problem)}", icon=":material/link_off:")
    _entries(desk, None)


def _row(item: QueueItem, *more: str) -> Row:
    name = name_of(item, MAX_NAME)
    state = f"{item.state}, in hands" if in_hands(item) else str(item.state)
    cells = (name, shaped(item.opinion), f"{item.weight:+.2f}", state, *more)
    return Row(item.sha256, name, cells)


def _entries(desk: Desk, sha256: str | None) -> None:
    entries = desk.entries(sha256)
    if not entries:
        empty_state("The log has no entry yet.")
        return
    lines = [
        Row(
            str(entry.number),
            f"entry {entry.number}",
            (
                entry.action,
                one_line("; ".join(f"{name}: {_told(name, text)}" for name, text in entry.details.items()), MAX_NAME),
                one_line(entry.actor, 60),
                moment(entry.at),
                str(entry.number),
                one_line(entry.subject, 64),
            ),
        )
        for entry in entries
    ]
    rows(LOG, lines, key=f"entries {sha256}", opens=False)


def _told(name: str, text: str) -> str:
    """A detail of an entry; weights as elsewhere, for the log has all their digits."""
    if name != "weight":
        return text
    try:
        return f"{float(text):+.2f}"
    except ValueError:
        return text


def _reopen(desk: Desk, item: QueueItem, reason: str) -> None:
    try:
        desk.reopen(item.sha256, reason)
    except (PermissionError, ValueError, LookupError) as error:
        st.error(sentence(error), icon=":material/error:")
        return
    st.toast(f"{as_markdown(name_of(item, 60))} waits again.", icon=":material/undo:")
    st.rerun()


def clock(time_s: float | None) -> str:
    """A moment of the day, UTC."""
    return "" if time_s is None else datetime.fromtimestamp(time_s, UTC).strftime("%H:%M")
