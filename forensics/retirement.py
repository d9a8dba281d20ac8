"""When a worker holds so much that a fresh one would leave the next file more room."""

from __future__ import annotations

from forensics.confinement.resources import MAX_OPEN_FILES
from forensics.watched import Worker

RETIRE_SHARE = 0.5
"""A worker that holds more than this share of the limit between two files is replaced: the next file needs the room."""

GROWTH_SHARE = 0.1
"""Part of the limit that a worker may hold beyond what every worker holds: where detectors alone weigh more than
RETIRE_SHARE, replacing workers, which load them again, helps nobody."""


class Retirement:
    """Weighs the workers of one pool.

    Args:
        memory_bytes: that one of them may grow to.
    """

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._first_bytes: list[int] = []

    def is_due(self, worker: Worker) -> bool:
        """Whether a fresh worker would leave the next file more room, as far as this pool has seen fresh ones."""
        if worker.n_open_files() > MAX_OPEN_FILES // 2:
            # Something in it forgets to close files.
            return True
        resident = worker.resident_bytes()
        if worker.has_scanned and not worker.is_weighed:
            worker.is_weighed = True
            self._first_bytes.append(resident)
        bar = RETIRE_SHARE * self._memory_bytes
        # One worker may hold what its file left behind; what the lightest of several holds, all of them need.
        if len(self._first_bytes) > 1:
            bar = max(bar, min(self._first_bytes) + GROWTH_SHARE * self._memory_bytes)
        # A warm worker has loaded everything before its first file: a fresh one would hold as much.
        return resident > max(bar, worker.fresh_bytes + GROWTH_SHARE * self._memory_bytes)
