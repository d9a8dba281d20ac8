"""What a pool and its workers say to each other while files are examined: each message is heard, kept and answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from forensics.confinement import warn
from forensics.containers.member import Member
from forensics.errors import MediaError
from forensics.hearing import listen
from forensics.insides import bought_s
from forensics.messages import Answer, Done, Entered, Opened, Ready, Scanned, Step, Task
from forensics.outcome import Outcome
from forensics.report import ScanReport
from forensics.settings import Limits
from forensics.supply import Supply
from forensics.watched import Worker

Decide = Callable[[Task, Opened], Answer]
Receive = Callable[[Task, ScanReport, float], ScanReport]
Hear = Callable[[Task, Step], None]


class GoneError(Exception):
    """The worker hears and says nothing more."""


class Conversation:
    """Of one run of a pool, with all of its workers.

    Args:
        limits: of the scan.
        forms: of pages that workers draw.
        supply: takes what workers find in containers.
        decide, receive, hear: as for `Pool.run`.
    """

    def __init__(
        self,
        limits: Limits,
        forms: Collection[str],
        supply: Supply,
        decide: Decide,
        receive: Receive | None = None,
        hear: Hear | None = None,
    ) -> None:
        self._limits = limits
        self._forms = forms
        self._supply = supply
        self._decide, self._receive, self._hear = decide, receive, hear

    def hear(self, worker: Worker) -> Done | Outcome | None:
        """Take what a worker says next, and answer.

        Returns:
            Done when its file has ended; an outcome for a file inside of it that is not to be examined.

        Raises:
            GoneError: it is gone, or says what no worker says.
            ValueError: it cannot work with these settings.
        """
        try:
            said = listen(worker.connection, self._forms)
        except (EOFError, OSError) as error:
            raise GoneError from error
        if isinstance(said, Ready):
            _welcome(worker, said)
        elif worker.task is None:
            # Nobody asked.
            return None
        elif isinstance(said, Opened):
            self._opened(worker, worker.task, said)
        elif isinstance(said, Scanned):
            self._scanned(worker, worker.task, said)
        elif isinstance(said, Entered):
            scratch = self._supply.insides.scratch()
            worker.enter(said.kind, scratch, self._supply.path(worker.task), self._limits)
            _reply(worker, scratch, time.monotonic())
        elif isinstance(said, Member):
            return None if worker.scratch is None else self._found(worker, worker.task, worker.scratch, said)
        elif isinstance(said, Step):
            if self._hear is not None:
                self._hear(worker.task, said)
        else:
            return said
        return None

    def _opened(self, worker: Worker, task: Task, said: Opened) -> None:
        worker.opened = said
        if said.kind == "video":
            worker.deadline_s += self._limits.timeout_s - self._limits.image_timeout_s
        asked_s = time.monotonic()
        answer = self._decide(task, said)
        worker.report = answer.known
        _reply(worker, answer, asked_s)

    def _scanned(self, worker: Worker, task: Task, said: Scanned) -> None:
        worker.has_scanned = True
        asked_s = time.monotonic()
        took_s = asked_s - worker.started_s
        if worker.report is None and self._forms:
            # What was examined shall not be lost for the last second: drawing has as long as a picture has.
            worker.deadline_s = max(worker.deadline_s, asked_s + self._limits.image_timeout_s)
        worker.report = said.report if self._receive is None else self._receive(task, said.report, took_s)
        if self._forms:
            _reply(worker, worker.report, asked_s)

    def _found(self, worker: Worker, container: Task, scratch: Path, member: Member) -> Outcome | None:
        worker.n_found += 1
        worker.deadline_s += bought_s(member)
        task = self._supply.insides.add(container, scratch, member)
        if member.number:
            if self._supply.insides.is_full:
                worker.paused_s = time.monotonic()
            else:
                go_on(worker)
            return None
        error = MediaError(member.code, member.message) if member.code else None
        return Outcome(task, None, None, {}, member.sha256, error, 0.0, member.account)


def go_on(worker: Worker) -> None:
    """Let a worker unpack on that waits for an answer."""
    worker.paused_s = None
    # One that died in the meantime is met when it is looked at.
    with suppress(OSError):
        worker.connection.send(True)


def _welcome(worker: Worker, said: Ready) -> None:
    if said.refused:
        raise ValueError(said.refused)
    worker.ready = True
    worker.fresh_bytes = worker.resident_bytes() if said.is_warm else 0
    for lacking in said.lacking:
        warn(lacking)


def _reply(worker: Worker, answer: Answer | ScanReport | Path, asked_s: float) -> None:
    """Answer a question; the time that the parent took is not the file's."""
    worker.deadline_s += time.monotonic() - asked_s
    try:
        worker.connection.send(answer)
    except OSError as error:
        raise GoneError from error
