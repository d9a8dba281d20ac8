"""How files are examined: how thoroughly, with what that does and costs beside it, and which outside models speak."""

from __future__ import annotations

import streamlit as st

from dashboard.backend.profiles import NAMES, STANDARD, Examination, choices, speaking, words
from dashboard.backend.words import as_markdown
from dashboard.session import configuration


def examination_fields(of: str) -> Examination:
    """Draw them; the choice stays until one leaves the page.

    Args:
        of: what is examined, in words apart from those of other fields.
    """
    profile = _profile(f"profile of {of}")
    return Examination(profile, _outside(profile, f"outside models of {of}"))


def _profile(key: str) -> str:
    st.session_state.setdefault(key, STANDARD)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        chosen: str | None = st.segmented_control(
            "How thoroughly", NAMES, key=key, required=True, label_visibility="collapsed", width="content"
        )
        st.caption(as_markdown(words(chosen or STANDARD), 600), width="stretch")
    return chosen or STANDARD


def _outside(profile: str, key: str) -> tuple[str, ...] | None:
    """Names of those that were chosen; None where there is nothing to choose from."""
    now = configuration()
    known = choices(profile, now.scan)
    if not known:
        return None
    return tuple(
        st.pills(
            "Outside models that are asked as well",
            known,
            selection_mode="multi",
            default=speaking(now),
            key=key,
            help="Detectors that were added with `unforged models add`. A result names those that were not asked.",
        )
    )
