"""Versions of a detector with their lineage; an admin promotes one or rolls back, with a reason, and confirms it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboard.backend import race
from dashboard.backend.queue import MAX_REASON
from dashboard.backend.race import Change, Refusals, Version
from dashboard.backend.words import as_markdown, moment
from dashboard.roles import Role
from dashboard.session import current_user, store
from dashboard.widgets.empty import empty_state
from dashboard.widgets.laboratory import explain

_PENDING, _DONE = "pending change of versions", "versions were changed"

STANDS, KEPT, REFUSED, DAMAGED = "● scans use it", "○ kept", "✕ refused by the gate", "✕ damaged"

WRONG = (ImportError, LookupError, OSError, RuntimeError, ValueError)
"""What a broken registry, a full disk, a role that is too small or somebody who was faster raise; each says so."""


@dataclass(frozen=True)
class Pending:
    """A change that was asked for and not confirmed yet.

    Attributes:
        detector: its name.
        version: that shall stand.
        stood: that stood when it was asked for.
        is_rollback: whether it is the way back.
        reason: why.
    """

    detector: str
    version: str
    stood: str
    is_rollback: bool
    reason: str


def versions_panel(models: Path, detector: str, refused: Refusals) -> None:
    """Draw it.

    Args:
        models: folder of models.
        detector: its name.
        refused: by gates of races.
    """
    try:
        found, history = race.versions(models, detector), race.changes(models, detector)
    except WRONG as error:
        explain(error)
        return
    back = race.earlier(found, history)
    if done := st.session_state.pop(_DONE, ""):
        st.success(done, icon=":material/check:")
    _listed(found, refused)
    if current_user().role < Role.ADMIN:
        st.info("Only an admin may promote a version or roll back.", icon=":material/lock:")
    else:
        _change(models, found, back, refused)
    _lineage(found)
    _history(history)


def _listed(found: Sequence[Version], refused: Refusals) -> None:
    st.dataframe(
        {
            "version": [version.version for version in found],
            "state": [_state(version, refused) for version in found],
            "learned from": ["" if v.lineage is None else v.lineage.parent for v in found],
            "in": ["as it ships" if v.lineage is None else f"{v.lineage.race}, round {v.lineage.round}" for v in found],
            "at": ["" if v.lineage is None else moment(v.lineage.made_at) for v in found],
            "weights, SHA-256": [version.card.sha256[:16] for version in found],
        },
        hide_index=True,
    )


def _state(version: Version, refused: Refusals) -> str:
    if version.fault:
        return DAMAGED
    if version.is_promoted:
        return STANDS
    return REFUSED if _reasons(version, refused) else KEPT


def _reasons(version: Version, refused: Refusals) -> tuple[str, ...]:
    """Why a gate refused it; none where none did."""
    return () if version.lineage is None else refused.get((version.lineage.race, version.lineage.round), ())


def _change(models: Path, found: Sequence[Version], back: str | None, refused: Refusals) -> None:
    stands = next((version.version for version in found if version.is_promoted), "")
    pending = st.session_state.get(_PENDING)
    if isinstance(pending, Pending) and pending.detector == found[0].name:
        asked = next((version for version in found if version.version == pending.version), found[0])
        _confirm(models, pending, _reasons(asked, refused))
        return
    usable = {v.version: _state(v, refused) for v in found[::-1] if not v.fault and not v.is_promoted}
    listed = sorted(usable, key=lambda version: usable[version] == REFUSED)
    with st.form("change of versions", border=True):
        left, right = st.columns([1, 2])
        chosen = left.selectbox(
            "Version",
            listed,
            format_func=lambda version: f"{version} ({REFUSED})" if usable[version] == REFUSED else version,
            placeholder="there is no other",
            disabled=not usable,
            key="version to promote",
        )
        reason = right.text_input(
            "Reason", max_chars=MAX_REASON, placeholder="Why, in a sentence; it is kept", key="reason for a change"
        )
        with st.container(horizontal=True):
            promote = st.form_submit_button("Promote…", icon=":material/arrow_upward:", disabled=not usable)
            words = "Roll back…" if back is None else f"Roll back to {as_markdown(back)}…"
            to_earlier = st.form_submit_button(words, icon=":material/undo:", disabled=back is None)
    if not (promote or to_earlier):
        return
    if not reason.strip():
        st.error("A change of versions needs a reason.", icon=":material/error:")
        return
    version = (back if to_earlier else chosen) or ""
    st.session_state[_PENDING] = Pending(found[0].name, version, stands, to_earlier, reason.strip())
    st.rerun()


def _confirm(models: Path, pending: Pending, refused: Sequence[str]) -> None:
    now, then = as_markdown(pending.stood), as_markdown(pending.version)
    with st.container(border=True):
        st.markdown(
            f"**From now on scans shall use version {then} of {as_markdown(pending.detector)} in place of {now}.** It "
            f"counts for everybody who uses this folder of models, and enters the audit log with your name. Reason: "
            f"{as_markdown(pending.reason, MAX_REASON)}"
        )
        if refused:
            told = "".join(f"\n- {as_markdown(reason, 600)}" for reason in refused)
            st.warning(f"The gate of its race refused this version:\n{told}", icon=":material/warning:")
        with st.container(horizontal=True):
            word = "Yes, roll back" if pending.is_rollback else "Yes, promote"
            agreed = st.button(word, type="primary", icon=":material/check:")
            left = st.button("Cancel")
    if left:
        st.session_state.pop(_PENDING, None)
        st.rerun()
    if agreed:
        _carry_out(models, pending)


def _carry_out(models: Path, pending: Pending) -> None:
    st.session_state.pop(_PENDING, None)
    user, log = current_user(), store()
    name, stood, reason = pending.detector, pending.stood, pending.reason
    try:
        if pending.is_rollback:
            done = race.roll_back(models, name, stood=stood, reason=reason, user=user, store=log)
        else:
            done = race.promote(models, name, pending.version, stood=stood, reason=reason, user=user, store=log)
    except WRONG as error:
        explain(error)
        return
    st.session_state[_DONE] = f"Version {as_markdown(done.version)} of {as_markdown(name)} stands now."
    st.rerun()


def _lineage(found: Sequence[Version]) -> None:
    learned = {version.version: version for version in found if version.lineage is not None or version.fault}
    if not learned:
        return
    with st.expander("Where a version comes from"):
        chosen = st.selectbox("Version", list(learned)[::-1], key="lineage of")
        version = learned[chosen]
        if version.fault or version.lineage is None:
            empty_state(f"It cannot be used: {as_markdown(version.fault)}", icon=":material/error:")
            return
        lineage = version.lineage
        words = lineage.in_words()
        st.markdown(as_markdown(f"{words[0].upper()}{words[1:]}. Weights, SHA-256: {version.card.sha256}"))
        rows = [("data, SHA-256", name, digest) for name, digest in lineage.data.items()]
        rows += [("measured", name, f"{value:.4g}") for name, value in lineage.measures.items()]
        rows += [("setting", name, json.dumps(value)) for name, value in lineage.settings.items()]
        st.dataframe(
            {"": [row[0] for row in rows], "what": [row[1] for row in rows], "value": [row[2] for row in rows]},
            hide_index=True,
            height=min(35 * (len(rows) + 1) + 3, 460),
        )


def _history(history: Sequence[Change]) -> None:
    if not history:
        st.caption("Nothing was promoted here yet: scans use what ships.")
        return
    st.markdown("**Promotions and rollbacks, the newest first**")
    st.dataframe(
        {
            "at (UTC)": [moment(change.at) for change in history],
            "what": [change.action for change in history],
            "from": [change.before for change in history],
            "to": [change.version for change in history],
            "by": [change.by for change in history],
            "reason": [change.reason for change in history],
        },
        hide_index=True,
    )
