"""The queue for the page of that name: who may take and decide what, and in whose name it enters the log."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from dashboard.backend.keeping import Kept
from dashboard.roles import LOCAL_USER, Role, User, require
from forensics.finding import Claim
from forensics.hostile_text import one_line
from forensics.redrawing import Redrawer
from forensics.report import ScanReport
from forensics.store import Checked, Decision, Entry, Queue, QueueItem, ScanRow, State, Store, check
from forensics.store.audit import AuditLog
from forensics.store.queue import LEASE_S
from forensics.store.queue_rows import MAX_REASON
from forensics.store.queue_words import OPEN

__all__ = ["LEASE_S", "MAX_REASON", "Claim", "Decision", "Desk", "Overview", "QueueItem", "State"]
__all__ += ["in_hands", "one_line", "provide_pictures"]

REASONS = {
    Decision.APPROVE: ("Original seen", "Source confirmed", "Traces explained by normal saving or resizing"),
    Decision.REJECT: ("Made by a machine", "Part was altered", "Face was swapped", "Contradicts other evidence"),
    Decision.ESCALATE: ("Not sure", "Needs the original file", "Sensitive case"),
}
"""Reasons that are often given, for a click; any other may be written."""

SAYS = {
    "Made by a machine": Claim.SYNTHETIC,
    "Part was altered": Claim.MANIPULATED,
    "Face was swapped": Claim.MANIPULATED,
}
"""What a file is by reasons that say so."""


@dataclass(frozen=True)
class Overview:
    """How much there is to do.

    Attributes:
        waiting, escalated, approved, rejected: files in each state.
        held: open files that somebody has in hands.
    """

    waiting: int
    escalated: int
    approved: int
    rejected: int
    held: int


class Desk:
    """The place of one person at the queue.

    Args:
        store: of scans.
        user: who is signed in.
        seat: tells browsers apart where nobody signs in; a signed-in person has one seat, whatever their browsers.
    """

    def __init__(self, store: Store, user: User, seat: str) -> None:
        self._store = store
        self._queue = Queue(store)
        self._user = user
        self._holder = f"{user.name} ({seat})" if user == LOCAL_USER else user.name

    @property
    def may_decide(self) -> bool:
        """Whether the role includes decisions."""
        return self._user.role >= Role.MODERATOR

    @property
    def may_reopen(self) -> bool:
        """Whether the role includes decisions about escalated files and the reopening of decided ones."""
        return self._user.role >= Role.ADMIN

    @property
    def states(self) -> Sequence[State]:
        """What this person takes; what others escalated comes first."""
        return (State.ESCALATED, State.WAITING) if self.may_reopen else (State.WAITING,)

    def overview(self) -> Overview:
        """How much there is to do."""
        n = self._queue.counts()
        return Overview(
            n[State.WAITING], n[State.ESCALATED], n[State.APPROVED], n[State.REJECTED], self._queue.n_held(states=OPEN)
        )

    def next_items(self, *, limit: int, offset: int = 0) -> list[QueueItem]:
        """Open files, heaviest first."""
        return self._queue.items(limit=limit, offset=offset)

    def decided(self, *, limit: int) -> list[QueueItem]:
        """Files decided last, newest first."""
        return self._queue.items(states=(State.APPROVED, State.REJECTED), limit=limit)

    def take(self, *, skip: Collection[str] = (), sha256: str | None = None) -> QueueItem | None:
        """Take a file in hands: the one held already, else the heaviest free one.

        Raises:
            NotAllowedError: the user is no moderator.
        """
        require(self._user, Role.MODERATOR)
        if sha256 is not None:
            self._put_back(but=sha256)
        return self._queue.take(self._holder, states=self.states, skip=skip, sha256=sha256)

    def held(self) -> QueueItem | None:
        """The file in hands."""
        return self._queue.held(self._holder)

    def renew(self, sha256: str) -> bool:
        """Keep it longer; False if it is no longer theirs."""
        return self._queue.renew(self._holder, sha256)

    def release(self, sha256: str) -> None:
        """Put it back undecided."""
        self._queue.release(self._holder, sha256)

    def decide(self, sha256: str, decision: Decision, reason: str, claim: Claim | None = None) -> QueueItem:
        """Decide about the file in hands.

        Raises:
            NotAllowedError: the user is no moderator, or no admin and the file was escalated.
            ValueError: there is no reason, or it is no longer theirs.
            LookupError: it is not in the queue.
        """
        require(self._user, Role.MODERATOR)
        if self._queue.item(sha256).state is State.ESCALATED:
            require(self._user, Role.ADMIN)
        return self._queue.decide(self._holder, sha256, decision, reason, claim=claim, actor=self._user.name)

    def reopen(self, sha256: str, reason: str) -> QueueItem:
        """Let a decided file wait again.

        Raises:
            NotAllowedError: the user is no admin.
            ValueError: there is no reason, or it waits already.
            LookupError: it is not in the queue.
        """
        require(self._user, Role.ADMIN)
        return self._queue.reopen(self._user.name, sha256, reason)

    def send(self, scans: Iterable[ScanRow]) -> int:
        """Let files wait for a decision; how many were not in the queue before.

        Raises:
            NotAllowedError: the user is no moderator.
        """
        require(self._user, Role.MODERATOR)
        return self._queue.add(scans, actor=self._user.name)

    def entries(self, sha256: str | None = None) -> list[Entry]:
        """What was done to a file, or to all of them, newest first."""
        return AuditLog(self._store).entries(subject=sha256, limit=100)

    def verify(self) -> Checked:
        """Check the audit log, and the queue against it."""
        return check(self._store)

    def scan(self, sha256: str) -> tuple[ScanRow, ScanReport] | None:
        """The newest scan of a file; None where there is none (any more) or it is damaged."""
        rows = self._store.find(sha256=sha256, limit=1)
        try:
            return (rows[0], self._store.report(rows[0].id)) if rows else None
        except (LookupError, ValueError):
            return None

    def _put_back(self, *, but: str) -> None:
        held = self._queue.held(self._holder)
        if held is not None and held.sha256 != but:
            self._queue.release(self._holder, held.sha256)


def in_hands(item: QueueItem) -> bool:
    """Whether somebody has it, by the clock of this computer."""
    return item.held_until_s is not None and item.held_until_s >= time.time()


def provide_pictures(row: ScanRow, kept: Kept, redrawer: Redrawer) -> bool:
    """See to it that there are kept pictures of a file, drawn again where it still lies; False where there are none."""
    if kept.load(row.sha256).frames:
        return True
    packed = b"" if row.location is None else redrawer.pack(row.location, row.sha256)
    if packed:
        kept.save(row.sha256, packed)
    return bool(packed)
