"""What a file says about itself: signer, state of the signature, steps, AI, metadata."""

from __future__ import annotations

import streamlit as st

from dashboard.backend.origin import Origin
from dashboard.widgets.markup import bullets, table, text


def panel(origin: Origin) -> None:
    """Draw it."""
    st.html(
        table(
            (
                ("Signer", origin.signer or "nobody"),
                ("State", origin.state),
                ("AI", origin.ai),
                *(("Check", line) for line in origin.checks),
                *origin.rows,
            )
        )
    )
    if origin.actions:
        st.html(f"<p><strong>Steps the signer lists</strong></p>{bullets(origin.actions)}")
    with st.expander(f"Metadata ({len(origin.tags)} {'entry' if len(origin.tags) == 1 else 'entries'})"):
        if origin.tags:
            st.html(table(origin.tags, max_rows=200))
        else:
            st.html(
                f"<p>{text('The file carries none. Platforms and messengers remove it, so this means nothing.')}</p>"
            )
