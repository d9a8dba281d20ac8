"""The page Models: cards, figures and thresholds of the detectors."""

from __future__ import annotations

from dashboard.widgets.empty import empty_state, heading


def render() -> None:
    """Draw the page."""
    heading("Models", "Cards, figures and thresholds of the detectors that ship.")
    empty_state("No model is installed.")
