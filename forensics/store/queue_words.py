"""The words of the queue: what a file waits for, what a person may decide, and which state each act leads to."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a file of the queue stands."""

    WAITING = "waiting"
    ESCALATED = "escalated"
    APPROVED = "approved"
    REJECTED = "rejected"

    @property
    def is_open(self) -> bool:
        """Whether somebody has to decide yet."""
        return self in OPEN


OPEN = (State.WAITING, State.ESCALATED)


class Decision(StrEnum):
    """What a person decides: it is what it claims to be, it is not, or somebody else shall decide."""

    APPROVE = "approve"
    REJECT = "reject"
    ESCALATE = "escalate"


class Act(StrEnum):
    """What the audit log says of a file of the queue."""

    QUEUE = "queue"
    REWEIGH = "reweigh"
    APPROVE = "approve"
    REJECT = "reject"
    ESCALATE = "escalate"
    REOPEN = "reopen"


STATE_AFTER = {
    Act.QUEUE: State.WAITING,
    Act.APPROVE: State.APPROVED,
    Act.REJECT: State.REJECTED,
    Act.ESCALATE: State.ESCALATED,
    Act.REOPEN: State.WAITING,
}
"""A new weight leaves the state as it is."""


class Bar(StrEnum):
    """Which files of a scan are queued by themselves."""

    LIKELY = "likely"
    INCONCLUSIVE = "inconclusive"
    ALL = "all"
    NEVER = "never"

    def includes(self, opinion: str) -> bool:
        """Whether a file with this opinion is queued."""
        if self is Bar.ALL:
            return True
        return self is not Bar.NEVER and (opinion.startswith("likely") or opinion == self)
