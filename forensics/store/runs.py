"""Durable runs: what each examines, how it stands, and which process works on it, so that no two do."""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import psutil
from sqlalchemy import select, update

from forensics.containers.limits import InsideLimits
from forensics.settings import ScanSettings
from forensics.store.opening import lock
from forensics.store.store import Store, storable
from forensics.store.tables import RunRow

LOST_S = 300.0
"""On another computer only signs of life tell that a process lives; a video may take a minute, or two."""

MAX_MESSAGE = 500

_NAME = re.compile(r"[^\s/\\\x00-\x1f\x7f](?:[^/\\\x00-\x1f\x7f]{0,98}[^\s/\\\x00-\x1f\x7f])?")


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
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
        """As the store keeps it."""
        sources = [storable(source) for source in self.sources]
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
        state: running, done, stopped (by somebody or by an error), or lost: its process is gone without a word.
        n_pass: how often the sources were gone through, the pass under way included.
        started_at, ended_at: of the last pass, UTC; not ended None.
        message: why it stopped; "" else.
    """

    id: int
    name: str
    plan: Plan
    state: RunState
    n_pass: int
    started_at: str
    ended_at: str | None
    message: str


@dataclass(frozen=True)
class _Holder:
    host: str
    process: str

    @classmethod
    def here(cls) -> _Holder:
        born_s = psutil.Process().create_time()
        return cls(platform.node(), json.dumps({"pid": os.getpid(), "born_s": round(born_s, 2)}))

    def lives(self, beat_s: float, now_s: float) -> bool:
        if self.host != platform.node():
            return now_s - beat_s < LOST_S
        told = json.loads(self.process)
        try:
            # Numbers of processes come round again.
            born_s = float(psutil.Process(int(told["pid"])).create_time())
            return abs(born_s - float(told["born_s"])) < 1.0
        except psutil.Error:
            return False


class Runs:
    """Those of a store.

    Args:
        store: an open one; all methods raise its StoreError.
        clock: seconds since 1970.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def claim(self, name: str, plan: Plan | None = None) -> tuple[Run, bool]:
        """Begin a run, go on with one that was cut off, or begin another pass of one that is done.

        Args:
            name: up to 100 characters, none of which is a slash.
            plan: of a new run; None only goes on. An earlier run must have had the same.

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
            row = session.scalar(select(RunRow).where(RunRow.name == name))
            if row is None:
                if plan is None:
                    raise LookupError(f"the store holds no run {name!r}")
                row = RunRow(name=name, plan=plan.to_text(), state=str(RunState.DONE), n_pass=0, host="", process="{}")
                session.add(row)
            elif plan is not None and plan.to_text() != row.plan:
                raise ValueError(
                    f"the run {name!r} has other sources or settings: resume it without naming any, or name a new one"
                )
            elif self._run(row).state is RunState.RUNNING:
                raise ValueError(f"a process works on the run {name!r} (on {row.host}: {row.process})")
            was_cut_off = row.state != RunState.DONE
            holder = _Holder.here()
            row.host, row.process, row.beat_s = holder.host, holder.process, self._clock()
            row.state, row.message, row.n_pass = str(RunState.RUNNING), "", row.n_pass + 1
            row.started_at, row.ended_at = _now(), None
            session.flush()
            return self._run(row), was_cut_off

    def get(self, name: str) -> Run:
        """One of them.

        Raises:
            LookupError: there is none of this name.
        """
        with self._store.session() as session:
            row = session.scalar(select(RunRow).where(RunRow.name == name))
            if row is None:
                raise LookupError(f"the store holds no run {name!r}")
            return self._run(row)

    def all(self) -> list[Run]:
        """All, the newest first."""
        with self._store.session() as session:
            return [self._run(row) for row in session.scalars(select(RunRow).order_by(RunRow.id.desc()))]

    def beat(self, number: int) -> None:
        """Give a sign of life."""
        self._set(number, beat_s=self._clock())

    def end(self, number: int, state: RunState, message: str = "") -> None:
        """Write how a pass ended."""
        self._set(number, state=str(state), message=storable(message)[:MAX_MESSAGE], ended_at=_now())

    def _set(self, number: int, **values: object) -> None:
        with self._store.session(writes=True, durable=True) as session, session.begin():
            session.execute(update(RunRow).where(RunRow.id == number).values(**values))

    def _run(self, row: RunRow) -> Run:
        state = RunState(row.state)
        if state is RunState.RUNNING and not _Holder(row.host, row.process).lives(row.beat_s, self._clock()):
            state = RunState.LOST
        plan = Plan.from_text(row.plan)
        return Run(row.id, row.name, plan, state, row.n_pass, row.started_at, row.ended_at, row.message)


def as_json(run: Run) -> dict[str, Any]:
    """Plain values."""
    plain = asdict(run) | {"state": str(run.state), "sources": list(run.plan.sources)}
    return {**{name: value for name, value in plain.items() if name != "plan"}, "settings": run.plan.settings.to_dict()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
