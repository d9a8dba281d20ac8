"""Worker processes that examine files, watched from outside: one that hangs, eats memory or kills costs itself only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import wait
from types import TracebackType
from typing import Self

from detectors.served_tower import LOST
from forensics.confinement.private import PrivateFolder
from forensics.containers.account import Account
from forensics.conversation import Conversation, Decide, GoneError, Hear, Receive, go_on
from forensics.endings import how_it_died, of_death, overrun
from forensics.errors import MediaError
from forensics.languages import ENGLISH
from forensics.messages import Answer, Done, Examiner, Task
from forensics.outcome import Outcome
from forensics.retirement import Retirement
from forensics.settings import ScanSettings
from forensics.supply import Supply
from forensics.towers import HANG_S, Towers, TowersNearby
from forensics.watched import START_S, Worker, start_context
from generators.processor import usable_processors

__all__ = ["Outcome", "Pool"]

TICK_S = 0.02
"""Memory is filled at 2 to 5 GB a second: a tick lets a worker pass its limit by 100 MB at most."""


class Pool:
    """Examines files in worker processes. A context manager; leaving it ends every worker.

    Args:
        settings: of the scan.
        n_workers: processes; 1 is isolated as well.
        n_threads: that numeric libraries may use in each; None parts the processors among them.
        forms: in which each report is to be drawn, of `report_files.FILE_FORMATS`; `pictures.PICTURES` are the pictures
            without a report.
        language_code: that reports are written in.
        live: somebody waits for each file: workers load everything before the first one and tell of every step.
        build: importable callable that makes the scanner from the settings; None for the real one.
        towers: give workers lines to the network that detectors share, for as long as the pool is entered; None lets
            each load its own.
    """

    def __init__(
        self,
        settings: ScanSettings,
        *,
        n_workers: int = 1,
        n_threads: int | None = None,
        forms: tuple[str, ...] = (),
        language_code: str = ENGLISH,
        live: bool = False,
        build: Callable[[ScanSettings], Examiner] | None = None,
        towers: Towers | None = None,
    ) -> None:
        if n_workers < 1:
            raise ValueError(f"a pool needs at least one worker, not {n_workers}")
        self.settings = settings
        self.n_workers = n_workers
        self._limits = settings.limits
        n_threads = n_threads or max(usable_processors() // n_workers, 1)
        self._given = (settings, build, n_threads, forms, language_code, live)
        self._forms = forms
        self._towers = towers or TowersNearby()
        self._workers: list[Worker] = []
        self._n_started = 0
        self._watched_s = 0.0
        self._retirement = Retirement(settings.limits.memory_bytes)
        self._context = start_context()

    def __enter__(self) -> Self:
        """Make its folder, and start what runs networks for its workers.

        Raises:
            ValueError, RuntimeError: that cannot be.
        """
        with ExitStack() as opening:
            opening.enter_context(self._towers)
            self._folder = opening.enter_context(PrivateFolder())
            self._supply = Supply(self._folder, max_bytes=self._limits.max_bytes)
            opening.callback(self._supply.close)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in tuple(self._workers):
            self._end(worker)
        self._open.__exit__(kind, error, trace)

    @property
    def n_idle(self) -> int:
        """Workers that have loaded their analyzers and wait: the next file need not."""
        return len(self._idle())

    def start(self) -> None:
        """Start every worker that is missing and wait until all are ready.

        Raises:
            ValueError, RuntimeError: as for `run`.
        """
        while len(self._workers) < self.n_workers:
            self._start()
        talk = self._talk(lambda task, opened: Answer(scan=True))
        while starting := [worker for worker in self._workers if not worker.ready]:
            self._towers.look_after()
            wait([worker.connection for worker in starting], TICK_S)
            for worker in starting:
                if worker.connection.poll():
                    self._hear(worker, talk)
                else:
                    self._watch(worker)

    def run(
        self,
        tasks: Iterable[Task],
        decide: Decide,
        receive: Receive | None = None,
        hear: Hear | None = None,
        tick: Callable[[], None] = lambda: None,
    ) -> Iterator[Outcome]:
        """Examine files, yielding each as it ends; what is found inside containers comes in between.

        Args:
            tasks: read only as workers become free.
            decide: called when a file is open and hashed, before it costs anything.
            receive: called with a new report and the seconds it took; returns the report to draw and to yield.
            hear: called with every step of every file, if the pool is live.
            tick: called every TICK_S or oftener, also while all files take long; what it raises ends the run.

        Raises:
            ValueError: the workers cannot work with these settings.
            RuntimeError: no worker can be started, or what runs networks for them ends over and over.
        """
        waiting, talk = iter(tasks), self._talk(decide, receive, hear)
        following = None
        while True:
            tick()
            self._towers.look_after()
            self._end_cut_off()
            yield from self._supply.lost()
            if following is None:
                following = self._next(waiting)
            self._resume()
            while following is not None and self._n_active() < self.n_workers and not self._idle():
                self._start()
            for worker in self._idle():
                if following is not None and self._hand(worker, following):
                    following = self._next(waiting)
            busy = [worker for worker in self._workers if worker.task is not None or not worker.ready]
            if following is None and not self._supply.is_fetching and all(worker.task is None for worker in busy):
                return
            spoke, quiet = self._listen(busy)
            for worker in (*spoke, *quiet):
                outcome = self._hear(worker, talk) if worker in spoke else self._watch(worker)
                if outcome is None:
                    continue
                # The worker goes on while whoever asked keeps what became of this file.
                if following is not None and worker in self._idle() and self._hand(worker, following):
                    following = self._next(waiting)
                yield outcome

    def _listen(self, busy: list[Worker]) -> tuple[list[Worker], list[Worker]]:
        """Wait for what workers say, TICK_S at most. Returns those who said something, and those to be looked at."""
        left_s = max(0.0, self._watched_s + TICK_S - time.monotonic())
        heard = wait([worker.connection for worker in busy], left_s) if busy else []
        if not busy:
            time.sleep(left_s)
        spoke = [worker for worker in busy if worker.connection in heard]
        if time.monotonic() < self._watched_s + TICK_S:
            # To look at all of them whenever one says something would take longer than to listen.
            return spoke, []
        self._watched_s = time.monotonic()
        return spoke, [worker for worker in busy if worker not in spoke]

    def _end_cut_off(self) -> None:
        """End idle workers whose lines may lead to what was replaced."""
        for worker in self._idle():
            if worker.born_s < self._towers.renewed_s:
                self._end(worker)

    def _talk(self, decide: Decide, receive: Receive | None = None, hear: Hear | None = None) -> Conversation:
        return Conversation(self._limits, self._forms, self._supply, decide, receive, hear)

    def _next(self, waiting: Iterator[Task]) -> Task | None:
        is_paused = any(worker.paused_s is not None for worker in self._workers)
        return self._supply.next(waiting, is_unpacking_paused=is_paused)

    def _n_active(self) -> int:
        return sum(worker.paused_s is None for worker in self._workers)

    def _resume(self) -> None:
        """Let workers go on that waited for room; the time that they waited is not the container's."""
        for worker in tuple(self._workers):
            if worker.paused_s is not None and self._supply.insides.has_room:
                worker.deadline_s += time.monotonic() - worker.paused_s
                go_on(worker)

    def _idle(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.ready and worker.task is None]

    def _start(self) -> None:
        self._n_started += 1
        home = self._folder / f"worker-{self._n_started}"
        given = (*self._given, self._supply.insides.folder)
        self._workers.append(Worker.start(self._context, given, home, self._towers.line()))

    def _hand(self, worker: Worker, task: Task) -> bool:
        """Give a task to an idle worker; False when the worker died in the meantime."""
        if worker.take(task, self._supply.path(task), self._limits):
            return True
        self._end(worker)
        return False

    def _hear(self, worker: Worker, talk: Conversation) -> Outcome | None:
        try:
            said = talk.hear(worker)
        except GoneError:
            return self._died(worker)
        if isinstance(said, Done):
            return self._finish(worker, MediaError(said.code, said.message) if said.code else None, said)
        return said

    def _watch(self, worker: Worker) -> Outcome | None:
        if self._towers.is_late and time.monotonic() - worker.started_s < HANG_S + self._limits.timeout_s:
            # Not for ever: who keeps the network busy on purpose would have all the time in the world.
            worker.deadline_s = max(worker.deadline_s, time.monotonic() + self._limits.image_timeout_s)
        if not worker.process.is_alive():
            return None if worker.connection.poll() else self._died(worker)
        if not worker.ready:
            if time.monotonic() > worker.deadline_s:
                raise RuntimeError(f"a worker process did not start within {START_S:.0f} s")
            return None
        error = overrun(worker, self._limits)
        if error is None:
            return None
        self._end(worker)
        return self._finish(worker, error)

    def _died(self, worker: Worker) -> Outcome | None:
        worker.process.join(1.0)
        code = worker.process.exitcode
        last = worker.last_line()
        self._end(worker)
        if not worker.ready and code == LOST:
            # Another one is started.
            return None
        if not worker.ready:
            how = how_it_died(code)
            raise RuntimeError(f"a worker process could not start ({how}): {last or 'it said nothing'}")
        if worker.task is None or (code == LOST and worker.scratch is None and self._supply.put_back(worker.task)):
            return None
        return self._finish(worker, of_death(code, last, self._limits))

    def _finish(self, worker: Worker, error: MediaError | None, done: Done | None = None) -> Outcome:
        assert worker.task is not None
        done = done or Done()
        elapsed_s = time.monotonic() - worker.started_s
        sha256 = worker.opened.sha256 if worker.opened is not None else done.sha256
        account = done.account
        if worker.scratch is not None:
            self._supply.insides.ended(worker.scratch)
            account = account or Account(worker.entered, worker.n_found)
        outcome = Outcome(worker.task, worker.opened, worker.report, done.pages, sha256, error, elapsed_s, account)
        self._supply.examined(worker.task)
        worker.task = None
        # Another took its place while it waited for room.
        is_spare = account is not None and self._n_active() > self.n_workers
        if worker in self._workers and (is_spare or self._retirement.is_due(worker)):
            self._end(worker)
        return outcome

    def _end(self, worker: Worker) -> None:
        if worker in self._workers:
            self._workers.remove(worker)
        worker.end()
