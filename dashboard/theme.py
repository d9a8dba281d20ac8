"""How the dashboard looks: one style sheet, blue and orange, so that no meaning hangs on red against green."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

ICON = Path(__file__).with_name("icon.svg")
"""Our own file: a Material symbol as icon of the page would be fetched from a server of fonts."""

STYLE_SHEET = Path(__file__).with_name("style.css")


def apply() -> None:
    """Add the style sheet to the page; it holds nothing from outside."""
    st.html(f"<style>{STYLE_SHEET.read_text(encoding='utf-8')}</style>")
