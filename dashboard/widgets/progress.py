"""How far the examination of an upload is: one mark for every step."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.widgets.markup import text


def progress(done: Sequence[str], names: Sequence[str], *, waiting: int = 0) -> None:
    """Draw it.

    Args:
        done: titles of the steps that are over, in order.
        names: titles of all steps, in order.
        waiting: files before this one, if it has not begun.
    """
    if not done and waiting:
        st.html(f'<p class="u-soft">Waiting its turn; {waiting} in line.</p>')
    marks = []
    for number, name in enumerate(names):
        state, sign = (
            ("u-done", "✓") if number < len(done) else ("u-now", "…") if number == len(done) else ("u-next", "·")
        )
        marks.append(f'<li class="{state}"><span aria-hidden="true">{sign}</span> {text(name)}</li>')
    label = f"{len(done)} of {len(names)} steps done"
    st.html(f'<ol class="u-steps" aria-label="{label}">{"".join(marks)}</ol>')
