"""Files that were handed to a station and that its worker has not got yet."""

from __future__ import annotations

from threading import Condition
from typing import Self

from forensics.messages import Task


class Closed(Exception):
    """The station is to end."""


class Inbox:
    """An iterator for `Pool.run` that may have more after it had nothing.

    A pool asks again as long as anything is under way, so that what comes meanwhile is taken up at once; and it is
    never kept waiting, as it has to watch its worker. Files come out in the order of their numbers, from 0: calls that
    are under way at once reach an object of Ray in any order, and the driver takes the first file for the one that a
    machine died of.
    """

    def __init__(self) -> None:
        self._tasks: dict[int, Task] = {}
        self._number = 0
        self._changed = Condition()
        self._is_closed = False

    def put(self, number: int, task: Task) -> None:
        """One more."""
        with self._changed:
            self._tasks[number] = task
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
            self._changed.wait_for(lambda: self._number in self._tasks or self._is_closed)
        self.look()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Task:
        with self._changed:
            if self._number not in self._tasks:
                raise StopIteration
            self._number += 1
            return self._tasks.pop(self._number - 1)
