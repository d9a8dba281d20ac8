"""Uploads on their way and how far each has come; asked by every browser, told by the thread that examines."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from enum import StrEnum

from dashboard.backend.profiles import Examination
from forensics.report import ScanReport
from forensics.report_words import title

MAX_JOBS = 300
"""Jobs that are remembered; of those that are done only a line is left."""

MAX_PARTIAL = 8
"""Scans that were stopped on the way and whose findings are kept, some megabytes each."""


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, eq=False)
class Job:
    """One upload on its way.

    Attributes:
        key: what it is asked for by; hard to guess.
        name: of the file; hostile text on one line.
        how: how it is examined.
        state: where it stands.
        steps: what is over: "hash", then analyzers.
        titles: of all steps, those to come as well.
        report: what is known so far, or was when it was stopped; None before the first step, and once it is stored.
        preview: JPEG to show meanwhile; b"" for none.
        scan_id: its number in the store, once it is done.
        was_known: whether the store knew the file.
        message: why it failed, one plain line; "" else.
        elapsed_s: how long it took, or has taken by the last step.
    """

    key: str
    name: str
    how: Examination = field(default_factory=Examination)
    state: State = State.WAITING
    steps: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    report: ScanReport | None = None
    preview: bytes = b""
    scan_id: int | None = None
    was_known: bool = False
    message: str = ""
    elapsed_s: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in (State.DONE, State.FAILED)

    @property
    def n_steps(self) -> int:
        """How many there are in all."""
        return max(len(self.titles), 1)


def step_titles(steps: tuple[str, ...]) -> tuple[str, ...]:
    """Steps in words."""
    return tuple("Opened" if step == "hash" else title(step) for step in steps)


class Jobs:
    """The latest jobs. Safe to use from several threads."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def add(self, job: Job) -> None:
        """Remember a new one; the oldest that are over are forgotten."""
        with self._lock:
            self._jobs[job.key] = job
            over = [key for key, known in self._jobs.items() if known.is_over]
            for old in over[: max(0, len(self._jobs) - MAX_JOBS)]:
                del self._jobs[old]

    def get(self, key: str) -> Job | None:
        """How a job stands; None when it is not known (any more)."""
        with self._lock:
            return self._jobs.get(key)

    def change(self, key: str, **values: object) -> None:
        """Say how it stands now; nothing happens when it is not known (any more)."""
        with self._lock:
            if key in self._jobs:
                self._jobs[key] = replace(self._jobs[key], **values)  # type: ignore[arg-type]

    def fail(self, key: str, message: str) -> None:
        """End a job without a result; what was found before it was stopped stays for the latest ones."""
        job = self.get(key)
        found = job.report if job is not None and job.report is not None and job.report.findings else None
        preview = job.preview if found and job else b""
        self.change(key, state=State.FAILED, message=message, report=found, preview=preview)
        with self._lock:
            failed = [k for k, one in self._jobs.items() if one.state is State.FAILED and one.report is not None]
            for old in failed[:-MAX_PARTIAL]:
                self._jobs[old] = replace(self._jobs[old], report=None, preview=b"")
