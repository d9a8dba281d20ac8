"""How thoroughly files are examined: one small control, with what the choice does and costs beside it."""

from __future__ import annotations

import streamlit as st

from dashboard.backend.profiles import NAMES, STANDARD, words
from dashboard.backend.words import as_markdown
from dashboard.session import configuration


def profile_field(key: str) -> str:
    """Draw it.

    Args:
        key: apart from that of another one; the choice stays until one leaves the page.
    """
    st.session_state.setdefault(key, STANDARD)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        chosen: str | None = st.segmented_control(
            "How thoroughly", NAMES, key=key, required=True, label_visibility="collapsed", width="content"
        )
        st.caption(as_markdown(words(chosen or STANDARD, configuration().scan), 600), width="stretch")
    return chosen or STANDARD
