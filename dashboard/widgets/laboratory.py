"""Pieces that the pages of generators and models share: a card, its figures, and an error in plain words."""

from __future__ import annotations

import streamlit as st

from dashboard.backend.cards import ModelCard, figures, learned_from, settings
from dashboard.backend.words import as_markdown, sentence
from dashboard.widgets.rows import Column, Look, Row, rows

FIGURES = (
    Column("Measured", Look.TITLE),
    Column("Figure", Look.FIGURE, 14),
    Column("95 % interval", Look.NOTE, 24),
)

FEW_FIGURES = 12
"""More than these scroll in a window of their own."""

FIGURES_PX = 460


def explain(error: Exception) -> None:
    """Say what went wrong, without a stack trace."""
    st.error(sentence(error), icon=":material/error:")


def card_panel(card: ModelCard) -> None:
    """Everything that travels with weights: what it does, its limits, its licence, its data and settings."""
    st.markdown(f"**What it does.** {as_markdown(card.task, 2000)}")
    st.markdown(f"**Limits.** {as_markdown(card.limits or 'none stated', 2000)}")
    st.markdown(f"**Licence.** {as_markdown(card.licence or 'unstated', 2000)}")
    st.caption("SHA-256 of the weights")
    st.code(card.sha256 or "none", language=None, wrap_lines=True)
    data = learned_from(card)
    if data:
        with st.expander(f"Learned from {sum(n for _, n in data):,} examples of {len(data)} sources"):
            st.dataframe({"source": [name for name, _ in data], "examples": [n for _, n in data]}, hide_index=True)
    made = list(settings(card))
    if made:
        with st.expander("Settings of the training"):
            st.dataframe({"setting": [name for name, _ in made], "value": [said for _, said in made]}, hide_index=True)


def figures_panel(card: ModelCard) -> None:
    """Figures of a card with their 95 % intervals."""
    found = figures(card)
    if not found:
        st.caption("The card of these weights names no figure.")
        return
    lines = [
        Row(str(place), figure.name, (figure.name, f"{figure.value:.4g}", _interval(figure.low, figure.high)))
        for place, figure in enumerate(found)
    ]
    with st.container(height=FIGURES_PX if len(found) > FEW_FIGURES else "content", border=False):
        rows(FIGURES, lines, key=f"figures of {card.name}", opens=False)


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4g} to {high:.4g}"
