"""Lets files await the decision of a person as they are examined, by their opinion."""

from __future__ import annotations

from forensics.result import Result
from forensics.store import Queue, Store
from forensics.store.queue_words import Bar


class Queueing:
    """Queues what reaches a bar.

    Args:
        store: that keeps the scans.
        bar: which files are queued.
        actor: who wants that, for the audit log.
    """

    def __init__(self, store: Store, bar: Bar, *, actor: str) -> None:
        self._store = store
        self._queue = Queue(store)
        self._bar = bar
        self._actor = actor

    def add(self, result: Result | None) -> None:
        """Look at one file as it ends; None is one whose result another file or an earlier pass tells.

        Raises:
            StoreError: the store does not work.
        """
        if result is None or result.report is None or result.scan_id is None:
            return
        if self._bar.includes(result.report.verdict.opinion):
            self._queue.add([self._store.row(result.scan_id)], actor=self._actor)
