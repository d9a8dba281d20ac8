"""The page Queue: files that await a decision, one at a time, heaviest evidence first."""

from __future__ import annotations

import secrets

import streamlit as st

from dashboard.backend.queue import Desk, QueueItem
from dashboard.backend.words import as_markdown, name_of
from dashboard.roles import LOCAL_USER
from dashboard.session import current_user, store
from dashboard.widgets.deciding import deciding, skipped
from dashboard.widgets.empty import empty_state, heading
from dashboard.widgets.failing import plainly
from dashboard.widgets.pictures import provide
from dashboard.widgets.result import result
from dashboard.widgets.worklist import clock, decided, log, waiting

SEAT = "seat"
"""In the address where nobody signs in: a reload leads back to the file in hands, another browser gets another one."""

VIEWS = {
    "Decide": ":material/gavel:",
    "Waiting": ":material/list:",
    "Decided": ":material/task_alt:",
    "Log": ":material/link:",
}

OVERVIEW_S = 5.0


def render() -> None:
    """Draw the page."""
    heading("Queue", "Files that await a decision, heaviest evidence first. Nobody else gets what you have in hands.")
    _draw()


@plainly
def _draw() -> None:
    desk = Desk(store(), current_user(), _seat())
    st.fragment(_overview, run_every=OVERVIEW_S)(desk)
    if st.session_state.pop("work again", False):
        st.session_state["view"] = "Decide"
    names = [name for name in VIEWS if desk.may_decide or name != "Decide"]
    view = st.segmented_control(
        "View",
        names,
        default=names[0],
        format_func=lambda name: f"{VIEWS[name]} {name}",
        label_visibility="collapsed",
        key="view",
        required=True,
    )
    {"Decide": _work, "Waiting": waiting, "Decided": decided, "Log": log}[view or names[0]](desk)


def _seat() -> str:
    if current_user() != LOCAL_USER:
        return ""
    seat = str(st.session_state.get(SEAT) or st.query_params.get(SEAT) or secrets.token_hex(3))[:12]
    st.session_state[SEAT] = seat
    if st.query_params.get(SEAT) != seat:
        st.query_params[SEAT] = seat
    return seat


@plainly
def _overview(desk: Desk) -> None:
    now = desk.overview()
    st.markdown(
        f"**{now.waiting:,}** waiting, **{now.escalated:,}** escalated, of them **{now.held:,}** in somebody's hands · "
        f"{now.approved:,} approved · {now.rejected:,} rejected"
    )


def _work(desk: Desk) -> None:
    item = desk.held()
    if item is None:
        _idle(desk)
        return
    desk.renew(item.sha256)
    _title(desk.held() or item)
    found = desk.scan(item.sha256)
    deciding(desk, item, None if found is None else found[1].verdict.claim)
    if found is None:
        st.warning("The report of this file is not in the store (any more). It can still be decided.")
        return
    row, _ = found
    with st.spinner("Fetching the picture …"):
        provide(row)
    result(row.id, in_queue=True)


def _idle(desk: Desk) -> None:
    now = desk.overview()
    n_for_me = now.waiting + (now.escalated if desk.may_reopen else 0)
    if not n_for_me:
        empty_state("No file awaits a decision. Send some here from the archive, or scan a folder.")
        return
    st.caption("Keys: N takes the next file, A approves, X rejects, E escalates, S skips, 1 to 4 give the reason.")
    if st.button("Take the heaviest file", type="primary", shortcut="N", icon=":material/back_hand:", key="take next"):
        if desk.take(skip=skipped()) is None and desk.take() is None:
            st.info("Others have all of them in hands. Somebody may put one back.", icon=":material/hourglass_empty:")
            return
        st.rerun()


def _title(item: QueueItem) -> None:
    st.subheader(as_markdown(name_of(item, 120)), anchor=False)
    parts = [
        f"weight {item.weight:+.2f}",
        f"yours until {clock(item.held_until_s)} UTC; every click begins the ten minutes anew",
    ]
    if item.state == "escalated":
        parts.append(f"escalated by {as_markdown(item.acted_by, 60)}: {as_markdown(item.reason, 300)}")
    elif item.reason:
        parts.append(f"reopened by {as_markdown(item.acted_by, 60)}: {as_markdown(item.reason, 300)}")
    st.caption(" · ".join(parts))
