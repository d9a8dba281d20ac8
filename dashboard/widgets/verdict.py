"""The verdict at a glance: symbol, words and colour, the probability, and what it means for who acts on it."""

from __future__ import annotations

import streamlit as st

from dashboard.backend.viewing import Shown
from dashboard.overlay import gauge, symbol
from dashboard.widgets.markup import text


def banner(shown: Shown, *, provisional: str = "") -> None:
    """Draw it.

    Args:
        shown: the report.
        provisional: what is still under way, our own words; "" when the verdict is final.
    """
    words = shown.words
    tag = f'<span class="u-tag">{text(provisional)}</span>' if provisional else ""
    facts = " · ".join(value for label, value in words.facts if label in ("Kind", "Size", "Picture", "Length"))
    st.html(
        f'<p class="u-file"><strong>{text(words.title)}</strong> <span class="u-soft">{text(facts)}</span></p>'
        f'<section class="u-verdict u-{shown.kind}{" u-provisional" * bool(provisional)}">{symbol(shown.kind)}'
        f'<div><p class="u-opinion">{text(words.opinion.capitalize())}{tag}</p><p class="u-soft">{text(words.note)}</p>'
        f'</div><div class="u-odds"><p><strong>{text(words.percent)}</strong> probability {text(words.question)}</p>'
        f"{gauge(words.probability, words.prior)}"
        f'<p class="u-ends"><span>0 %</span><span>line: assumed beforehand</span><span>100 %</span></p>'
        f"<p>{text(shown.false_alarms)}</p></div></section>"
    )
