"""The page Archive: everything that was examined."""

from __future__ import annotations

from dashboard.widgets.empty import empty_state, heading


def render() -> None:
    """Draw the page."""
    heading("Archive", "Everything that was examined, to search, sort and export.")
    empty_state("No scan is stored yet.")
