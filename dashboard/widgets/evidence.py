"""One finding as a card: a picture, a sentence, how strong it is, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.backend.viewing import Card, Evidence
from dashboard.overlay import scale
from dashboard.widgets.drawings import drawn
from dashboard.widgets.markup import table, text


def cards(evidence: Sequence[Evidence]) -> None:
    """Draw what counts first and large, and the rest side by side below it."""
    counted = [one for one in evidence if one.card.counted_llr]
    rest = [one for one in evidence if not one.card.counted_llr]
    for one in counted:
        _draw(one, large=True)
    if rest and counted:
        st.caption("Findings that do not count for this verdict, or only for the eye")
    for pair in (rest[i : i + 2] for i in range(0, len(rest), 2)):
        for column, one in zip(st.columns(2), pair, strict=False):
            with column:
                _draw(one, large=False)


def _draw(evidence: Evidence, *, large: bool) -> None:
    """Draw one finding."""
    with st.container(border=True, height="stretch"):
        picture, words = st.columns([2, 5] if large else [2, 3], gap="small")
        with words:
            st.html(_words(evidence.card))
            _details(evidence.card)
        with picture:
            _picture(evidence)


def _picture(evidence: Evidence) -> None:
    frames = evidence.frames[:4]
    if evidence.picture:
        st.image(evidence.picture, width="stretch", alt=_about(evidence))
        heat = '<span class="u-ramp"></span>' if evidence.is_heat else ""
        st.html(f'<p class="u-soft">{heat}{text(evidence.caption)}</p>')
    elif frames:
        for column, (time_s, jpeg) in zip(st.columns(len(frames)), frames, strict=True):
            column.image(jpeg, caption=f"{time_s:.2f} s", width="stretch", alt=f"Frame at {time_s:.2f} s")
    elif evidence.drawing is not None:
        st.html(drawn(evidence.drawing))
    else:
        sign = f'<b aria-hidden="true">{_sign(evidence.card.trace)}</b>'
        st.html(f'<div class="u-nothing">{sign}<span>{text(evidence.card.trace)}</span></div>')


def _about(evidence: Evidence) -> str:
    return f"{evidence.card.title}: {evidence.caption or 'evidence drawn on the picture'}"


def _sign(trace: str) -> str:
    """A page of text for what a file says, a wave for what is measured over all of it."""
    return "¶" if "itself" in trace else "∿"


def _words(card: Card) -> str:
    speaker = next((words for label, words in card.rows if label == "detector"), "")
    title = f"{card.title}: {speaker}" if speaker else card.title
    parts = [
        f'<p class="u-card-title"><strong>{text(title)}</strong> <span>{text(card.trace)}</span></p>',
        f"<p>{text(card.summary)}</p>",
    ]
    if card.llr is not None:
        parts.append(
            f"{scale(card.llr, card.counted_llr)}"
            f'<p class="u-ends"><span>◀ untouched</span><span>{text(card.claim)} ▶</span></p>'
        )
    strength = " ".join(filter(None, (card.strength, card.weight)))
    parts.append(f'<p class="u-soft">{text(strength)}</p>')
    return "".join(parts)


def _details(card: Card) -> None:
    if not (card.explanation or card.rows or card.numbers):
        return
    with st.expander("How to read it, and the numbers"):
        body = f"<p>{text(card.explanation)}</p>" if card.explanation else ""
        st.html(body + table((*card.rows, *card.numbers)))
