"""Answers workers from the store: what is known is not examined again, what is new is kept. It runs in the parent."""

from __future__ import annotations

from dataclasses import replace

from forensics.inputs import displayable
from forensics.messages import Answer, Opened, Task
from forensics.report import ScanReport
from forensics.seen_before import with_seen_before
from forensics.settings import ScanSettings
from forensics.store import Store, StoreError


class Recall:
    """The store's part in one run of a pool.

    Args:
        store: what is known and what is kept; None for neither.
        settings: of every scan.
        use_cache: False examines files that the store knows again.

    Attributes:
        store: None once it has failed; what is examined afterwards is not kept.
        error: why it failed; None if it did not.
    """

    def __init__(self, store: Store | None, settings: ScanSettings, *, use_cache: bool = True) -> None:
        self.store = store
        self.error: StoreError | None = None
        self._settings = settings
        self._use_cache = use_cache
        # Of files that are being examined now.
        self._numbers: dict[Task, int] = {}
        self._cached: set[Task] = set()

    def decide(self, task: Task, opened: Opened) -> Answer:
        """Whether to examine an opened file: for `Pool.run`."""
        if self.store is None or not self._use_cache:
            return Answer(scan=True)
        try:
            row = self.store.known(opened.sha256, self._settings, opened.versions)
            if row is None:
                return Answer(scan=True)
            report = self.store.report(row.id)
        except StoreError as error:
            self._do_without(error)
            return Answer(scan=True)
        except (ValueError, LookupError):
            # Damaged, or deleted a moment ago: a scan repairs it.
            return Answer(scan=True)
        if report.failed or report.is_cut_short:
            # What failed or took too long may have been the machine's fault.
            return Answer(scan=True)
        self._cached.add(task)
        self._numbers[task] = row.id
        return Answer(scan=False, known=self._prepared(task, report))

    def receive(self, task: Task, report: ScanReport, elapsed_s: float) -> ScanReport:
        """Keep a new report: for `Pool.run`."""
        report = self._prepared(task, report)
        if self.store is not None:
            try:
                self._numbers[task] = self.store.save(report, elapsed_s=elapsed_s, folder=_folder(task))
            except StoreError as error:
                self._do_without(error)
        return report

    def finish(self, task: Task) -> tuple[int | None, bool]:
        """Forget a file that is done.

        Returns:
            Its number in the store, if it has one, and whether its report was known before.
        """
        was_known = task in self._cached
        self._cached.discard(task)
        return self._numbers.pop(task, None), was_known

    def _prepared(self, task: Task, report: ScanReport) -> ScanReport:
        """Under the name it has this time, and with what the store knows by now."""
        report = replace(report, path=task.shown, filename=task.name)
        if self.store is None:
            return report
        try:
            return with_seen_before(report, self.store)
        except StoreError as error:
            self._do_without(error)
            return report

    def _do_without(self, error: StoreError) -> None:
        """What is examined is still yielded; the run ends with the error when all is done."""
        self.store = None
        self.error = error


def _folder(task: Task) -> str:
    """Where a file lies that the user named; "" for a copy of something that came from elsewhere."""
    return displayable(str(task.path.parent.absolute())) if displayable(str(task.path)) == task.shown else ""
