"""The router of the dashboard: page set-up, style sheet, the gate, the page that was asked for. Streamlit runs it."""

from __future__ import annotations

import streamlit as st

from dashboard import theme
from dashboard.navigation import groups
from dashboard.session import current_user


def main() -> None:
    """Draw what the browser asks for."""
    st.set_page_config(page_title="Unforged", page_icon=":material/verified_user:", layout="wide")
    theme.apply()
    st.navigation(groups(current_user())).run()


if __name__ == "__main__":
    main()
