"""The audit log: who did what and when, each entry chained to the one before it by its hash.

The hash of an entry is SHA-256 over the hash of the previous entry (64 hex digits; zeros for the first) and the entry
as canonical JSON: keys sorted, no spaces, UTF-8. Whoever changes, removes or inserts an entry must redo every later
hash, and then no longer holds the last hash that somebody wrote down elsewhere: the head.

Source: Haber & Stornetta, "How to time-stamp a digital document" (1991), for the linked hashes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from forensics.store.opening import lock
from forensics.store.store import Store, storable
from forensics.store.tables import AuditRow

START = "0" * 64
"""What the first entry is chained to."""

CHUNK_ROWS = 1000
"""Rows read at a time: the memory does not grow with the log."""


@dataclass(frozen=True)
class Entry:
    """One line of the log.

    Attributes:
        number: 1, 2, 3 and so on, without a gap.
        at: UTC, ISO 8601.
        actor: who did it, as the program knew them.
        action: what was done, in a word.
        subject: to what: the SHA-256 of a file, or another name.
        details: what else is told; all text. Hostile.
        previous, hash: links of the chain.
    """

    number: int
    at: str
    actor: str
    action: str
    subject: str
    details: Mapping[str, str]
    previous: str
    hash: str

    def expected_hash(self) -> str:
        """The hash that these contents give."""
        contents = {
            "number": self.number,
            "at": self.at,
            "actor": self.actor,
            "action": self.action,
            "subject": self.subject,
            "details": dict(self.details),
        }
        return hashlib.sha256(self.previous.encode() + canonical(contents).encode()).hexdigest()


def canonical(plain: Mapping[str, object]) -> str:
    """JSON in the one form that is hashed."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Chain:
    """The end of the log, held by one writer until the transaction ends.

    Args:
        session: in a transaction that writes; changes of other tables in it happen together with the entries or not
            at all. What locks rows as well takes the chain first.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        lock(session.connection(), "unforged audit")
        last = session.execute(select(AuditRow.number, AuditRow.hash).order_by(AuditRow.number.desc()).limit(1)).first()
        self._number: int = 0 if last is None else last.number
        self._hash: str = START if last is None else last.hash

    def append(self, actor: str, action: str, subject: str, details: Mapping[str, str] | None = None) -> Entry:
        """Add an entry.

        Raises:
            ValueError: nobody is named.
        """
        if not actor.strip():
            raise ValueError("an entry of the audit log needs the name of who did it")
        entry = Entry(
            number=self._number + 1,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            actor=storable(actor),
            action=action,
            subject=storable(subject),
            details={name: storable(value) for name, value in (details or {}).items()},
            previous=self._hash,
            hash="",
        )
        row = AuditRow(**{**vars(entry), "details": canonical(entry.details), "hash": entry.expected_hash()})
        self._session.add(row)
        self._number, self._hash = entry.number, row.hash
        return _entry(row)


class AuditLog:
    """The log of a store.

    Args:
        store: an open one; all methods raise its StoreError.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, actor: str, action: str, subject: str, details: Mapping[str, str] | None = None) -> Entry:
        """Add an entry of something that is kept elsewhere than in the store."""
        with self._store.session(writes=True) as session, session.begin():
            return Chain(session).append(actor, action, subject, details)

    def entries(self, *, subject: str | None = None, actor: str | None = None, limit: int = 50) -> list[Entry]:
        """Entries that fit, newest first.

        Args:
            subject: how it begins.
            actor: the whole name.
            limit: how many at most.
        """
        wanted = select(AuditRow).order_by(AuditRow.number.desc()).limit(limit)
        if subject:
            wanted = wanted.where(AuditRow.subject.startswith(subject, autoescape=True))
        if actor:
            wanted = wanted.where(AuditRow.actor == actor)
        with self._store.session() as session:
            return [_entry(row) for row in session.scalars(wanted)]


def rows_in_order(session: Session) -> Iterator[AuditRow]:
    """Every row of the log, first to last, a chunk at a time."""
    last: int | None = None
    while True:
        wanted = select(AuditRow).order_by(AuditRow.number).limit(CHUNK_ROWS)
        chunk = session.scalars(wanted if last is None else wanted.where(AuditRow.number > last)).all()
        yield from chunk
        if len(chunk) < CHUNK_ROWS:
            return
        last = chunk[-1].number
        session.expunge_all()


def read_entry(row: AuditRow) -> Entry:
    """A row as an entry.

    Raises:
        ValueError: its details are not the canonical JSON of texts that they were written as.
    """
    try:
        details = json.loads(row.details)
    except ValueError:
        raise ValueError("its details are no JSON") from None
    if not isinstance(details, dict) or not all(isinstance(value, str) for value in details.values()):
        raise ValueError("its details are no texts by name")
    if canonical(details) != row.details:
        raise ValueError("its details are not written as the log writes them")
    return _entry_with(row, details)


def _entry(row: AuditRow) -> Entry:
    """For showing: details that cannot be read are shown as they stand; `verify` tells of them."""
    try:
        return read_entry(row)
    except ValueError as error:
        return _entry_with(row, {"unreadable": f"{error}: {row.details}"})


def _entry_with(row: AuditRow, details: Mapping[str, str]) -> Entry:
    return Entry(row.number, row.at, row.actor, row.action, row.subject, details, row.previous, row.hash)
