"""What an admin may do to a run: stop it, go on with it, pass again."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dashboard.backend.runs import Bar, Run, RunState, resume, stop
from dashboard.backend.words import sentence
from dashboard.roles import Role
from dashboard.session import current_user, options, store

BARS = {
    Bar.LIKELY: "what is likely fake",
    Bar.INCONCLUSIVE: "what is likely fake or inconclusive",
    Bar.ALL: "everything",
    Bar.NEVER: "nothing",
}

WRONG = (PermissionError, ValueError, LookupError, OSError)
"""A role that is too small, words that name nothing, somebody who was faster, a store that does not work."""

_WISH = "what is wished of a run"


@dataclass(frozen=True)
class _Stop:
    run: str


@dataclass(frozen=True)
class _GoOn:
    run: str
    bar: Bar
    retry_failed: bool


def fulfil() -> None:
    """Do what was clicked on: in a run of the whole page, where the gate has looked again at who clicks."""
    wish = st.session_state.pop(_WISH, None)
    try:
        if isinstance(wish, _Stop):
            stop(store(), wish.run, user=current_user())
        elif isinstance(wish, _GoOn):
            again = wish.retry_failed
            resume(options(), store(), wish.run, bar=wish.bar, retry_failed=again, user=current_user())
    except WRONG as error:
        st.error(sentence(error), icon=":material/error:")


def run_acts(run: Run, *, where: str) -> None:
    """Draw the one that fits its state; nothing for who is no admin.

    Args:
        run: to act on.
        where: tells several places on one page apart.
    """
    if current_user().role < Role.ADMIN:
        return
    key = f"{where} {run.id}"
    if run.is_running:
        label = "Stopping" if run.stop_wanted_by else "Stop"
        if st.button(label, key=f"stop {key}", disabled=bool(run.stop_wanted_by), icon=":material/stop:"):
            _ask(_Stop(run.name))
        return
    is_done = run.state is RunState.DONE
    with st.popover("Pass again" if is_done else "Go on", icon=":material/play_arrow:"):
        st.caption("Only what is new or has changed is examined." if is_done else "It goes on where it was cut off.")
        bar = bar_field(f"bar {key}")
        again = st.checkbox("Try files again that could not be examined", key=f"again {key}")
        if st.button("Start", key=f"resume {key}", type="primary", icon=":material/play_arrow:"):
            _ask(_GoOn(run.name, bar, again))


def bar_field(key: str) -> Bar:
    """Which files shall await a decision."""
    return st.selectbox("Queue for a decision", list(BARS), format_func=lambda one: BARS[one], key=key)


def _ask(wish: _Stop | _GoOn) -> None:
    """Fragments draw themselves without passing the gate: the whole page is drawn instead, and does it."""
    st.session_state[_WISH] = wish
    st.rerun()
