"""Work for other processes, which find it by the name of this module."""

from __future__ import annotations

import os


def twice(number: int) -> int:
    """Fails on 13."""
    if number == 13:
        raise ValueError("13 is no number to double")
    return 2 * number


def pid(_: int) -> int:
    """Of the process that does the work."""
    return os.getpid()
