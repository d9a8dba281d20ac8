"""The page Queue: items that await a decision."""

from __future__ import annotations

from dashboard.widgets.empty import empty_state, heading


def render() -> None:
    """Draw the page."""
    heading("Queue", "Items that await a decision, the weightiest first.")
    empty_state("No item awaits a decision.")
