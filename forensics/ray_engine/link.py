"""One station as the driver sees it: which files it has in hands, and what becomes of them when it is gone."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from forensics.containers.account import Account
from forensics.containers.kinds import container_kind_of
from forensics.errors import MediaError
from forensics.messages import Opened, Task
from forensics.outcome import Outcome
from forensics.ray_engine.words import Event, Reply
from forensics.report import ScanReport

N_HANDED = 2
"""The file under way and one ahead, so that no station waits for the driver."""


class Link:
    """A station.

    A container is told to have ended when all files in it have: if the machine goes away before, it is opened again.

    Args:
        actor: of Ray.
        draws: it writes a report of each file after that is examined.

    Attributes:
        call: of `Station.go_on`, under way.
        host: name of its machine, "" until it has arrived.
        is_ready: its analyzers are loaded.
    """

    def __init__(self, actor: Any, *, draws: bool) -> None:
        self.actor = actor
        self.host = ""
        self.is_ready = False
        self._draws = draws
        self._handed: dict[Task, None] = {}
        self._n_sent = 0
        self._open: dict[Task, Outcome] = {}
        self._withheld: dict[str, Outcome] = {}
        self._n_inside: Counter[str] = Counter()
        self._n_nested: Counter[str] = Counter()
        self.go_on(None)

    def go_on(self, reply: Reply | None) -> None:
        """Answer, if there was a question, and wait for what happens next."""
        self.call: Future[list[Event]] = self.actor.go_on.remote(reply).future()

    @property
    def n_handed(self) -> int:
        """Files that it has not ended."""
        return len(self._handed)

    @property
    def has_room(self) -> bool:
        """Whether it may be handed a file; not before all is heard that came from it, which may be that it is gone."""
        return self.is_ready and self.n_handed < N_HANDED and not self.call.done()

    def hand(self, task: Task) -> None:
        """Give it one more file."""
        self._handed[task] = None
        self.actor.hand.remote(self._n_sent, task)
        self._n_sent += 1

    def opened(self, task: Task, opened: Opened, known: ScanReport | None) -> None:
        """A file is open, and perhaps there is a report already."""
        self._open[task] = Outcome(task, opened, known, {}, opened.sha256, None, 0.0)

    def examined(self, task: Task, report: ScanReport) -> None:
        """The driver has kept a new report."""
        self._open[task] = replace(self._open[task], report=report)

    def ended(self, outcome: Outcome) -> list[Outcome]:
        """A file has ended.

        Returns:
            What is known by that: none for a container with files under way, which follows the last of them.
        """
        task = outcome.task
        is_open = self._open.pop(task, None)
        outcome = replace(outcome, report=None if is_open is None else is_open.report)
        if task.container:
            self._n_inside[task.container] += 1
            self._n_nested[task.container] += 0 if outcome.account is None else outcome.account.n_files
            return [outcome, *self._closed(task.container)]
        if outcome.account is None:
            del self._handed[task]
            return [outcome]
        self._withheld[task.shown] = outcome
        return self._closed(task.shown)

    def idle(self) -> list[Outcome]:
        """It has nothing under way: containers of which more files were expected have ended as well."""
        self.is_ready = True
        return [self._released(shown) for shown in tuple(self._withheld)]

    def lost(self) -> tuple[list[Outcome], list[Task]]:
        """It is gone.

        Returns:
            What is told of files that it may have died of, and the files that it had not begun.
        """
        gone = MediaError("crashed", f"the machine that examined it went away ({self.host})")
        inside = [task for task in self._open if task.container]
        self._n_inside.update(task.container for task in inside)
        waiting = [task for number, task in enumerate(self._handed) if number and not self._has_begun(task)]
        begun = [task for task in self._handed if task not in waiting]
        return [self._cut_off(task, gone) for task in inside + begun], waiting

    def _has_begun(self, task: Task) -> bool:
        return task in self._open or task.shown in self._withheld or task.shown in self._n_inside

    def _cut_off(self, task: Task, gone: MediaError) -> Outcome:
        outcome = self._open.get(task) or self._withheld.get(task.shown)
        outcome = outcome or Outcome(task, None, None, {}, "", None, 0.0)
        if outcome.report is not None and not self._draws:
            # There was nothing left to do.
            return outcome
        account, n_inside = outcome.account, self._n_inside[task.shown]
        if account is None and n_inside:
            account = Account(container_kind_of(task.path) or "", n_inside)
        elif account is not None:
            account = replace(account, n_files=n_inside)
        return replace(outcome, error=gone, account=account)

    def _closed(self, shown: str) -> list[Outcome]:
        """A container, if all files in it have ended."""
        outcome = self._withheld.get(shown)
        if outcome is None or outcome.account is None:
            return []
        n_expected = outcome.account.n_files + self._n_nested[shown]
        return [] if self._n_inside[shown] < n_expected else [self._released(shown)]

    def _released(self, shown: str) -> Outcome:
        outcome = self._withheld.pop(shown)
        del self._handed[outcome.task], self._n_inside[shown], self._n_nested[shown]
        return outcome
