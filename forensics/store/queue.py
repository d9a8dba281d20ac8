"""Files that await the decision of a person, heaviest evidence first, each in the hands of one moderator at most.

Whoever takes a file holds it until a lease runs out; taking is one statement of the database that finds, checks and
marks, so that two who ask at the same moment get two files. Each act enters the audit log in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import ColumnElement, Double, cast, extract, func, literal, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from forensics.finding import Claim
from forensics.store.audit import Chain
from forensics.store.queue_rows import (
    QueueItem,
    acted,
    add_row,
    check_may_decide,
    checked_reason,
    claim_of,
    held_by,
    item_of,
)
from forensics.store.queue_words import OPEN, STATE_AFTER, Act, Decision, State
from forensics.store.store import ScanRow, Store
from forensics.store.tables import QueueRow

LEASE_S = 600.0
"""A decision takes a minute; who went for lunch must not keep a file from the others."""

ADDED_AT_A_TIME = 500
"""Files whose rows are looked up in one question; SQLite takes 32,766 values at most."""


class Queue:
    """The queue of a store.

    Args:
        store: an open one; all methods raise its StoreError.
        lease_s: how long a file that was taken stays with whoever took it.
        clock: seconds since 1970; None asks the database, whose clock is the same for all.
    """

    def __init__(self, store: Store, *, lease_s: float = LEASE_S, clock: Callable[[], float] | None = None) -> None:
        if lease_s <= 0:
            raise ValueError(f"a lease must last longer than {lease_s} s")
        self._store = store
        self._lease_s = lease_s
        self._clock = clock

    def add(self, scans: Iterable[ScanRow], *, actor: str) -> int:
        """Let files wait for a decision. One that waits gets the new weight; one that was decided stays decided.

        Args:
            scans: of the files, in any order; of several of one file the newest counts. Scans of standard input too.
            actor: who wants that.

        Returns:
            How many were not in the queue before.
        """
        n_new = 0
        waiting = iter(scans)
        added: dict[str, int] = {}
        while part := list(islice(waiting, ADDED_AT_A_TIME)):
            newest: dict[str, ScanRow] = {}
            for scan in part:
                if scan.id > added.get(scan.sha256, -1):
                    newest[scan.sha256], added[scan.sha256] = scan, scan.id
            with self._store.session(writes=True) as session, session.begin():
                chain = Chain(session)
                found = session.scalars(select(QueueRow).where(QueueRow.sha256.in_(newest)))
                rows = {row.sha256: row for row in found}
                for scan in newest.values():
                    row = rows.get(scan.sha256)
                    n_new += row is None
                    add_row(session, chain, scan, row, actor)
        return n_new

    def items(self, *, states: Collection[State] = OPEN, limit: int = 50, offset: int = 0) -> list[QueueItem]:
        """Files in these states, heaviest first; decided ones newest first if no open state is asked for."""
        by_weight = (QueueRow.weight.desc(), QueueRow.id)
        order = by_weight if set(states) & set(OPEN) else (QueueRow.acted_at.desc(), QueueRow.id.desc())
        ids = select(QueueRow.id).where(QueueRow.state.in_(states)).order_by(*order).limit(limit).offset(offset)
        with self._store.session() as session:
            # Numbers first: an index answers that without the rows that are passed over.
            numbers = list(session.scalars(ids))
            rows = {row.id: item_of(row) for row in session.scalars(select(QueueRow).where(QueueRow.id.in_(numbers)))}
        return [rows[number] for number in numbers if number in rows]

    def item(self, sha256: str) -> QueueItem:
        """One file.

        Raises:
            LookupError: it is not in the queue.
        """
        with self._store.session() as session:
            row = session.scalar(select(QueueRow).where(QueueRow.sha256 == sha256))
            if row is None:
                raise LookupError(f"the queue holds no file {sha256[:16]!r}")
            return item_of(row)

    def beginning(self, digits: str, *, limit: int = 2) -> list[str]:
        """Hashes of files in the queue that begin with these digits."""
        prefix = digits.lower()
        wanted = select(QueueRow.sha256).where(QueueRow.sha256 >= prefix, QueueRow.sha256 < prefix + "g").limit(limit)
        with self._store.session() as session:
            return list(session.scalars(wanted))

    def counts(self) -> dict[State, int]:
        """How many files are in each state."""
        wanted = select(QueueRow.state, func.count()).group_by(QueueRow.state)
        with self._store.session() as session:
            found = {str(state): int(number) for state, number in session.execute(wanted)}
        return {state: found.get(state, 0) for state in State}

    def n_held(self, *, states: Collection[State] = OPEN) -> int:
        """How many files are in somebody's hands."""
        with self._store.session() as session:
            held = QueueRow.held_until_s >= self._now()
            wanted = select(func.count()).select_from(QueueRow).where(QueueRow.state.in_(states), held)
            return session.scalar(wanted) or 0

    def held(self, who: str) -> QueueItem | None:
        """The file that somebody has in hands, heaviest first; None if there is none, or its lease ran out."""
        with self._store.session() as session:
            row = session.scalar(
                select(QueueRow)
                .where(QueueRow.holder == who, QueueRow.held_until_s >= self._now())
                .order_by(QueueRow.weight.desc(), QueueRow.id)
                .limit(1)
            )
            return None if row is None else item_of(row)

    def take(
        self,
        who: str,
        *,
        states: Sequence[State] = (State.WAITING,),
        sha256: str | None = None,
        skip: Collection[str] = (),
    ) -> QueueItem | None:
        """Take the heaviest file that nobody holds; a file somebody already holds stays with them as well.

        Args:
            who: name of the holder, one for each person.
            states: which files may be taken, those to be taken first first.
            sha256: this file and no other.
            skip: files not to take.

        Returns:
            The file; None if there is none to take.
        """
        if not who.strip():
            raise ValueError("a file is taken by somebody: a name is needed")
        with self._store.session(writes=True) as session, session.begin():
            for taking in self._ways(who, states, sha256, skip):
                if (row := session.scalars(taking).first()) is not None:
                    return item_of(row)
            return None

    def renew(self, who: str, sha256: str) -> bool:
        """Begin the lease anew; False if the file is no longer theirs."""
        with self._store.session(writes=True) as session, session.begin():
            until = self._now() + self._lease_s
            wanted = update(QueueRow).where(*held_by(who, sha256)).values(held_until_s=until).returning(QueueRow.id)
            return session.scalar(wanted) is not None

    def release(self, who: str, sha256: str) -> None:
        """Put a file back undecided; nothing happens if it is no longer theirs."""
        with self._store.session(writes=True) as session, session.begin():
            session.execute(update(QueueRow).where(*held_by(who, sha256)).values(holder=None, held_until_s=None))

    def decide(
        self,
        who: str,
        sha256: str,
        decision: Decision,
        reason: str,
        *,
        claim: Claim | None = None,
        actor: str | None = None,
    ) -> QueueItem:
        """Decide about a file that one holds. It counts as held after the lease, as long as nobody else took it.

        Args:
            who: the holder.
            sha256: of the file.
            decision: what is to become of it.
            reason: why, in words.
            claim: what a rejected file is: wholly synthetic or manipulated; None takes it from the opinion.
            actor: name for the audit log, where it differs from that of the holder.

        Raises:
            LookupError: the file is not in the queue.
            ValueError: there is no reason or claim, or it is not theirs to decide (any more).
        """
        act = Act(decision)
        text = checked_reason(reason)
        with self._store.session(writes=True) as session, session.begin():
            chain = Chain(session)
            row = session.scalar(select(QueueRow).where(QueueRow.sha256 == sha256))
            check_may_decide(row, who, sha256, decision)
            assert row is not None
            held_for = (claim or claim_of(row.opinion)) if decision is Decision.REJECT else None
            if decision is Decision.REJECT and held_for is None:
                raise ValueError("say what it is, synthetic or manipulated: the verdict says neither")
            details = {"reason": text, "filename": row.filename, "opinion": row.opinion}
            if held_for is not None:
                details["claim"] = str(held_for)
            entry = chain.append(actor or who, act, sha256, details)
            changed = session.scalar(
                update(QueueRow)
                .where(*held_by(who, sha256))
                .values(**acted(entry, STATE_AFTER[act]), holder=None, held_until_s=None)
                .returning(QueueRow)
            )
            if changed is None:
                # Somebody took it between the look and the change; the entry is undone with the transaction.
                raise ValueError(f"the file {sha256[:16]} is no longer yours to decide: its lease ran out")
            return item_of(changed)

    def reopen(self, who: str, sha256: str, reason: str) -> QueueItem:
        """Let a decided or escalated file wait again.

        Raises:
            LookupError: it is not in the queue.
            ValueError: it waits already, or there is no reason.
        """
        text = checked_reason(reason)
        with self._store.session(writes=True) as session, session.begin():
            chain = Chain(session)
            row = session.scalar(select(QueueRow).where(QueueRow.sha256 == sha256).with_for_update())
            if row is None:
                raise LookupError(f"the queue holds no file {sha256[:16]!r}")
            if row.state == State.WAITING:
                raise ValueError(f"the file {sha256[:16]} is waiting already")
            entry = chain.append(who, Act.REOPEN, sha256, {"reason": text, "was": row.state})
            for name, value in acted(entry, State.WAITING).items():
                setattr(row, name, value)
            row.holder, row.held_until_s = None, None
            return item_of(row)

    def _now(self) -> ColumnElement[float]:
        if self._clock is not None:
            return literal(self._clock())
        if self._store.is_postgresql:
            return cast(extract("epoch", func.clock_timestamp()), Double)
        # Days since noon of 24 November 4714 BC; 1970 began at this one.
        return (func.julianday("now") - 2440587.5) * 86400.0

    def _ways(
        self, who: str, states: Sequence[State], sha256: str | None, skip: Collection[str]
    ) -> Iterator[ReturningUpdate[QueueRow]]:
        """Statements that each find, check and mark a file; the first that finds one is the last to be tried."""
        wanted = [QueueRow.sha256 == sha256] if sha256 is not None else []
        if skip:
            wanted.append(QueueRow.sha256.not_in(skip))
        # What somebody holds comes back first: who reloads a page goes on with the same file.
        yield self._taking(who, QueueRow.holder == who, QueueRow.state.in_(states), *wanted)
        free = or_(QueueRow.holder.is_(None), QueueRow.held_until_s < self._now())
        for state in states:
            yield self._taking(who, free, QueueRow.state == state, *wanted)

    def _taking(self, who: str, *conditions: ColumnElement[bool]) -> ReturningUpdate[QueueRow]:
        first = (
            select(QueueRow.id)
            .where(*conditions)
            .order_by(QueueRow.weight.desc(), QueueRow.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        # PostgreSQL checks the conditions again when it waited for another's change of the row; SQLite has one writer.
        taken = update(QueueRow).where(QueueRow.id == first, *conditions)
        return taken.values(holder=who, held_until_s=self._now() + self._lease_s).returning(QueueRow)
