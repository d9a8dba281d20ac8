"""Sends examined files to the queue, and says how many were new there."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.backend.archive import ScanRow
from dashboard.backend.queue import Desk
from dashboard.backend.words import as_markdown, sentence
from dashboard.roles import Role
from dashboard.session import current_user, store


def may_send() -> bool:
    """Whether the role includes it."""
    return current_user().role >= Role.MODERATOR


def send(scans: Sequence[ScanRow]) -> None:
    """Let files wait for a decision."""
    try:
        n_new = Desk(store(), current_user(), "").send(scans)
    except PermissionError as error:
        st.error(sentence(error), icon=":material/lock:")
        return
    old = len(scans) - n_new
    was = f"; {old} {'was' if old == 1 else 'were'} there already, or decided" if old else ""
    st.toast(f"{n_new} sent to the queue{as_markdown(was)}", icon=":material/inbox:")
