"""The page Scan: files in, opinions with reasons out."""

from __future__ import annotations

import streamlit as st

from dashboard.roles import Role
from dashboard.session import current_user
from dashboard.widgets.empty import empty_state, heading
from dashboard.widgets.intake import intake
from dashboard.widgets.items import IDS, ids, items


def render() -> None:
    """Draw the page."""
    may_bring = current_user().role >= Role.MODERATOR
    lead = "Drop pictures and videos; each is examined for traces of synthesis and alteration."
    heading("Scan", lead if may_bring else "What was found in files that were examined.")
    if may_bring:
        with st.container(key="intake"):
            brought = intake()
        if brought:
            st.query_params[IDS] = [*brought, *ids()]
            st.rerun()
    if ids():
        items()
    elif may_bring:
        empty_state("Nothing has been examined here yet. Drop a file above; its address then leads back to the result.")
    else:
        empty_state("Results open here from the queue and the archive. Examining files needs the role moderator.")
