"""The bar with which a moderator decides: a key for the decision, a key for the reason, and the next file comes."""

from __future__ import annotations

import streamlit as st

from dashboard.backend.queue import MAX_REASON, REASONS, SAYS, Claim, Decision, Desk, QueueItem
from dashboard.backend.words import as_markdown, name_of, sentence

KEYS = {Decision.APPROVE: "A", Decision.REJECT: "X", Decision.ESCALATE: "E"}
"""R and C belong to Streamlit."""

ICONS = {
    Decision.APPROVE: ":material/check_circle:",
    Decision.REJECT: ":material/block:",
    Decision.ESCALATE: ":material/escalator_warning:",
}

MEANING = {
    Decision.APPROVE: "It is what it claims to be.",
    Decision.REJECT: "It is not what it claims to be.",
    Decision.ESCALATE: "Somebody with the role admin shall decide.",
}

SKIPPED = "skipped files"
MAX_SKIPPED = 100

_PENDING = "pending decision"

_STYLE = (
    "<style>.st-key-deciding { position: sticky; top: 3.75rem; z-index: 5; background: var(--u-page);"
    " border-radius: 8px; } @media (max-width: 640px) { .st-key-deciding .stButton p { font-size: 0.9rem; } }</style>"
)


def deciding(desk: Desk, item: QueueItem, usual: Claim | None) -> None:
    """Draw the bar for the file in hands.

    Args:
        desk: of the moderator.
        item: the file.
        usual: what its verdict is about, the claim to begin with.
    """
    st.html(_STYLE)
    with st.container(border=True, key="deciding", gap="small"):
        pending = st.session_state.get(_PENDING)
        if isinstance(pending, Decision):
            _reasons(desk, item, pending, usual)
        else:
            _decisions(desk, item)


def _decisions(desk: Desk, item: QueueItem) -> None:
    with st.container(horizontal=True, gap="small"):
        for decision, key in KEYS.items():
            if decision is Decision.ESCALATE and item.state == "escalated":
                continue
            pressed = st.button(
                str(decision).capitalize(),
                key=f"decide {decision}",
                shortcut=key,
                icon=ICONS[decision],
                help=MEANING[decision],
                type="primary" if decision is not Decision.ESCALATE else "secondary",
            )
            if pressed:
                st.session_state[_PENDING] = decision
                st.rerun()
        if st.button("Skip", key="skip", shortcut="S", icon=":material/skip_next:", help="Put it back, take another."):
            skip(desk, item)


def _reasons(desk: Desk, item: QueueItem, decision: Decision, usual: Claim | None) -> None:
    st.markdown(f"**{str(decision).capitalize()}**: {MEANING[decision]} Why?")
    claim = None
    if decision is Decision.REJECT:
        claim = st.segmented_control(
            "It is",
            [Claim.SYNTHETIC, Claim.MANIPULATED],
            default=usual or Claim.SYNTHETIC,
            format_func=lambda one: {"synthetic": "wholly synthetic", "manipulated": "altered in parts"}[one],
            required=True,
            key=f"claim {item.sha256}",
        )
    with st.container(horizontal=True, gap="small"):
        for number, words in enumerate(REASONS[decision], 1):
            if st.button(words, key=f"reason {decision} {number}", shortcut=str(number)):
                _decide(desk, item, decision, words, SAYS.get(words, claim))
    with st.form(f"reason {item.sha256}", border=False, clear_on_submit=False):
        words = st.text_input(
            "Another reason",
            key=f"words {item.sha256}",
            max_chars=MAX_REASON,
            placeholder="Another reason, in a few words",
            label_visibility="collapsed",
        )
        with st.container(horizontal=True, gap="small"):
            sent = st.form_submit_button(f"{str(decision).capitalize()} with this reason")
            left = st.form_submit_button("Cancel", shortcut="Esc")
    if left:
        st.session_state.pop(_PENDING, None)
        st.rerun()
    if sent:
        _decide(desk, item, decision, words, claim)


def _decide(desk: Desk, item: QueueItem, decision: Decision, reason: str, claim: Claim | None) -> None:
    try:
        done = desk.decide(item.sha256, decision, reason, claim)
    except (PermissionError, ValueError, LookupError) as error:
        st.error(sentence(error), icon=":material/error:")
        return
    st.session_state.pop(_PENDING, None)
    name = as_markdown(name_of(item, 60))
    st.toast(f"{str(done.state).capitalize()}: {name}", icon=ICONS[decision])
    # What is decided moves on; the next file comes by itself.
    desk.take(skip=skipped())
    st.rerun()


def skip(desk: Desk, item: QueueItem) -> None:
    """Put a file back and take another one."""
    desk.release(item.sha256)
    st.session_state[SKIPPED] = [*skipped(), item.sha256][-MAX_SKIPPED:]
    if desk.take(skip=skipped()) is None:
        # All were skipped: begin again with the first.
        st.session_state[SKIPPED] = []
        desk.take()
    st.rerun()


def skipped() -> list[str]:
    """Hashes of files that this browser put back."""
    return list(st.session_state.get(SKIPPED, ()))
