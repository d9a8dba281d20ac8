"""Gives memory that was freed back to the system: glibc keeps it, and the next file would have that much less."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

import psutil

KEPT_BYTES = 32 << 20
"""Left alone: to give back what one web-size picture took, and to fetch it again for the next one, takes 4 ms."""


def resident_bytes() -> int:
    """What this process holds."""
    return int(psutil.Process().memory_info().rss)


def trim() -> None:
    """Give back all that was freed; on Linux alone.

    Loading the weights of a detector alone leaves 130 MB behind.
    """
    if sys.platform == "linux" and (glibc := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        glibc(0)


class FreedMemory:
    """Gives back when much has come together.

    Args:
        resident: what the process holds, in bytes.
        give_back: all that was freed.
    """

    def __init__(self, resident: Callable[[], int] = resident_bytes, give_back: Callable[[], None] = trim) -> None:
        self._resident = resident
        self._give_back = give_back
        self._least = 0

    def settle(self) -> None:
        """Called between two files."""
        if self._resident() > self._least + KEPT_BYTES:
            self._give_back()
            self._least = self._resident()
