"""The page Arms race: rounds of attack and defence."""

from __future__ import annotations

from dashboard.widgets.empty import empty_state, heading


def render() -> None:
    """Draw the page."""
    heading("Arms race", "Rounds of attack and defence between generators and detectors.")
    empty_state("No race has been run yet.")
