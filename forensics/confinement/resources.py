"""What the kernel counts for a worker and ends it for: open files, bytes of a file, seconds of processor time."""

from __future__ import annotations

import math
import sys
import time

MAX_OPEN_FILES = 256
"""A worker with every analyzer holds some twenty, and a decoder a few more."""

LEAST_FILE_BYTES = 64 << 20
"""Scratch files of decoders may be larger than a file that may be examined, if that may only be small."""


def limit_resources(max_file_bytes: int) -> None:
    """Limit open files and bytes of a file for the life of this process, and let it leave no core behind.

    Args:
        max_file_bytes: of a file that it writes: what goes beyond fails.
    """
    if sys.platform != "win32":
        import resource

        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
        _lower(resource.RLIMIT_FSIZE, max(max_file_bytes, LEAST_FILE_BYTES))


def allow_processor_time(seconds: float) -> None:
    """Let this process, all its threads together, compute so long from now on; then SIGXCPU ends it."""
    _end_at(time.process_time() + seconds)


def extend_processor_time(more_s: float) -> None:
    """Let it compute so much longer, rounded up to whole seconds."""
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_CPU)
        _end_at(soft + more_s)


def _end_at(used_s: float) -> None:
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        # The kernel counts whole seconds. The hard limit could never be raised again, so it stays what it is.
        resource.setrlimit(resource.RLIMIT_CPU, (_at_most(math.ceil(used_s), hard), hard))


def _lower(kind: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (_at_most(value, hard),) * 2)


def _at_most(value: int, hard: int) -> int:
    import resource

    return value if hard == resource.RLIM_INFINITY else min(value, hard)
