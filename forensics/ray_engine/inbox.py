"""Files that were handed to a station and that its worker has not got yet."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Self

from forensics.messages import Task


class Closed(Exception):
    """The station is to end."""


class Inbox:
    """An iterator for `Pool.run` that may have more after it had nothing.

    A pool asks again as long as anything is under way, so that what comes meanwhile is taken up at once; and it is
    never kept waiting, as it has to watch its worker.
    """

    def __init__(self) -> None:
        self._tasks: deque[Task] = deque()
        self._changed = Condition()
        self._is_closed = False

    def put(self, task: Task) -> None:
        """One more."""
        with self._changed:
            self._tasks.append(task)
            self._changed.notify_all()

    def close(self) -> None:
        """From now on `wait` and `look` raise Closed."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def look(self) -> None:
        """Raises Closed if it is."""
        if self._is_closed:
            raise Closed

    def wait(self) -> None:
        """Wait until there is a file."""
        with self._changed:
            self._changed.wait_for(lambda: self._tasks or self._is_closed)
        self.look()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Task:
        with self._changed:
            if not self._tasks:
                raise StopIteration
            return self._tasks.popleft()
