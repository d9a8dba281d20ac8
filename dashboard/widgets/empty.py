"""The heading of a page, and what it says while there is nothing to show."""

from __future__ import annotations

import streamlit as st


def heading(title: str, lead: str) -> None:
    """Title and one sentence on what the page is for; our own words only, never text from a file."""
    st.title(title, anchor=False)
    st.caption(lead)


def empty_state(words: str, *, icon: str = ":material/inbox:") -> None:
    """Say in plain words that there is nothing yet, and what to do about it; our own words only."""
    st.info(words, icon=icon)
