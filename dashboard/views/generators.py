"""The page Generators: what makes fakes, and what they look like."""

from __future__ import annotations

from dashboard.widgets.empty import empty_state, heading


def render() -> None:
    """Draw the page."""
    heading("Generators", "What makes the fakes that detectors learn from.")
    empty_state("No generator is installed.")
