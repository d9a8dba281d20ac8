"""Many files: walks them, skips what the store knows, examines the rest in workers, writes each result as it ends.

Nothing is kept: a result is written, yielded and let go, so that the memory does not grow with the number of files.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TextIO

from forensics.containers import InsideLimits
from forensics.containers.kinds import container_kind_of
from forensics.engine import Cluster, make_engine
from forensics.errors import MediaError
from forensics.inputs import STDIN, expand, spool
from forensics.languages import ENGLISH, codes
from forensics.messages import Examiner, Task
from forensics.outcome import Outcome
from forensics.recall import Recall
from forensics.report_files import FILE_FORMATS, TABLE_FORMATS, result_lines, write_reports, write_tables
from forensics.result import Result
from forensics.settings import ScanSettings
from forensics.store import Store

DEFAULT_INSIDE = InsideLimits()


@dataclass(frozen=True)
class Output:
    """Where results go.

    Attributes:
        folder: nothing is written anywhere else; None writes nothing.
        formats: some of FILE_FORMATS and TABLE_FORMATS; results.jsonl is always written.
        language_code: of HTML and PDF; what machines read is always English.
    """

    folder: Path | None = None
    formats: tuple[str, ...] = ()
    language_code: str = ENGLISH

    def __post_init__(self) -> None:
        if self.language_code not in codes():
            raise ValueError(f"no language {self.language_code!r}; there is {', '.join(codes())}")
        for name in self.formats:
            if name not in FILE_FORMATS + TABLE_FORMATS:
                raise ValueError(f"no format {name!r}; there is {', '.join(FILE_FORMATS + TABLE_FORMATS)}")

    @property
    def forms(self) -> tuple[str, ...]:
        """What is written for each file."""
        return tuple(form for form in self.formats if form in FILE_FORMATS and self.folder is not None)


class Batch:
    """One run over many files.

    Args:
        settings: of every scan.
        output: where results go.
        store: what is known and what is kept; None for neither.
        use_cache: False examines files that the store knows again.
        inside: what looking inside a container may cost; None does not look.
        remote: URLs may be fetched over the network.
        n_workers: processes of this machine.
        devices: as for `make_engine`.
        cluster: of Ray, to examine on instead; None stays on this machine.
        build: makes the scanner in the workers; None for the real one.
    """

    def __init__(
        self,
        settings: ScanSettings,
        *,
        output: Output | None = None,
        store: Store | None = None,
        use_cache: bool = True,
        inside: InsideLimits | None = DEFAULT_INSIDE,
        remote: bool = False,
        n_workers: int = 1,
        devices: Sequence[str] = (),
        cluster: Cluster | None = None,
        build: Callable[[ScanSettings], Examiner] | None = None,
    ) -> None:
        self.settings = settings
        self.output = output or Output()
        self._recall = Recall(store, settings, use_cache=use_cache)
        self._inside = inside
        self._remote = remote
        self._n_workers = n_workers
        self._devices = devices
        self._cluster = cluster
        self._build = build

    def tasks(self, paths: Sequence[str]) -> list[Task]:
        """The files under the paths, patterns and URLs; standard input is not among them.

        Raises:
            ValueError: a URL, and fetching is not allowed.
            ImportError: what speaks the protocol of a URL is not installed.
        """
        named = (path for path in paths if path != STDIN)
        return list(expand(named, out=self.output.folder, remote=self._remote))

    def run(self, tasks: Sequence[Task], *, stdin: BinaryIO | None = None) -> Iterator[Result]:
        """Examine files; each result is on disk when it is yielded.

        Args:
            tasks: from `tasks`.
            stdin: one more file, read to its end; None for none.

        Raises:
            ValueError: the analyzers cannot work with these settings.
            RuntimeError: no worker can be started.
            OSError: the output folder cannot be written, which ends the run; or the store could not be used (a
                StoreError), which is raised when all files have been examined.
        """
        folder = self.output.folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="unforged-") as private, result_lines(folder) as lines:
            spooled: list[Task] = []
            if stdin is not None:
                try:
                    spooled = [spool(stdin, Path(private), max_bytes=self.settings.limits.max_bytes)]
                except MediaError as error:
                    yield self._written(Result(STDIN, None, error, None, None, None, None, 0.0), lines)
            for result in self._examined([*spooled, *tasks]):
                yield self._written(result, lines)
        if folder is not None:
            write_tables(folder, self.output.formats)
        if self._recall.error is not None:
            raise self._recall.error

    def _examined(self, tasks: list[Task]) -> Iterator[Result]:
        if not tasks:
            return
        n_workers = min(self._n_workers, len(tasks))
        if n_workers < self._n_workers and self._inside is not None:
            # One archive keeps all workers busy; a few files get more threads each instead.
            n_workers = self._n_workers if any(container_kind_of(task.path) for task in tasks) else n_workers
        with make_engine(
            self.settings,
            n_workers=n_workers,
            devices=self._devices,
            cluster=self._cluster,
            folder=self.output.folder,
            forms=self.output.forms,
            language_code=self.output.language_code,
            build=self._build,
        ) as engine:
            again: list[Task] = []
            looked_into = (replace(task, inside=self._inside) for task in tasks)
            for outcome in engine.run(looked_into, self._recall.decide, self._recall.receive):
                if _is_worth_another_try(outcome):
                    again.append(outcome.task)
                else:
                    yield self._result(outcome)
            for outcome in engine.run(again, self._recall.decide, self._recall.receive):
                yield self._result(outcome)

    def _result(self, outcome: Outcome) -> Result:
        return result_of(outcome, self._recall, self.output.folder)

    def _written(self, result: Result, lines: TextIO | None) -> Result:
        if lines is not None:
            try:
                lines.write(json.dumps(result.to_line(), allow_nan=False) + "\n")
                lines.flush()
            except OSError as error:
                # A full disk is told without the file's name.
                raise OSError(error.errno, error.strerror, lines.name) from None
        return result


def _is_worth_another_try(outcome: Outcome) -> bool:
    """Whether it failed as the machine may be to blame for; what was found in a container is gone by then."""
    is_alone = outcome.account is None and not outcome.task.container
    failed = outcome.error is not None and outcome.error.code in MediaError.RETRIED
    return failed and is_alone and outcome.report is None


def result_of(outcome: Outcome, recall: Recall, folder: Path | None) -> Result:
    """Write the pages of an outcome, and take the number under which its report is kept.

    Args:
        outcome: of a pool.
        recall: what kept its report.
        folder: for pages; None writes none.
    """
    opened = outcome.opened
    written = outcome.written
    if folder is not None:
        written += write_reports(outcome.sha256, outcome.pages, folder)
    number, was_known = recall.finish(outcome.task)
    return Result(
        path=outcome.task.shown,
        report=outcome.report,
        error=outcome.error,
        sha256=outcome.sha256 or None,
        kind=opened.kind if opened else "container" if outcome.account else None,
        format=opened.format if opened else outcome.account.format if outcome.account else None,
        size_bytes=opened.size_bytes if opened else None,
        elapsed_s=outcome.elapsed_s,
        scan_id=number,
        cached=was_known,
        written=written,
        account=outcome.account,
        container=outcome.task.container,
    )
