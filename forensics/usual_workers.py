"""How many worker processes are usual on this computer: as many as its processors and its memory allow."""

from __future__ import annotations

import psutil

from forensics.settings import ScanSettings
from generators.processor import usable_processors


def usual_workers(settings: ScanSettings, *, n_spare: int = 0) -> int:
    """One a processor that this process may use, as long as all may reach their memory limit at once; 1 at least.

    Args:
        settings: of the scan.
        n_spare: processors that stay free for others.
    """
    n_by_memory = int(psutil.virtual_memory().available) // settings.limits.memory_bytes
    return max(1, min(usable_processors() - n_spare, n_by_memory))
