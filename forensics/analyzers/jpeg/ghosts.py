"""JPEG ghosts: a part that was once saved at some lower quality changes least when saved at that quality again.

Worked out on stored coefficients instead of saving again: what a new save at another table would change is the
distance of each coefficient to the nearest multiple of that table's step.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.analyzers.jpeg.coefficients import Coefficients
from forensics.analyzers.jpeg.tables import STANDARD_LUMA, scale_table

QUALITIES = (45, 55, 65, 75, 85)
"""Qualities tried; a table between two of them still leaves a ghost at the nearer one."""

FREQUENCIES = (1, 8, 9, 2, 16, 10, 17, 3)
"""Low AC frequencies: the others are zero in nearly every block at these qualities."""

MAX_VALUE = 128
"""Multiples of the step that are looked at."""

MIN_STEP_RATIO = 1.4
"""A ghost needs a clearly coarser table than that of the last save."""

SHARE = 0.03
"""Area of a part that is looked for, of the picture."""


@dataclass(frozen=True, eq=False)
class Ghost:
    """The quality at which one part differs most from the rest.

    Attributes:
        quality: IJG quality of the save tried; 0 where none could be tried.
        contrast: difference of the part's mean change to the picture's, in standard deviations of single blocks.
        changes: (h, w) float32 0..1, how much each block would change, relative to the step.
    """

    quality: int
    contrast: float
    changes: NDArray[np.float32]


def find_ghost(coefficients: Coefficients) -> Ghost:
    """Try some qualities and keep the one with the strongest ghost.

    Args:
        coefficients: as stored, on the grid of the picture.

    Source:
        Farid, Exposing Digital Forgeries from JPEG Ghosts, IEEE TIFS 2009.
    """
    height, width, _ = coefficients.values.shape
    best = Ghost(0, 0.0, np.zeros((height, width), np.float32))
    side = max(3, round(float(np.sqrt(SHARE * height * width))) | 1)
    for quality in QUALITIES:
        changes, count = _changes(coefficients, scale_table(STANDARD_LUMA, quality))
        seen = count > 0
        if seen.sum() < side * side:
            continue
        mean, spread = float(changes[seen].mean()), float(changes[seen].std()) + 1e-6
        n = _box(seen.astype(np.float32), side)
        around = _box(np.where(seen, changes - mean, 0).astype(np.float32), side) / np.maximum(n, 1)
        contrast = float(np.abs(around[n >= 0.5 * side * side]).max(initial=0.0)) / spread
        if contrast > best.contrast:
            best = Ghost(quality, contrast, np.where(seen, changes, mean).astype(np.float32))
    return best


def _changes(coefficients: Coefficients, steps: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean change of the non-zero coefficients of each block, 0 none to 1 half a step, and how many there are."""
    height, width, _ = coefficients.values.shape
    total, count = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for frequency in FREQUENCIES:
        own, new = float(coefficients.steps[frequency]), float(steps[frequency])
        if new < MIN_STEP_RATIO * own:
            continue
        ratio = np.arange(MAX_VALUE + 1) * own / new
        table = (2 * np.abs(ratio - np.rint(ratio))).astype(np.float32)
        # Coefficients below half the new step would vanish whatever their past: they say nothing.
        spoken = (ratio >= 0.5).astype(np.float32)
        spoken[-1] = 0
        value = np.minimum(np.abs(coefficients.values[..., frequency]), MAX_VALUE)
        total += (table * spoken)[value]
        count += spoken[value]
    return np.asarray(total / np.maximum(count, 1), np.float32), count


def _box(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    box = cv2.boxFilter(values, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(box, np.float32)
