"""One finding as a card: a picture, a sentence, how strong it is, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.backend.viewing import Evidence
from dashboard.overlay import scale
from dashboard.widgets.markup import table, text


def cards(evidence: Sequence[Evidence]) -> None:
    """Draw what counts first and large, and the rest side by side below it."""
    counted = [one for one in evidence if one.counted_llr]
    rest = [one for one in evidence if not one.counted_llr]
    for one in counted:
        card(one)
    if rest and counted:
        st.caption("Findings that do not count for this verdict, or only for the eye")
    for pair in (rest[i : i + 2] for i in range(0, len(rest), 2)):
        for column, one in zip(st.columns(2), pair, strict=False):
            with column:
                card(one, large=False)


def card(evidence: Evidence, *, large: bool = True) -> None:
    """Draw one finding."""
    with st.container(border=True, height="stretch"):
        picture, words = st.columns([2, 5] if large else [2, 3], gap="small")
        with words:
            st.html(_words(evidence))
            _details(evidence)
        with picture:
            _picture(evidence)


def _picture(evidence: Evidence) -> None:
    frames = evidence.frames[:4]
    if evidence.picture:
        st.image(evidence.picture, width="stretch")
        heat = '<span class="u-ramp"></span>' if evidence.is_heat else ""
        st.html(f'<p class="u-soft">{heat}{text(evidence.caption)}</p>')
    elif frames:
        for column, (time_s, jpeg) in zip(st.columns(len(frames)), frames, strict=True):
            column.image(jpeg, caption=f"{time_s:.2f} s", width="stretch")
    else:
        sign = f'<b aria-hidden="true">{_sign(evidence.trace)}</b>'
        st.html(f'<div class="u-nothing">{sign}<span>{text(evidence.trace)}</span></div>')


def _sign(trace: str) -> str:
    """A page of text for what a file says, a wave for what is measured over all of it."""
    return "¶" if "itself" in trace else "∿"


def _words(evidence: Evidence) -> str:
    parts = [
        f'<p class="u-card-title"><strong>{text(evidence.title)}</strong> <span>{text(evidence.trace)}</span></p>',
        f"<p>{text(evidence.summary)}</p>",
    ]
    if evidence.llr is not None:
        parts.append(
            f"{scale(evidence.llr, evidence.counted_llr)}"
            f'<p class="u-ends"><span>◀ untouched</span><span>{text(evidence.claim)} ▶</span></p>'
        )
    strength = " ".join(filter(None, (evidence.strength, evidence.weight)))
    parts.append(f'<p class="u-soft">{text(strength)}</p>')
    return "".join(parts)


def _details(evidence: Evidence) -> None:
    if not (evidence.explanation or evidence.rows or evidence.numbers):
        return
    with st.expander("How to read it, and the numbers"):
        body = f"<p>{text(evidence.explanation)}</p>" if evidence.explanation else ""
        st.html(body + table((*evidence.rows, *evidence.numbers)))
