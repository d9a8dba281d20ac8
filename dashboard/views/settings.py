"""The page Settings: limits, thresholds, trust list, database and retention."""

from __future__ import annotations

from dashboard.widgets.empty import empty_state, heading


def render() -> None:
    """Draw the page."""
    heading("Settings", "Limits, thresholds, trust list, database and retention.")
    empty_state("Nothing can be set yet.")
