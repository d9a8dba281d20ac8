"""How many worker processes are usual on this computer: as many as its processors and its memory allow."""

from __future__ import annotations

import os

import psutil

from forensics.settings import ScanSettings


def usual_workers(settings: ScanSettings, *, n_spare: int = 0) -> int:
    """One a processor that this process may use, as long as all may reach their memory limit at once; 1 at least.

    Args:
        settings: of the scan.
        n_spare: processors that stay free for others.
    """
    n_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    n_by_memory = int(psutil.virtual_memory().available) // settings.limits.memory_bytes
    return max(1, min(n_processors - n_spare, n_by_memory))
