"""The tables of the queue: what waits, what was decided, and the log of all acts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboard.backend.queue import Desk, QueueItem, in_hands, one_line
from dashboard.backend.words import as_markdown, sentence
from dashboard.widgets.empty import empty_state
from dashboard.widgets.opinions import shaped

ROWS = 25

MAX_NAME = 160


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
    chosen = _table(items, key=f"waiting {page}", decided=False, choose=desk.may_decide)
    if chosen is None:
        return
    if st.button(f"Take {as_markdown(chosen.filename, 60)}", key="take chosen", type="primary"):
        if desk.take(sha256=chosen.sha256) is None:
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
    chosen = _table(items, key="decided", decided=True, choose=True)
    if chosen is None:
        st.caption("Choose a row to see all that was done to a file.")
        return
    st.subheader(as_markdown(chosen.filename, 120), anchor=False)
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


def _table(items: Sequence[QueueItem], *, key: str, decided: bool, choose: bool) -> QueueItem | None:
    columns: dict[str, list[object]] = {
        "Weight": [item.weight for item in items],
        "Verdict": [shaped(item.opinion) for item in items],
        "File": [one_line(item.filename, MAX_NAME) for item in items],
        "State": [f"{item.state}, in hands" if in_hands(item) else str(item.state) for item in items],
    }
    if decided:
        columns |= {
            "By": [one_line(item.acted_by, 60) for item in items],
            "Reason": [one_line(item.reason, MAX_NAME) for item in items],
            "When (UTC)": [item.acted_at[:16].replace("T", " ") for item in items],
        }
    event: Any = st.dataframe(
        columns,
        hide_index=True,
        width="stretch",
        key=key,
        on_select="rerun" if choose else "ignore",
        selection_mode="single-row",
        column_config={
            "Weight": st.column_config.NumberColumn(format="%+.2f", help="log10 likelihood ratio", width="small"),
            "File": st.column_config.TextColumn(width="medium"),
        },
    )
    rows = event["selection"]["rows"] if choose else []
    return items[rows[0]] if rows and rows[0] < len(items) else None


def _entries(desk: Desk, sha256: str | None) -> None:
    entries = desk.entries(sha256)
    if not entries:
        empty_state("The log has no entry yet.")
        return
    st.dataframe(
        {
            "Entry": [entry.number for entry in entries],
            "When (UTC)": [entry.at[:19].replace("T", " ") for entry in entries],
            "Who": [one_line(entry.actor, 60) for entry in entries],
            "Act": [entry.action for entry in entries],
            "Subject": [one_line(entry.subject, 64) for entry in entries],
            "Details": [
                one_line("; ".join(f"{name}: {text}" for name, text in entry.details.items()), MAX_NAME)
                for entry in entries
            ],
        },
        hide_index=True,
        width="stretch",
        key=f"entries {sha256}",
    )


def _reopen(desk: Desk, item: QueueItem, reason: str) -> None:
    try:
        desk.reopen(item.sha256, reason)
    except (PermissionError, ValueError, LookupError) as error:
        st.error(sentence(error), icon=":material/error:")
        return
    st.toast(f"{as_markdown(item.filename, 60)} waits again.", icon=":material/undo:")
    st.rerun()


def clock(time_s: float | None) -> str:
    """A moment of the day, UTC."""
    return "" if time_s is None else datetime.fromtimestamp(time_s, UTC).strftime("%H:%M")
