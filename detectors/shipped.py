"""The detectors that are installed, each made once a process, as they ship: weights are large and slow to read."""

from __future__ import annotations

from functools import cache

from detectors.base import Detector
from detectors.catalog import DETECTORS


def shipped(name: str) -> Detector:
    """The detector of that name, the same object every time.

    Raises:
        LookupError: there is none.
        ImportError: it needs a library that is not installed.
    """
    return _made(DETECTORS.load(name))


@cache
def _made(kind: type[Detector]) -> Detector:
    return kind()
