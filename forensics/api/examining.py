"""Examines what was submitted, in the worker processes of the pool; the event loop only asks how it stands.

As in the dashboard, one thread owns one pool of one worker (a lane), so that a long video holds up one lane only. What
waits lies in the store: a lane that ends, or a server that dies, loses nothing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from forensics.analyzers import ANALYZERS
from forensics.api.intake import Allowed, Uploads, allowed_path
from forensics.errors import MediaError
from forensics.hostile_text import one_line
from forensics.languages import ENGLISH
from forensics.messages import Answer, Examiner, Opened, Step, Task
from forensics.pool import Outcome, Pool
from forensics.report import ScanReport
from forensics.report_files import FILE_FORMATS, render
from forensics.settings import ScanSettings
from forensics.store.opening import StoreError
from forensics.store.submission_words import Submission
from forensics.store.submissions import Submissions
from forensics.towers import Towers
from forensics.versions import digest

LOOK_S = 1.0
"""A lane that nobody wakes looks for work so often."""

RETRY_S = 5.0
"""After the store failed, or no worker could be started."""

SWEEP_S = 60.0

Tell = Callable[[str, dict[str, object]], None]
"""Called with the name of an event and its particulars, for logs and metrics."""


@dataclass(frozen=True)
class Stage:
    """How far the examination of a file is.

    Attributes:
        step: the last one that is over: "hash" or an analyzer; "" before the first.
        n_steps: how many are over.
        of_steps: how many there are.
    """

    step: str
    n_steps: int
    of_steps: int


class Examining:
    """The lanes of a server.

    Args:
        submissions: what waits, and where results go.
        uploads: copies of what was sent.
        allowed: folders below which named files must lie, when they are examined as well.
        settings: of every scan.
        n_lanes: files examined at a time.
        towers: give the workers of all lanes lines to the network; None lets each load its own.
        language_code: of HTML and PDF reports.
        tell: hears of every end.
        build: importable callable that makes the scanner in the workers; None for the real one.
    """

    def __init__(
        self,
        submissions: Submissions,
        uploads: Uploads,
        allowed: tuple[Allowed, ...],
        settings: ScanSettings,
        *,
        n_lanes: int = 1,
        towers: Towers | None = None,
        language_code: str = ENGLISH,
        tell: Tell = lambda event, told: None,
        build: Callable[[ScanSettings], Examiner] | None = None,
    ) -> None:
        self._submissions = submissions
        self._uploads = uploads
        self._allowed = allowed
        self._settings = settings
        self._towers = towers
        self._language_code = language_code
        self._tell = tell
        self._build = build
        self._of_steps = len(settings.analyzers or ANALYZERS.names()) + 1
        self._stages: dict[str, Stage] = {}
        self._ready: set[str] = set()
        self._wanted = threading.Semaphore(0)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._lane, daemon=True, name=f"lane {i}") for i in range(n_lanes)]
        self._threads.append(threading.Thread(target=self._keep_house, daemon=True, name="house"))

    def start(self) -> None:
        """Go on with what an earlier server left, and remove what it left behind."""
        self._uploads.sweep(self._submissions.recover())
        for thread in self._threads:
            thread.start()

    def stop(self, wait_s: float) -> None:
        """Take up nothing more; what is not examined after a while waits for the next start."""
        self._stopping.set()
        until_s = time.monotonic() + wait_s
        for _ in self._threads:
            self._wanted.release()
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            self._submissions.put_back()

    def wake(self, n_files: int) -> None:
        """There is more to do."""
        self._wanted.release(max(1, n_files))

    def stage(self, key: str) -> Stage:
        """How far a file is that is being examined here."""
        return self._stages.get(key, Stage("", 0, self._of_steps))

    @property
    def is_ready(self) -> bool:
        """Whether a worker has loaded its analyzers."""
        return bool(self._ready) and not self._stopping.is_set()

    def _lane(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._pool() as pool:
                    pool.start()
                    self._ready.add(threading.current_thread().name)
                    self._work(pool)
            except (ValueError, RuntimeError, OSError) as error:
                self._ready.discard(threading.current_thread().name)
                self._tell("lane failed", {"message": one_line(str(error), 300)})
                self._stopping.wait(RETRY_S)

    def _pool(self) -> Pool:
        return Pool(
            self._settings,
            forms=FILE_FORMATS,
            language_code=self._language_code,
            live=True,
            build=self._build,
            towers=self._towers,
        )

    def _work(self, pool: Pool) -> None:
        while not self._stopping.is_set():
            one = self._submissions.claim()
            if one is None:
                self._wanted.acquire(timeout=LOOK_S)
                continue
            try:
                self._examine(one, pool)
            except (ValueError, RuntimeError, OSError):
                with suppress(StoreError):
                    self._submissions.put_back(one)
                raise
            finally:
                self._stages.pop(one.key, None)
            if not pool.n_idle:
                # A worker that the file took along is replaced before somebody waits for it.
                pool.start()

    def _examine(self, one: Submission, pool: Pool) -> None:
        path = self._path(one)
        if path is None:
            self._end(one, MediaError("unreadable", "it lies below no allowed folder any more"))
            return
        digests: list[str] = []

        def decide(task: Task, opened: Opened) -> Answer:
            digests.append(self._settings.digest + digest(opened.versions))
            return self._known(one, opened.sha256, digests[-1])

        def receive(task: Task, report: ScanReport, took_s: float) -> ScanReport:
            return _named(report, one)

        def hear(task: Task, step: Step) -> None:
            # A file that comes once more begins anew.
            n_before = 0 if step.name == "hash" else self.stage(one.key).n_steps
            self._stages[one.key] = Stage(step.name, n_before + 1, self._of_steps)

        for outcome in pool.run([Task(path, one.name, one.name)], decide, receive, hear):
            if _may_be_the_machine(outcome) and self._submissions.try_again(one):
                return
            self._finish(one, outcome, digests[-1] if digests else "")
        self._uploads.remove(one.upload)

    def _path(self, one: Submission) -> Path | None:
        return self._uploads.path(one.upload) if one.upload else allowed_path(Path(one.path), one.tenant, self._allowed)

    def _known(self, one: Submission, sha256: str, settings_and_versions: str) -> Answer:
        """The tenant's own earlier result is taken again; that of another would tell that they have the file."""
        page = self._submissions.known(one.tenant, sha256, settings_and_versions)
        if page is None:
            return Answer(scan=True)
        report = ScanReport.from_dict(json.loads(page))
        if report.failed or report.is_cut_short:
            return Answer(scan=True)
        return Answer(scan=False, known=_named(report, one))

    def _finish(self, one: Submission, outcome: Outcome, settings_and_versions: str) -> None:
        report = outcome.report
        if report is None:
            error = outcome.error or MediaError("broken", "there is no result")
            self._end(one, error, outcome.sha256, outcome.elapsed_s)
            return
        pages = {"json": render(report, {}, "json"), **outcome.pages}
        self._submissions.finish(one, report, pages, settings_and_versions, outcome.elapsed_s)
        told = {"id": one.key, "tenant": one.tenant, "opinion": str(report.verdict.opinion)}
        self._tell("done", {**told, "seconds": round(outcome.elapsed_s, 3)})

    def _end(self, one: Submission, error: MediaError, sha256: str = "", took_s: float = 0.0) -> None:
        self._submissions.fail(one, error.code, one_line(str(error), 300), sha256=sha256, took_s=took_s)
        self._tell("failed", {"id": one.key, "tenant": one.tenant, "code": error.code, "seconds": round(took_s, 3)})

    def _keep_house(self) -> None:
        while not self._stopping.is_set():
            with suppress(StoreError):
                self._submissions.sweep()
            self._stopping.wait(SWEEP_S)


def _may_be_the_machine(outcome: Outcome) -> bool:
    return outcome.report is None and outcome.error is not None and outcome.error.code in MediaError.RETRIED


def _named(report: ScanReport, one: Submission) -> ScanReport:
    """Under the name that it has this time."""
    return replace(report, path=one.path, filename=one.name)
