"""Durable runs: what each examines, how it stands, and which process works on it, so that no two do."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from forensics.addresses import is_masked, shown_url
from forensics.containers.limits import InsideLimits
from forensics.settings import ScanSettings
from forensics.store.audit import Chain
from forensics.store.filters import RunScans
from forensics.store.holder import Holder
from forensics.store.opening import lock
from forensics.store.store import Store, storable
from forensics.store.tables import RunRow

MAX_MESSAGE = 500

_NEWEST = (RunRow.started_at.desc(), RunRow.id.desc())

_NAME = re.compile(r"[^\s/\\\x00-\x1f\x7f](?:[^/\\\x00-\x1f\x7f]{0,98}[^\s/\\\x00-\x1f\x7f])?")


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"


@dataclass(frozen=True)
class Plan:
    """What a run examines and how; it stays the same for as long as the run lives.

    Attributes:
        sources: what the user named, whole paths.
        settings: of every scan.
        inside: what looking inside a container may cost; None does not look.
    """

    sources: tuple[str, ...]
    settings: ScanSettings
    inside: InsideLimits | None = None

    def to_text(self) -> str:
        """As the store keeps it: without secrets in addresses."""
        sources = [storable(shown_url(source)) for source in self.sources]
        inside = None if self.inside is None else asdict(self.inside)
        plain = {"sources": sources, "settings": self.settings.to_dict(), "inside": inside}
        return json.dumps(plain, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Plan:
        """The opposite of `to_text`.

        Raises:
            ValueError: it is no plan, or one with settings that are unknown here.
        """
        plain: dict[str, Any] = json.loads(text)
        inside = None if plain["inside"] is None else InsideLimits(**plain["inside"])
        return cls(tuple(plain["sources"]), ScanSettings.from_dict(plain["settings"]), inside)


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        id, name: its number in the store, and what the user called it.
        plan: what it examines.
        state: running, done, stopped by somebody, failed by an error, or lost: its process is gone without a word.
        n_pass: how often the sources were gone through, the pass under way included.
        started_at, ended_at: of the last pass, UTC; not ended None.
        message: why it stopped or failed; "" else.
        host: name of the computer whose process works on it, or did.
        stop_wanted_by: who asked it to stop while it was running; "" for nobody.
    """

    id: int
    name: str
    plan: Plan
    state: RunState
    n_pass: int
    started_at: str
    ended_at: str | None
    message: str
    host: str
    stop_wanted_by: str

    @property
    def is_running(self) -> bool:
        """Whether a process works on it."""
        return self.state is RunState.RUNNING

    @property
    def scans(self) -> RunScans:
        """What its scans have in common, to look for them in the archive."""
        return RunScans(self.id, self.plan.settings.digest)


class Runs:
    """Those of a store.

    Args:
        store: an open one; all methods raise its StoreError.
        clock: seconds since 1970.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def claim(self, name: str, plan: Plan | None = None, *, actor: str | None = None) -> tuple[Run, bool]:
        """Begin a run, go on with one that was cut off, or begin another pass of one that is done.

        Args:
            name: up to 100 characters, none of which is a slash.
            plan: of a new run; None only goes on. An earlier run must have had the same.
            actor: in whose name it enters the audit log; None, for what no person asked for, enters nothing.

        Returns:
            The run, and whether its last pass was cut off.

        Raises:
            LookupError: there is no such run, and no plan for a new one.
            ValueError: no name; the earlier run had another plan; a process works on it.
        """
        if _NAME.fullmatch(name) is None:
            raise ValueError("the name of a run has 1 to 100 characters without slashes and line breaks")
        with self._store.session(writes=True) as session, session.begin():
            lock(session.connection(), f"unforged run {name}")
            chain, row = Chain(session), self._claimable(session, name, plan)
            was_cut_off = row.state != RunState.DONE
            row.plan = row.plan if plan is None else plan.to_text()
            holder = Holder.of()
            row.host, row.process, row.beat_s = holder.host, holder.process, self._clock()
            row.state, row.message, row.n_pass = str(RunState.RUNNING), "", row.n_pass + 1
            row.started_at, row.ended_at, row.stop_wanted_by = _now(), None, ""
            if actor is not None:
                act = "start run" if row.n_pass == 1 else "resume run"
                chain.append(actor, act, name, {"pass": str(row.n_pass)})
            session.add(row)
            session.flush()
            return self._run(row), was_cut_off

    def hand_over(self, number: int, pid: int) -> None:
        """Let another process of this computer work on a run that this one has claimed.

        Raises:
            OSError: it is gone already.
        """
        holder = Holder.of(pid)
        self._set(number, host=holder.host, process=holder.process)

    def get(self, name: str) -> Run:
        """One of them.

        Raises:
            LookupError: there is none of this name.
        """
        with self._store.session() as session:
            return self._run(_found(session, name))

    def all(self, limit: int | None = None) -> list[Run]:
        """All, or the newest ones; that whose last pass began last comes first."""
        asked = select(RunRow).order_by(*_NEWEST).limit(limit)
        with self._store.session() as session:
            return [self._run(row) for row in session.scalars(asked)]

    def names(self, limit: int) -> list[str]:
        """Names of the newest, in the same order."""
        with self._store.session() as session:
            return list(session.scalars(select(RunRow.name).order_by(*_NEWEST).limit(limit)))

    def sources(self, limit: int) -> set[str]:
        """What the newest examine, all together; settings are not read, so that many cost little."""
        with self._store.session() as session:
            plans = session.scalars(select(RunRow.plan).order_by(*_NEWEST).limit(limit))
            return {source for plan in plans for source in json.loads(plan)["sources"]}

    def beat(self, number: int) -> str:
        """Give a sign of life; tells who wants the run to stop, "" for nobody."""
        changed = update(RunRow).where(RunRow.id == number).values(beat_s=self._clock())
        with self._store.session(writes=True) as session, session.begin():
            return session.scalar(changed.returning(RunRow.stop_wanted_by)) or ""

    def stop(self, name: str, *, actor: str) -> None:
        """Ask the process that works on a run to stop, which takes some seconds; what was examined stays.

        Raises:
            LookupError: there is no such run.
            ValueError: no process works on it.
        """
        with self._store.session(writes=True) as session, session.begin():
            chain = Chain(session)
            row = _found(session, name)
            run = self._run(row)
            if not run.is_running:
                raise ValueError(f"no process works on the run {name!r}: it is {run.state}")
            if not row.stop_wanted_by:
                row.stop_wanted_by = chain.append(actor, "stop run", name).actor

    def end(self, number: int, state: RunState, message: str = "") -> None:
        """Write how a pass ended."""
        self._set(number, state=str(state), message=storable(message)[:MAX_MESSAGE], ended_at=_now())

    def _claimable(self, session: Session, name: str, plan: Plan | None) -> RunRow:
        row = session.scalar(select(RunRow).where(RunRow.name == name))
        if row is None:
            if plan is None:
                raise LookupError(f"the store holds no run {name!r}")
            return RunRow(name=name, plan=plan.to_text(), state=str(RunState.DONE), n_pass=0)
        before = Plan.from_text(row.plan)
        if plan is None and (masked := next(filter(is_masked, before.sources), None)) is not None:
            raise ValueError(f"parts of {masked} are kept nowhere: name the sources again, with --run {name}")
        if plan is not None and plan.to_text() != before.to_text():
            raise ValueError(
                f"the run {name!r} has other sources or settings: resume it without naming any, or name a new one"
            )
        if self._run(row).is_running:
            raise ValueError(f"a process works on the run {name!r}: {Holder(row.host, row.process).words}")
        return row

    def _set(self, number: int, **values: object) -> None:
        with self._store.session(writes=True, durable=True) as session, session.begin():
            session.execute(update(RunRow).where(RunRow.id == number).values(**values))

    def _run(self, row: RunRow) -> Run:
        state = RunState(row.state)
        if state is RunState.RUNNING and not Holder(row.host, row.process).lives(row.beat_s, self._clock()):
            state = RunState.LOST
        plain = ("id", "name", "n_pass", "started_at", "ended_at", "message", "host", "stop_wanted_by")
        told = {name: getattr(row, name) for name in plain}
        return Run(**told, plan=Plan.from_text(row.plan), state=state)


def as_json(run: Run) -> dict[str, Any]:
    """Plain values."""
    plain = asdict(run) | {"state": str(run.state), "sources": list(run.plan.sources)}
    return {**{name: value for name, value in plain.items() if name != "plan"}, "settings": run.plan.settings.to_dict()}


def _found(session: Session, name: str) -> RunRow:
    row = session.scalar(select(RunRow).where(RunRow.name == name))
    if row is None:
        raise LookupError(f"the store holds no run {name!r}")
    return row


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
