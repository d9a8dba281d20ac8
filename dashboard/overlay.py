"""Drawings of the dashboard that need no picture: symbols and scales as HTML for the style sheet, from numbers alone.

Streamlit lets no SVG through its HTML, so shapes are cut out by the style sheet.
"""

from __future__ import annotations

from dashboard.backend.words import percent

MAX_LLR = 3.0
"""End of the scale of one finding: 1000 to 1."""

LETTERS = {"synthetic": "◆", "manipulated": "▲", "inconclusive": "■", "quiet": "●"}
"""The shape of every opinion where only text can stand."""

_SIGNS = {"synthetic": "✦", "manipulated": "!", "inconclusive": "?", "quiet": "–"}


def symbol(kind: str) -> str:
    """The shape of an opinion, with a sign in it: told apart without colour.

    Args:
        kind: "synthetic", "manipulated", "inconclusive" or "quiet".

    Raises:
        KeyError: it is none of these.
    """
    return f'<span class="u-symbol u-shape-{kind}" aria-hidden="true">{_SIGNS[kind]}</span>'


def gauge(probability: float, prior: float) -> str:
    """A probability on a scale from 0 to 1, with a line at what was assumed beforehand."""
    return (
        f'<div class="u-gauge" role="img" aria-label="{percent(probability)}; assumed beforehand {percent(prior)}">'
        f'<span class="u-fill" style="left:0;width:{100 * probability:.1f}%"></span>'
        f'<span class="u-tick" style="left:{100 * prior:.1f}%"></span></div>'
    )


def scale(llr: float, counted_llr: float) -> str:
    """How far a finding leans, from untouched on the left to the claim on the right; what counts is drawn solid."""
    side = "u-for" if llr > 0 else "u-against"
    return (
        f'<div class="u-scale {side}" role="img" aria-label="log10 ratio {llr:+.2f}, counted {counted_llr:+.2f}">'
        f"{_bar(llr, 'u-idle')}{_bar(counted_llr, 'u-fill')}"
        '<span class="u-tick" style="left:50%"></span></div>'
    )


def _bar(llr: float, style: str) -> str:
    width = min(abs(llr) / MAX_LLR, 1.0) * 50
    return f'<span class="{style}" style="left:{50 if llr > 0 else 50 - width:.1f}%;width:{width:.1f}%"></span>'
