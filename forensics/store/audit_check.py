"""Checks the audit log: are its hashes chained, is what was seen of it still there, does the queue agree with it?

A chain shows that entries were changed, removed, inserted or reordered. It cannot show that its end was cut off, unless
something outside still knows the end (a head or count that was written down) or the queue has acts that the log lacks;
nor that somebody who may write to the database made the whole chain anew, except against a head written down before;
nor that an entry was false when it was written, or that something was never entered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from forensics.store.audit import START, Entry, read_entry, rows_in_order
from forensics.store.queue_words import STATE_AFTER, Act
from forensics.store.store import Store
from forensics.store.tables import AuditRow, QueueRow

MAX_PROBLEMS = 20
"""Disagreements of the queue that are told one by one."""


@dataclass(frozen=True)
class Checked:
    """What the check found.

    Attributes:
        n_entries: of the chain, up to the first broken one.
        head: hash of the last good entry; write it down elsewhere with the number.
        broken: the first broken entry and why, "" if the chain holds.
        problems: what else disagrees.
    """

    n_entries: int
    head: str
    broken: str = ""
    problems: tuple[str, ...] = ()

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found."""
        return not self.broken and not self.problems


@dataclass
class _Told:
    """What the log says of one file of the queue.

    Attributes:
        number: its last entry.
        act: the last entry that changed its state, `state_number` that entry's number.
        by: who did that, when, why, and what they hold the file for.
        weight: the last one, `weight_number` the entry that says so.
    """

    number: int
    act: Act
    state_number: int
    by: tuple[str, str, str, str]
    weight: str
    weight_number: int


def check(store: Store, *, head: str | None = None, n_least: int | None = None) -> Checked:
    """Check the whole log, and the queue against it.

    Args:
        store: an open one.
        head: a hash that was the head once, or how it begins (8 digits or more): it must still be in the chain.
        n_least: as many entries there were once.

    Raises:
        ValueError: the head given is none.
        StoreError: the store cannot be read.
    """
    head = _checked_head(head)
    told: dict[str, _Told] = {}
    expected, number, is_head_seen = START, 0, head is None or START.startswith(head)
    with store.session() as session:
        for row in rows_in_order(session):
            if wrong := _wrong(row, number + 1, expected):
                return Checked(number, expected, wrong)
            expected, number = row.hash, row.number
            is_head_seen = is_head_seen or (head is not None and row.hash.startswith(head))
            _remember(told, read_entry(row))
        problems = list(_disagreements(session, told, number))
    if not is_head_seen:
        problems.insert(0, f"no entry has the hash {head}: the end of the log was cut off, or all of it made anew")
    if n_least is not None and number < n_least:
        problems.insert(0, f"entry {number + 1} is missing: the log ends at {number}, it had {n_least} entries")
    return Checked(number, expected, "", tuple(problems))


def _checked_head(head: str | None) -> str | None:
    if head is None:
        return None
    wanted = head.strip().lower()
    if not 8 <= len(wanted) <= 64 or any(c not in "0123456789abcdef" for c in wanted):
        raise ValueError(f"a head is 64 hex digits, or 8 or more of their beginning, not {head!r}")
    return wanted


def _wrong(row: AuditRow, number: int, previous: str) -> str:
    """Why this row cannot be the next entry; "" if it can."""
    if row.number > number:
        return f"entry {number} is missing: entry {row.number} follows what came before it"
    if row.number != number:
        return f"entry {row.number} has no place: entry {number} was to come"
    if row.previous != previous:
        return f"entry {number} is chained to another entry than the one before it"
    try:
        entry = read_entry(row)
    except ValueError as error:
        return f"entry {number} was changed: {error}"
    return "" if entry.expected_hash() == row.hash else f"entry {number} was changed: its contents do not give its hash"


def _remember(told: dict[str, _Told], entry: Entry) -> None:
    if entry.action not in set(Act):
        return
    act, known = Act(entry.action), told.get(entry.subject)
    if known is None:
        known = told[entry.subject] = _Told(0, act, 0, ("", "", "", ""), "", 0)
    known.number = entry.number
    if act in STATE_AFTER:
        known.act, known.state_number = act, entry.number
        known.by = (entry.actor, entry.at, entry.details.get("reason", ""), entry.details.get("claim", ""))
    if "weight" in entry.details:
        known.weight, known.weight_number = entry.details["weight"], entry.number


def _disagreements(session: Session, told: dict[str, _Told], n_entries: int) -> Iterator[str]:
    """What the rows of the queue say otherwise than the log; `told` is used up."""
    n_found = 0
    for row in session.scalars(select(QueueRow).order_by(QueueRow.id)):
        if wrong := _row_wrong(row, told.pop(row.sha256, None), n_entries):
            n_found += 1
            if n_found <= MAX_PROBLEMS:
                yield f"the queue's row of {row.sha256[:16]} {wrong}"
    for sha256, known in told.items():
        n_found += 1
        if n_found <= MAX_PROBLEMS:
            yield f"the queue's row of {sha256[:16]} is missing; entry {known.state_number} says {known.act}"
    if n_found > MAX_PROBLEMS:
        yield f"{n_found - MAX_PROBLEMS} more rows of the queue disagree with the log"


def _row_wrong(row: QueueRow, known: _Told | None, n_entries: int) -> str:
    if row.entry > n_entries:
        return f"tells of entry {row.entry}, which the log no longer has"
    if known is None:
        return "is not in the log"
    if known.number != row.entry:
        return f"tells of entry {row.entry}, but its last entry is {known.number}"
    if row.state != STATE_AFTER[known.act]:
        return f"says {row.state}, but entry {known.state_number} says {known.act}"
    if known.weight != repr(float(row.weight)):
        return f"has the weight {row.weight!r}, but entry {known.weight_number} says {known.weight}"
    if known.by != (row.acted_by, row.acted_at, row.reason, row.claim):
        return f"tells who decided what, when and why otherwise than entry {known.state_number}"
    return ""
