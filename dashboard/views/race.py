"""The page Arms race: rounds of attack and defence, once there are some."""

from __future__ import annotations

import streamlit as st

from dashboard.backend.race import standings
from dashboard.widgets.empty import empty_state, heading


def render() -> None:
    """Draw the page."""
    heading("Arms race", "Generators attack a detector, it learns from the attack, and no round may be forgotten.")
    empty_state(
        "No race has been run: this version of Unforged cannot run one yet. So there are no rounds, no matrix of who "
        "beats whom, and no other version of a detector to promote or roll back to.",
        icon=":material/swords:",
    )
    st.subheader("Where a race would start", anchor=False)
    found = standings()
    st.dataframe(
        {
            "detector": [standing.name for standing in found],
            "version": [standing.version for standing in found],
            "weights, SHA-256": [standing.sha256[:16] for standing in found],
            "what it does": [standing.task for standing in found],
        },
        hide_index=True,
    )
    st.caption(
        "These versions came with the program, and scans use them. Without a race, the page Generators makes fakes, "
        "and `unforged train` learns from them on the command line."
    )
