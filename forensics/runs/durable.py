"""One pass of a durable run: walks, skips what has not changed, examines the rest, keeps each result as it ends.

The store holds the truth. A file's result is one transaction there; what lies in the output folder follows it and is
written again from it when a run goes on. So a process that is killed at any moment loses the files in flight alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from forensics.engine import Cluster, make_engine
from forensics.languages import ENGLISH
from forensics.messages import Examiner, Task
from forensics.recall import Recall
from forensics.runs.desk import Desk
from forensics.runs.outputs import ResultFiles
from forensics.runs.walk import Unlisted, chunks, seen
from forensics.runs.work import Ended, StopWanted, Tell
from forensics.settings import ScanSettings
from forensics.store import Store
from forensics.store.run_files import RunFiles
from forensics.store.run_words import Entered, FileState, Seen
from forensics.store.runs import Run, Runs, RunState
from forensics.versions import decisive, digest

BEAT_S = 2.0
"""How often a run says that it goes on, and looks whether it shall stop."""


@dataclass(frozen=True)
class Settings:
    """How a pass is made; other than the plan of the run, it may differ from pass to pass.

    Attributes:
        n_workers: processes of this machine.
        devices: as for `make_engine`.
        cluster: of Ray, to examine on instead; None stays on this machine.
        folder: for results; None writes none.
        forms: in which a report of each file is drawn, of `report_files.FILE_FORMATS`.
        language_code: of these reports.
        retry_failed: files that failed in an earlier pass are tried again.
        build: makes the scanner in the workers; None for the real one.
    """

    n_workers: int = 1
    devices: tuple[str, ...] = ()
    cluster: Cluster | None = None
    folder: Path | None = None
    forms: tuple[str, ...] = ()
    language_code: str = ENGLISH
    retry_failed: bool = False
    build: Callable[[ScanSettings], Examiner] | None = None


class DurableRun:
    """One pass over the sources of a run. A context manager.

    Args:
        store: of scans and runs.
        run: claimed by this process.
        settings: of this pass.
        is_new_pass: the last pass had come to its end: what was examined then is *unchanged* now.
        tell: hears of what happens.

    Attributes:
        files: of the run, as they stand in the store.
        n_walked: files met so far.
    """

    def __init__(
        self,
        store: Store,
        run: Run,
        settings: Settings,
        *,
        is_new_pass: bool,
        tell: Tell = lambda event, details: None,
    ) -> None:
        self.run = run
        self.files = RunFiles(store, run.id)
        self.n_walked = 0
        self._settings = settings
        self._is_new_pass = is_new_pass
        self._runs = Runs(store)
        self._recall = Recall(store, run.plan.settings)
        self._versions = digest(decisive(run.plan.settings, settings.build))
        self._desk = Desk(
            self.files,
            self._recall,
            n_pass=run.n_pass,
            folder=settings.folder,
            versions_digest=self._versions,
            enter=self._enter,
            is_new_pass=is_new_pass,
            tell=tell,
        )
        self._beaten_s = -math.inf

    def __enter__(self) -> Self:
        """Open the output folder, and connect to the cluster.

        Raises:
            OSError: it cannot be written; there is no cluster at the address (ConnectionError).
            ImportError: what speaks to the cluster is not installed.
            ValueError, RuntimeError: there is no such device, or it does not work.
        """
        plan, given = self.run.plan, self._settings
        with ExitStack() as opening:
            files = ResultFiles(given.folder, self.files, has_kept=not self._is_new_pass)
            self._out = opening.enter_context(files)
            engine = make_engine(
                plan.settings,
                n_workers=given.n_workers,
                devices=given.devices,
                cluster=given.cluster,
                folder=given.folder,
                forms=given.forms,
                language_code=given.language_code,
                build=given.build,
            )
            self._engine = opening.enter_context(engine)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def examine(self, tasks: Iterable[Task], *, is_whole: bool = True) -> Iterator[Ended]:
        """Examine what waits; each result is kept when it is yielded. It may be called again, for what came since.

        Args:
            tasks: files of the sources; read as workers become free.
            is_whole: these are all there are: others that were met before are gone, unless they lie below a folder
                that could not be listed.

        Raises:
            ValueError: the analyzers cannot work with these settings.
            RuntimeError: no worker can be started.
            OSError: the output folder cannot be written; or the store does not work (StoreError). What was kept by
                then is kept.
            StopWanted: as for `beat`.
        """
        unlisted = Unlisted(self.run.plan.sources)
        waiting: Iterable[Task] = self._entered(unlisted.noted(tasks))
        while True:
            for outcome in self._engine.run(waiting, self._desk.decide, self._recall.receive, tick=self.beat):
                if self._recall.error is not None:
                    raise self._recall.error
                yield from self._written(self._desk.ended(outcome))
            closed, again = self._desk.end_of_round()
            yield from self._written(closed)
            if not again:
                break
            waiting = again
        kept = self.keep(unlisted) if is_whole else set()
        n_gone = self._desk.n_gone + (self.files.leave_out(self.run.n_pass) if is_whole else 0)
        n_promoted = self._promoted() if is_whole else 0
        # Of a new pass, what is gone was never written, and neither was what stays without having been met.
        self._out.settle(is_stale=bool(n_promoted or (kept if self._is_new_pass else n_gone)))
        self._is_new_pass, self._desk.is_new_pass, self._desk.n_gone = False, False, 0

    def keep(self, unlisted: Unlisted) -> set[bytes]:
        """Files below folders that could not be listed stay as they are. Returns their keys."""
        return self.files.keep(self.run.n_pass, unlisted.holds) if unlisted else set()

    def leave(self, keys: Iterable[bytes]) -> int:
        """Files of these keys are gone; their lines go, too. Returns how many."""
        n_gone = self.files.leave(keys)
        if n_gone:
            self._promoted()
        self._out.settle(is_stale=n_gone > 0)
        return n_gone

    def _promoted(self) -> int:
        """No file is left as the copy of one that is gone."""
        return self.files.promote_copies(FileState.UNCHANGED if self._is_new_pass else FileState.DONE)

    def beat(self) -> None:
        """Give a sign of life, if the last one was BEAT_S ago.

        Raises:
            StopWanted: somebody asked the run to stop.
        """
        if time.monotonic() - self._beaten_s < BEAT_S:
            return
        self._beaten_s = time.monotonic()
        if by := self._runs.beat(self.run.id):
            raise StopWanted(by)

    def end(self, state: RunState, message: str = "") -> None:
        """Write how the run ended."""
        self._runs.end(self.run.id, state, message)

    def _entered(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """Enter files into the store a chunk at a time, and hand on those that wait."""
        for chunk in chunks(replace(task, inside=self.run.plan.inside) for task in tasks):
            met = {one.key: (task, one) for task in chunk for one in (seen(task),)}
            entered = self._enter([one for _, one in met.values()])
            if self._is_new_pass:
                for line in self.files.lines(entered.kept):
                    self._out.add(line)
            for file in entered.waiting:
                yield self._desk.lay(*met[file.key], file)

    def _enter(self, found: Sequence[Seen], container: int | None = None) -> Entered:
        self.n_walked += len(found)
        return self.files.enter(
            found,
            n_pass=self.run.n_pass,
            versions_digest=self._versions,
            is_new_pass=self._is_new_pass,
            retry_failed=self._settings.retry_failed,
            container=container,
        )

    def _written(self, ended: Iterable[Ended]) -> Iterator[Ended]:
        for one in ended:
            file = one.file
            is_written = file.had_result and (file.was_met or not self._is_new_pass)
            if not (is_written and one.is_old):
                self._out.add(one.line, replaces=is_written)
                yield one
