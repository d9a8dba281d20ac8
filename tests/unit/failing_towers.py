"""Towers for processes that run one for others, and a scanner that asks the one that its worker was told of."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.shared_tower import _Elsewhere, shared_tower
from detectors.vision_tower import SIDE_PX, Tokens
from forensics.media import Media
from forensics.report import ScanReport
from tests.make_tower import ColourTower
from tests.unit.failing_scanners import Scripted

DEADLY = 13
"""Grey value of a picture that takes the process of a `Mortal` tower along."""


INSATIABLE = 8
"""Pictures that a file of this name asks for beside its own."""

SLOW_S = 5.0
"""For a batch of a `Slow` tower."""


class Mortal(ColourTower):
    """Its tokens begin with the number of its process."""

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """Those of the colours."""
        if (pixels == DEADLY).all(axis=(1, 2, 3)).any():
            os.kill(os.getpid(), signal.SIGKILL)
        found = super().tokens(pixels)
        found[0][:, 0, 0] = os.getpid()
        return found


def mortal(device: str) -> Mortal:
    """Where the device does not matter."""
    return Mortal()


def refusing(device: str) -> Mortal:
    """Has a processor alone."""
    if device == "cpu":
        return Mortal()
    raise ValueError(f"there is no device {device} here\nas a second line says")


def stillborn(device: str) -> Mortal:
    """Takes its process along."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def sleeping(device: str) -> Sleeping:
    """Has a device that hangs."""
    return Sleeping()


class Sleeping(ColourTower):
    """Never answers."""

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """None."""
        time.sleep(600)
        raise AssertionError


def slow(device: str) -> Slow:
    """Has a device that others use."""
    return Slow()


class Slow(ColourTower):
    """Takes its time."""

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """Those of the colours."""
        time.sleep(SLOW_S)
        found = super().tokens(pixels)
        found[0][:, 0, 0] = os.getpid()
        return found


def asks_elsewhere() -> bool:
    """Whether this process was told of a tower."""
    return _Elsewhere.tower is not None


class Asking(Scripted):
    """Asks the tower of its worker; its finding measures what process answered, 0 for one that has loaded its own.

    A file called "deadly" takes the process of a `Mortal` tower along, until a file "cured" lies beside it.
    """

    def scan(self, media: Media, tell: Callable[[str, ScanReport], None] | None = None) -> ScanReport:
        """Ask."""
        report = super().scan(media)
        if tell is not None:
            tell("hash", report)
        pixels = np.full((1, SIDE_PX, SIDE_PX, 3), 100, np.uint8)
        # No two files alike: a tower remembers.
        pixels[0, 0, 0] = [*bytes.fromhex(media.sha256)[:3]]
        if self.is_deadly(media):
            pixels[:] = DEADLY
        for number in range(INSATIABLE if "insatiable" in media.name else 0):
            pixels[0, 1] = number
            shared_tower().tokens(pixels)
        answered = shared_tower().tokens(pixels)[0][0, 0, 0] if asks_elsewhere() else 0.0
        (found,) = report.findings
        return replace(report, findings=(replace(found, measures={"tower": float(answered)}),))

    def is_deadly(self, media: Media) -> bool:
        """Whether what is asked for it takes the tower along."""
        return "deadly" in media.name and media.path is not None and not media.path.with_name("cured").exists()
