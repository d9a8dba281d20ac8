"""Rows of the queue: what they hold, how an act changes them, and who may decide about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from forensics.finding import Claim
from forensics.store.audit import Chain, Entry
from forensics.store.queue_words import OPEN, Act, Decision, State
from forensics.store.store import ScanRow, storable
from forensics.store.tables import QueueRow
from forensics.verdict import Opinion

MAX_REASON = 2000
"""Characters of a reason."""


@dataclass(frozen=True)
class QueueItem:
    """One file of the queue.

    Attributes:
        sha256, path, filename, kind: of the file; path and filename are hostile text.
        opinion, weight: of the verdict when it was queued or scanned again; weight is its log10 likelihood ratio.
        state: what it waits for, or was decided.
        holder: who has it in hands, None for nobody; the lease may have run out.
        held_until_s: end of the lease, seconds since 1970.
        acted_at, acted_by, reason: when and by whom it came into this state, and why; the reason may be hostile text.
        claim: what a rejected file is held for, None elsewhere.
        entry: number of its last entry in the audit log.
    """

    sha256: str
    path: str
    filename: str
    kind: str
    opinion: str
    weight: float
    state: State
    holder: str | None
    held_until_s: float | None
    acted_at: str
    acted_by: str
    reason: str
    claim: Claim | None
    entry: int


def claim_of(opinion: str) -> Claim | None:
    """What a rejected file is, if the person does not say so: what the verdict says; None where that says neither."""
    return {Opinion.LIKELY_MANIPULATED: Claim.MANIPULATED, Opinion.LIKELY_SYNTHETIC: Claim.SYNTHETIC}.get(
        Opinion(opinion)
    )


def add_row(session: Session, chain: Chain, scan: ScanRow, row: QueueRow | None, actor: str) -> None:
    """Let a file wait, or give the one that waits its new weight."""
    weight = {"weight": repr(scan.llr), "opinion": scan.opinion}
    if row is None:
        entry = chain.append(actor, Act.QUEUE, scan.sha256, {**weight, "filename": scan.filename})
        given = {name: getattr(scan, name) for name in ("sha256", "filename", "kind", "opinion")}
        session.add(
            QueueRow(
                **given,
                path=_path(scan),
                weight=scan.llr,
                holder=None,
                held_until_s=None,
                **acted(entry, State.WAITING),
            )
        )
    elif row.state in OPEN and (row.weight, row.opinion) != (scan.llr, scan.opinion):
        row.entry = chain.append(actor, Act.REWEIGH, scan.sha256, weight).number
        row.weight, row.opinion, row.path, row.filename = scan.llr, scan.opinion, _path(scan), scan.filename


def _path(scan: ScanRow) -> str:
    return scan.path if scan.location is None else str(scan.location)


def acted(entry: Entry, state: State) -> dict[str, str | int]:
    """What a row holds of the act that brought it into this state."""
    return {
        "state": str(state),
        "acted_at": entry.at,
        "acted_by": entry.actor,
        "reason": entry.details.get("reason", ""),
        "claim": entry.details.get("claim", ""),
        "entry": entry.number,
    }


def held_by(who: str, sha256: str) -> Sequence[ColumnElement[bool]]:
    """Conditions on an open file in the hands of somebody, whether or not the lease ran out."""
    return (QueueRow.sha256 == sha256, QueueRow.holder == who, QueueRow.state.in_(OPEN))


def checked_reason(reason: str) -> str:
    """A reason as it is stored.

    Raises:
        ValueError: there is none, or it is too long.
    """
    text = storable(reason.strip())
    if not text:
        raise ValueError("a decision needs a reason, in a few words")
    if len(text) > MAX_REASON:
        raise ValueError(f"a reason has {MAX_REASON:,} characters at most, this one has {len(text):,}")
    return text


def check_may_decide(row: QueueRow | None, who: str, sha256: str, decision: Decision) -> None:
    """Say why somebody may not decide.

    Raises:
        LookupError: the file is not in the queue.
        ValueError: it is decided, or not theirs.
    """
    if row is None:
        raise LookupError(f"the queue holds no file {sha256[:16]!r}")
    if row.state not in OPEN:
        raise ValueError(f"the file {sha256[:16]} was {row.state} by {row.acted_by} at {row.acted_at}")
    if row.holder is None:
        raise ValueError(f"the file {sha256[:16]} is in nobody's hands: take it first")
    if row.holder != who:
        raise ValueError(f"the file {sha256[:16]} is held by {row.holder}")
    if decision is Decision.ESCALATE and row.state == State.ESCALATED:
        raise ValueError(f"the file {sha256[:16]} is escalated already")


def item_of(row: QueueRow) -> QueueItem:
    """A row as everybody else sees it."""
    given = {item.name: getattr(row, item.name) for item in fields(QueueItem)}
    # SQLite returns whole numbers of a changed row as such.
    return QueueItem(
        **{
            **given,
            "weight": float(row.weight),
            "state": State(row.state),
            "claim": Claim(row.claim) if row.claim else None,
        }
    )
