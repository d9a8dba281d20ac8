"""The page Scan: files in, opinions with reasons out."""

from __future__ import annotations

from dashboard.widgets.empty import empty_state, heading


def render() -> None:
    """Draw the page."""
    heading("Scan", "Drop pictures and videos; each is examined for traces of synthesis and alteration.")
    empty_state("Nothing has been examined yet.")
