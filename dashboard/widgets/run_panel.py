"""Starts runs over folders and lists the newest ones; they go on when every browser is closed."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard.backend.runs import Standing, newest, proposed, start
from dashboard.backend.words import as_markdown, sentence
from dashboard.roles import Role
from dashboard.session import configuration, current_user, options, store
from dashboard.widgets.archive_table import turn_to
from dashboard.widgets.examination import examination_fields
from dashboard.widgets.failing import plainly
from dashboard.widgets.run_acts import WRONG, bar_field, fulfil, run_acts
from dashboard.widgets.run_words import counts, message, sign, sources

FOLLOW_S = 2.0

RUN = "run"
"""The run that was chosen: key of its field, and its name in the address."""

_FOLDER, _NAME, _BAR = "folder of a new run", "name of a new run", "bar of a new run"

_NAMED, _PROPOSED, _STARTED = "folder with a name", "proposed name of a new run", "a run was started"


def run_panel() -> None:
    """Draw it."""
    fulfil()
    found = newest(store(), user=current_user())
    running = any(one.run.is_running for one in found)
    with st.expander("Runs", expanded=running or not found, icon=":material/drive_folder_upload:"):
        if current_user().role >= Role.ADMIN:
            _form()
        else:
            st.caption("Starting one needs the role admin: whoever names folders looks into them.")
        st.fragment(_follow, run_every=FOLLOW_S if running else None)(running)


def _form() -> None:
    _fill_in()
    how = examination_fields("a new run")
    left, middle, right, end = st.columns([4, 3, 2.4, 1.2], vertical_alignment="bottom")
    folder = left.text_input(
        "Folder on the computer that runs the dashboard", placeholder="/home/me/pictures", key=_FOLDER
    )
    name = middle.text_input("Name of the run", placeholder="proposed once a folder is named", max_chars=100, key=_NAME)
    with right:
        bar = bar_field(_BAR)
    if not end.button("Start", icon=":material/play_arrow:", type="primary", width="stretch", key="start a run"):
        return
    try:
        start(
            options(),
            configuration(),
            store(),
            folder=folder,
            name=name,
            bar=bar,
            user=current_user(),
            how=how,
        )
    except WRONG as error:
        st.error(sentence(error), icon=":material/error:")
        return
    st.session_state[_STARTED] = True
    st.rerun()


def _fill_in() -> None:
    """Propose a name for a folder; one that somebody wrote stays. After a start both fields are empty."""
    state = st.session_state
    if state.pop(_STARTED, False):
        state[_FOLDER] = state[_NAME] = ""
    folder = state.get(_FOLDER, "")
    if folder == state.get(_NAMED, ""):
        return
    state[_NAMED] = folder
    if state.get(_NAME, "") in ("", state.get(_PROPOSED)):
        state[_NAME] = state[_PROPOSED] = proposed(store(), folder, datetime.now(UTC).date())


@plainly
def _follow(was_running: bool) -> None:
    found = newest(store(), user=current_user())
    for one in found:
        _line(one)
    if not found:
        st.caption("No run yet. One goes on when you close the browser, and this page finds it again.")
    if was_running != any(one.run.is_running for one in found):
        # The page below shows what came of it.
        st.rerun()


def _line(one: Standing) -> None:
    with st.container(border=True):
        words, actions = st.columns([5, 2], vertical_alignment="center")
        with words.container(gap=None):
            st.markdown(f"{sign(one)} · **{as_markdown(one.run.name)}**")
            st.caption("  \n".join(filter(None, (sources(one), counts(one), message(one)))))
        with actions.container(horizontal=True, horizontal_alignment="right", gap="small"):
            run_acts(one.run, where="listed")
            key, name = f"results {one.run.id}", one.run.name
            if st.button("Results", key=key, icon=":material/table_rows:", on_click=_choose, args=(name,)):
                st.rerun()


def _choose(name: str) -> None:
    """Let the page show the files of a run."""
    st.session_state[RUN] = name
    turn_to(0)
