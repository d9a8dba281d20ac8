"""Examines uploads in the background: warm worker processes, watched as on the command line, told of every step.

One thread owns one pool of one worker (a lane), so that a long video holds up one lane and a photo takes the other.
Whoever asks sees what is known so far; results go into the store, and nothing of a file stays in memory.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from dashboard.backend.configuration import Configuration
from dashboard.backend.jobs import Job, Jobs, State, step_titles
from dashboard.backend.keeping import Kept, Uploads
from dashboard.backend.profiles import Examination, settings_for
from dashboard.roles import Role, User, require
from forensics.analyzers import ANALYZERS
from forensics.containers.kinds import container_kind_of
from forensics.errors import MediaError
from forensics.hostile_text import one_line
from forensics.messages import Examiner, Step, Task
from forensics.pictures import PICTURES
from forensics.pool import Outcome, Pool
from forensics.recall import Recall
from forensics.settings import ScanSettings
from forensics.store import Store
from forensics.towers import Towers, TowersNearby, towers_on
from forensics.usual_workers import usual_workers
from forensics.worker import MAY_HOLD_FILES

__all__ = ["Job", "MediaError", "Scanning", "State", "step_titles", "towers_on"]

MAX_LANES = 2
"""A worker holds half a gigabyte once it is warm."""

MAX_WAITING = 200
"""Uploads that may wait; each lies on the disk."""

SWEEP_S = 600.0

MAX_NAME = 300

LOOK_INSIDE = "to look inside, use unforged scan or a run"
"""What is said of a container: uploads are examined as one picture or video each."""


class Scanning:
    """The one service behind all browsers. Its threads end with the process or with `close`.

    Args:
        folder: for uploads and kept pictures.
        configuration: asked before every file, so that changes count at once.
        store: where results go.
        n_lanes: files examined at a time; None for as many as processors and memory allow, MAX_LANES at most.
        towers: give the workers of all lanes lines to the network that detectors share; None lets each load its own.
        build: makes the scanner in the workers; None for the real one.

    Raises:
        ValueError, RuntimeError: a device is missing, or does not work.
    """

    def __init__(
        self,
        folder: Path,
        configuration: Callable[[], Configuration],
        store: Store,
        *,
        n_lanes: int | None = None,
        towers: Towers | None = None,
        build: Callable[[ScanSettings], Examiner] | None = None,
    ) -> None:
        self.kept = Kept(folder / "pictures")
        self._uploads = Uploads(folder / "uploads")
        self._configuration = configuration
        self._store = store
        self._build = build
        # Held from here on: they outlive every pool, which is made anew when settings change.
        self._towers = (towers or TowersNearby()).__enter__()
        self._jobs = Jobs()
        self._paths: dict[str, Path] = {}
        self._lock = threading.Lock()
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._swept_s = 0.0
        self._sweep()
        n_lanes = n_lanes or min(MAX_LANES, usual_workers(configuration().scan))
        self._lanes = [threading.Thread(target=self._lane, daemon=True, name=f"lane {i}") for i in range(n_lanes)]
        for lane in self._lanes:
            lane.start()

    def submit(self, source: BinaryIO, name: str, *, user: User, how: Examination | None = None) -> str:
        """Take in one file and examine it as soon as a worker is free.

        Args:
            source: its bytes, read to their end.
            name: as the browser says; hostile text.
            user: who brought it.
            how: how it is examined; None for the usual way. Another way than that of the file before takes a new
                worker.

        Returns:
            The key of its job.

        Raises:
            NotAllowedError: the user is no moderator.
            MediaError: it is empty or over the limit.
            ValueError: it cannot be examined like that, as for `settings_for`.
            RuntimeError: too many files wait.
            OSError: it cannot be written to disk.
        """
        require(user, Role.MODERATOR)
        if self._queue.qsize() >= MAX_WAITING:
            raise RuntimeError(f"{MAX_WAITING} files wait already; try again when some are done")
        how = how or Examination()
        settings = settings_for(how, self._configuration())
        path = self._uploads.add(source, max_bytes=settings.limits.max_bytes)
        key = self._new(name, how)
        with self._lock:
            self._paths[key] = path
        self._queue.put(key)
        return key

    def refuse(self, name: str, error: MediaError) -> str:
        """Remember a file that was not taken in, as one that could not be examined.

        Args:
            name: as the browser says; hostile text.
            error: why not.

        Returns:
            The key of its job, which has failed.
        """
        key = self._new(name, Examination())
        self._jobs.fail(key, one_line(str(error), 300))
        return key

    def job(self, key: str) -> Job | None:
        """How a job stands; None when it is not known (any more)."""
        return self._jobs.get(key)

    @property
    def n_waiting(self) -> int:
        """Uploads that no worker has taken up yet."""
        return self._queue.qsize()

    def close(self) -> None:
        """End all lanes once the file each examines is done."""
        for _ in self._lanes:
            self._queue.put(None)
        for lane in self._lanes:
            lane.join()
        self._towers.__exit__(None, None, None)

    def _new(self, name: str, how: Examination) -> str:
        key = secrets.token_urlsafe(12)
        self._jobs.add(Job(key, one_line(name, MAX_NAME) or "unnamed file", how))
        return key

    def _lane(self) -> None:
        lane = _Lane(self._towers, self._build)
        try:
            with suppress(ValueError, RuntimeError):
                lane.pool(settings_for(Examination(), self._configuration())).start()
            while (key := self._queue.get()) is not None:
                self._examine(key, lane)
                self._sweep()
        finally:
            lane.close()

    def _examine(self, key: str, lane: _Lane) -> None:
        path = self._paths[key]
        started_s = time.monotonic()
        job = self.job(key)
        try:
            if job is None:
                return
            settings = settings_for(job.how, self._configuration())
            self._jobs.change(key, state=State.RUNNING, titles=_all_titles(settings))
            pool = lane.pool(settings)
            recall = Recall(self._store, settings)

            def hear(task: Task, step: Step) -> None:
                self._step(key, step, time.monotonic() - started_s)

            task = Task(path, job.name, job.name)
            for outcome in pool.run([task], recall.decide, recall.receive, hear):
                self._finish(key, outcome, recall)
        except (ValueError, RuntimeError, OSError) as error:
            lane.close()
            self._jobs.fail(key, one_line(str(error), 300))
        finally:
            path.unlink(missing_ok=True)
            with self._lock:
                self._paths.pop(key, None)
        with suppress(ValueError, RuntimeError):
            # A worker that the file took along, or that was too full, is replaced before somebody waits for it.
            lane.restart()

    def _step(self, key: str, step: Step, elapsed_s: float) -> None:
        job = self.job(key)
        if job is not None:
            self._jobs.change(
                key,
                # A file that comes once more begins anew.
                steps=(step.name,) if step.name == "hash" else (*job.steps, step.name),
                report=step.report,
                preview=step.preview or job.preview,
                elapsed_s=elapsed_s,
            )

    def _finish(self, key: str, outcome: Outcome, recall: Recall) -> None:
        number, was_known = recall.finish(outcome.task)
        if outcome.pages:
            with suppress(OSError):
                self.kept.save(outcome.sha256, outcome.pages[PICTURES])
        if outcome.report is None or (outcome.error is not None and number is None):
            error = outcome.error or MediaError("broken", "there is no result")
            self._jobs.fail(key, one_line(f"{error}{_instead(error, outcome.task.path)}", 300))
            return
        # What the store could not keep stays here until it is pushed out by newer ones.
        kept = outcome.report if number is None else None
        self._jobs.change(
            key,
            state=State.DONE,
            scan_id=number,
            was_known=was_known,
            report=kept,
            preview=b"",
            elapsed_s=outcome.elapsed_s,
            message="" if recall.error is None else f"not stored: {one_line(str(recall.error), 300)}",
        )

    def _sweep(self) -> None:
        now_s = time.monotonic()
        with self._lock:
            if self._swept_s and now_s - self._swept_s < SWEEP_S:
                return
            self._swept_s = now_s
        with suppress(OSError, ValueError):
            self._uploads.sweep()
            self.kept.sweep(self._configuration().keep_hours)


class _Lane:
    """The pool of one thread, made anew when the settings change."""

    def __init__(self, towers: Towers, build: Callable[[ScanSettings], Examiner] | None) -> None:
        self._towers = towers
        self._build = build
        self._pool: Pool | None = None

    def pool(self, settings: ScanSettings) -> Pool:
        if self._pool is not None and self._pool.settings != settings:
            self.close()
        if self._pool is None:
            self._pool = Pool(settings, forms=(PICTURES,), live=True, build=self._build, towers=self._towers)
            self._pool.__enter__()
        return self._pool

    def restart(self) -> None:
        if self._pool is not None and not self._pool.n_idle:
            self._pool.start()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.__exit__(None, None, None)
            self._pool = None


def _instead(error: MediaError, path: Path) -> str:
    """What to do about a file that is not examined; "" where there is nothing to do."""
    return f"; {LOOK_INSIDE}" if error.code in MAY_HOLD_FILES and container_kind_of(path) else ""


def _all_titles(settings: ScanSettings) -> tuple[str, ...]:
    return step_titles(("hash", *(settings.analyzers or ANALYZERS.names())))
