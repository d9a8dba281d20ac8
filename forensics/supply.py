"""Which file is examined next: first what lies in containers and what was fetched, as both take up scratch space."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from forensics.insides import Insides
from forensics.messages import Task
from forensics.outcome import Outcome
from forensics.remote import N_AHEAD, Fetcher


class Supply:
    """Of a pool.

    Args:
        folder: for scratch files.
        max_bytes: size of one file.

    Attributes:
        insides: files in containers that wait.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self.insides = Insides(folder / "inside")
        self._fetcher = Fetcher(folder, max_bytes=max_bytes)
        self._again: deque[Task] = deque()
        self._returned: set[Task] = set()

    @property
    def is_fetching(self) -> bool:
        """Whether there will be a file that is not there yet."""
        return self._fetcher.n_waiting > 0

    def next(self, waiting: Iterator[Task], *, is_unpacking_paused: bool) -> Task | None:
        """The next file; None while there is none.

        Args:
            waiting: files of the run, taken as they are needed.
            is_unpacking_paused: a worker waits for room to unpack on: only what makes room comes next.
        """
        if self.insides.waiting:
            return self.insides.waiting.popleft()
        if is_unpacking_paused:
            return None
        if (fetched := self._fetcher.next()) is not None:
            return fetched
        while self._fetcher.n_waiting < N_AHEAD:
            task = next(waiting, None)
            if task is None:
                return self._again.popleft() if self._again else None
            if not task.url:
                return task
            self._fetcher.fetch(task)
        return None

    def path(self, task: Task) -> Path:
        """Where a file lies here."""
        return self._fetcher.path(task)

    def put_back(self, task: Task) -> bool:
        """Let a file come once more, after all others; False for one that has been put back before."""
        is_first = task not in self._returned
        if is_first:
            self._returned.add(task)
            self._again.append(task)
        return is_first

    def lost(self) -> Iterator[Outcome]:
        """What could not be fetched."""
        for task, error in self._fetcher.ended():
            yield Outcome(task, None, None, {}, "", error, 0.0)

    def examined(self, task: Task) -> None:
        """A file has ended; its scratch file, if it had one, goes."""
        self._returned.discard(task)
        self.insides.examined(task)
        self._fetcher.drop(task)

    def close(self) -> None:
        """Stop fetching."""
        self._fetcher.close()
