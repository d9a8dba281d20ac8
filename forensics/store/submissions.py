"""Files that were submitted over HTTP: where each stands, whose it is, and its report until its time is over.

The table is the queue: what was accepted is in it before anybody is told so, and a server that starts again goes on
with what it left. Nobody is asked for anything without a tenant, so that no question can be answered across tenants.
"""

from __future__ import annotations

import itertools
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, delete, func, or_, select, update

from forensics.report import ScanReport
from forensics.store.audit import Chain
from forensics.store.store import MAX_REPORT_BYTES, Store, storable
from forensics.store.submission_words import ApiAct, Submission, SubmissionState
from forensics.store.tables import SubmissionPage, SubmissionRow

MAX_TRIES = 2
"""A file that was under way when the server died is tried again once: it may be what killed it."""

MAX_MESSAGE = 300


class Submissions:
    """Those of a store, as one server sees them. Safe to use from several threads.

    Args:
        store: an open one; all methods raise its StoreError.
        server: name of the server whose files wait here; several may share a store.
        keep_s: how long results are kept.
        clock: seconds since 1970.
    """

    def __init__(
        self, store: Store, server: str, *, keep_s: float = 7 * 86400.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._server = server
        self._keep_s = keep_s
        self._clock = clock
        self._lock = threading.Lock()
        self._turns = itertools.count(1)
        self._last_turn: dict[str, int] = {}

    def add(self, submissions: Sequence[Submission]) -> None:
        """Accept files, all or none, with an entry each in the audit log; it outlives a power cut."""
        now = self._now()
        with self._store.session(writes=True, durable=True) as session, session.begin():
            chain = Chain(session)
            for one in submissions:
                plain = {item.name: getattr(one, item.name) for item in fields(Submission) if item.name != "id"}
                row = SubmissionRow(**plain, server=self._server)
                row.name, row.path, row.submitted_at = storable(one.name), storable(one.path), now
                session.add(row)
                told = {"id": one.key, "tenant": one.tenant, "name": one.name, "path": one.path}
                chain.append(one.submitted_by, ApiAct.SUBMIT, one.sha256 or one.key, told)

    def get(self, tenant: str, key: str) -> Submission:
        """One of the tenant.

        Raises:
            LookupError: the tenant has none, or its time is over.
        """
        found = self._find(tenant, SubmissionRow.key == key, limit=1)
        if not found:
            raise LookupError("there is no such submission")
        return found[0]

    def batch(self, tenant: str, key: str) -> list[Submission]:
        """All of one batch of the tenant, in the order in which they came.

        Raises:
            LookupError: the tenant has none, or its time is over.
        """
        found = self._find(tenant, SubmissionRow.batch == key) if key else []
        if not found:
            raise LookupError("there is no such batch")
        return found[::-1]

    def newest(self, tenant: str, *, sha256: str = "", before: str = "", limit: int = 50) -> list[Submission]:
        """Those of the tenant, newest first.

        Args:
            tenant: whose.
            sha256: of the file; "" for any.
            before: key of one: those that are older.
            limit: how many at most.

        Raises:
            LookupError: `before` is none of the tenant.
        """
        conditions = [SubmissionRow.sha256 == sha256] if sha256 else []
        if before:
            conditions.append(SubmissionRow.id < self.get(tenant, before).id)
        return self._find(tenant, *conditions, limit=limit)

    def page(self, tenant: str, key: str, form: str, *, actor: str) -> tuple[Submission, bytes]:
        """A report as it was drawn, with an entry in the audit log of who fetched it.

        Raises:
            LookupError: the tenant has none such, or it has no report (yet).
            ValueError: it is damaged.
        """
        one = self.get(tenant, key)
        wanted = select(SubmissionPage.page).where(SubmissionPage.submission_id == one.id, SubmissionPage.form == form)
        with self._store.session(writes=True) as session, session.begin():
            packed = session.scalar(wanted)
            if packed is None:
                raise LookupError("there is no report")
            page = _unpacked(packed)
            told = {"id": key, "tenant": tenant, "form": form}
            Chain(session).append(actor, ApiAct.FETCH, one.sha256 or key, told)
        return one, page

    def known(self, tenant: str, sha256: str, digest: str) -> bytes | None:
        """The JSON report that the same tenant has of this very file, settings and versions."""
        wanted = (
            select(SubmissionPage.page)
            .join(SubmissionRow, SubmissionRow.id == SubmissionPage.submission_id)
            .where(*self._kept(tenant), SubmissionRow.sha256 == sha256, SubmissionRow.digest == digest)
            .where(SubmissionRow.state == SubmissionState.DONE, SubmissionPage.form == "json")
            .order_by(SubmissionRow.id.desc())
            .limit(1)
        )
        with self._store.session() as session:
            packed = session.scalar(wanted)
        return None if packed is None else _unpacked(packed)

    def claim(self) -> Submission | None:
        """Take up the next one that waits at this server; tenants take turns, so that none waits for all of another."""
        waiting = (
            select(SubmissionRow.tenant, func.min(SubmissionRow.id))
            .where(SubmissionRow.server == self._server, SubmissionRow.state == SubmissionState.WAITING)
            .group_by(SubmissionRow.tenant)
        )
        with self._lock:
            with self._store.session() as session:
                first = [
                    (self._last_turn.get(tenant, 0), number, tenant) for tenant, number in session.execute(waiting)
                ]
            if not first:
                return None
            _, number, tenant = min(first)
            self._last_turn[tenant] = next(self._turns)
            with self._store.session(writes=True) as session, session.begin():
                row = session.get_one(SubmissionRow, number)
                row.state, row.n_tries = SubmissionState.EXAMINING, row.n_tries + 1
                return _as_submission(row)

    def finish(
        self, one: Submission, report: ScanReport, pages: Mapping[str, bytes], digest: str, took_s: float
    ) -> None:
        """Keep the report of a claimed one."""
        done = replace(
            one,
            sha256=report.sha256,
            size_bytes=report.size_bytes,
            state=SubmissionState.DONE,
            digest=digest,
            opinion=str(report.verdict.opinion),
            probability=report.verdict.probability,
            llr=report.verdict.llr,
            elapsed_s=took_s,
        )
        self._end(done, pages)

    def fail(self, one: Submission, code: str, message: str, *, sha256: str = "", took_s: float = 0.0) -> None:
        """A claimed one has no result."""
        sha256 = sha256 or one.sha256
        failed = replace(one, code=code, message=message[:MAX_MESSAGE], sha256=sha256, elapsed_s=took_s)
        self._end(replace(failed, state=SubmissionState.FAILED), {})

    def put_back(self, one: Submission | None = None) -> None:
        """What is under way waits again, as if it had not been taken up.

        Args:
            one: only this; None for all at this server, which stops.
        """
        mine = [SubmissionRow.server == self._server, SubmissionRow.state == SubmissionState.EXAMINING]
        if one is not None:
            mine.append(SubmissionRow.id == one.id)
        values = {"state": SubmissionState.WAITING, "n_tries": SubmissionRow.n_tries - 1}
        with self._store.session(writes=True) as session, session.begin():
            session.execute(update(SubmissionRow).where(*mine).values(values))

    def try_again(self, one: Submission) -> bool:
        """One that failed as the machine may be to blame for waits again; False if it had all its tries."""
        if one.n_tries >= MAX_TRIES:
            return False
        with self._store.session(writes=True) as session, session.begin():
            waits = update(SubmissionRow).where(SubmissionRow.id == one.id).values(state=SubmissionState.WAITING)
            session.execute(waits)
        return True

    def recover(self) -> set[str]:
        """The server starts: what was under way when it died waits again, or has failed if that was so before.

        Returns:
            Names of the uploads that are still needed.
        """
        mine = (SubmissionRow.server == self._server, SubmissionRow.state == SubmissionState.EXAMINING)
        with self._store.session() as session:
            left = [_as_submission(row) for row in session.scalars(select(SubmissionRow).where(*mine))]
        for one in left:
            if one.n_tries >= MAX_TRIES:
                self.fail(one, "crashed", "the worker or the server died twice while this file was examined")
        with self._store.session(writes=True) as session, session.begin():
            session.execute(update(SubmissionRow).where(*mine).values(state=SubmissionState.WAITING))
            waiting = select(SubmissionRow.upload).where(
                SubmissionRow.server == self._server, SubmissionRow.state == SubmissionState.WAITING
            )
            return {name for name in session.scalars(waiting) if name}

    def counts(self, tenant: str | None = None) -> dict[SubmissionState, int]:
        """How many there are in each state, of one tenant or of all."""
        wanted = select(SubmissionRow.state, func.count()).group_by(SubmissionRow.state)
        if tenant is not None:
            wanted = wanted.where(SubmissionRow.tenant == tenant)
        with self._store.session() as session:
            found = {SubmissionState(state): n for state, n in session.execute(wanted)}
        return {state: found.get(state, 0) for state in SubmissionState}

    def sweep(self) -> int:
        """Remove what was kept long enough.

        Returns:
            How many.
        """
        with self._store.session(writes=True) as session, session.begin():
            old = session.scalars(
                delete(SubmissionRow).where(SubmissionRow.expires_s <= self._clock()).returning(SubmissionRow.id)
            )
            return len(old.all())

    def _end(self, ended: Submission, pages: Mapping[str, bytes]) -> None:
        kept = (
            "state",
            "sha256",
            "size_bytes",
            "code",
            "message",
            "digest",
            "opinion",
            "probability",
            "llr",
            "elapsed_s",
        )
        values = {name: getattr(ended, name) for name in kept}
        values |= {"upload": "", "ended_at": self._now(), "expires_s": self._clock() + self._keep_s}
        with self._store.session(writes=True, durable=True) as session, session.begin():
            session.execute(update(SubmissionRow).where(SubmissionRow.id == ended.id).values(**values))
            for form, page in pages.items():
                session.merge(SubmissionPage(submission_id=ended.id, form=form, page=zlib.compress(page, 6)))

    def _kept(self, tenant: str) -> tuple[ColumnElement[bool], ...]:
        not_over = or_(SubmissionRow.expires_s.is_(None), SubmissionRow.expires_s > self._clock())
        return (SubmissionRow.tenant == tenant, not_over)

    def _find(self, tenant: str, *conditions: ColumnElement[bool], limit: int | None = None) -> list[Submission]:
        wanted = select(SubmissionRow).where(*self._kept(tenant), *conditions)
        with self._store.session() as session:
            rows = session.scalars(wanted.order_by(SubmissionRow.id.desc()).limit(limit))
            return [_as_submission(row) for row in rows]

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")


def _unpacked(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        page = unpacking.decompress(packed, MAX_REPORT_BYTES)
    except zlib.error as error:
        raise ValueError(f"a stored report is damaged: {error}") from None
    if not unpacking.eof:
        raise ValueError("a stored report is cut off or too large")
    return page


def _as_submission(row: SubmissionRow) -> Submission:
    plain = {item.name: getattr(row, item.name) for item in fields(Submission)}
    return Submission(**{**plain, "state": SubmissionState(row.state)})
