"""The router of the dashboard: page set-up, style sheet, the gate, and the page that was asked for."""

from __future__ import annotations

import streamlit as st

from dashboard import theme
from dashboard.backend.words import sentence
from dashboard.gate import passed, remember, who
from dashboard.navigation import groups, keep_address
from dashboard.session import current_user


def main() -> None:
    """Draw what the browser asks for."""
    st.set_page_config(page_title="Unforged", page_icon=theme.ICON, layout="wide")
    theme.apply()
    if not passed():
        keep_address()
        return
    page = st.navigation(groups(current_user()))
    who()
    try:
        page.run()
    except (OSError, ValueError, LookupError, RuntimeError, ImportError) as error:
        # A full disk, a database that is away, a damaged file: one plain line, as on the command line.
        st.error(sentence(error), icon=":material/error:")
    remember()
