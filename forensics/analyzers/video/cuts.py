"""Scene cuts: the picture changes at once and altogether, and does not change back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CHANGE = 10.0
"""Mean change in grey levels below which no cut is looked for."""

TIMES_USUAL = 4.0
"""A cut changes the picture so many times more than the frames around it do."""

REACH = 8
"""Frames on either side that say how much change is usual there."""

SAME_SCENE = 0.6
"""Correlation of two pictures from which they show the same scene: a flash or a jump, no cut."""


def find_cuts(pictures: NDArray[np.uint8], change: NDArray[np.float32]) -> list[int]:
    """Indices of the first frames of new scenes, in order.

    Args:
        pictures: (n, h, w) uint8 small luma.
        change: (n,) float32, mean absolute change from the frame before, grey levels; 0 for the first.
    """
    return [int(i) for i in np.flatnonzero(change >= CHANGE) if _is_cut(pictures, change, int(i))]


def _is_cut(pictures: NDArray[np.uint8], change: NDArray[np.float32], i: int) -> bool:
    around = np.r_[change[max(1, i - REACH) : i], change[i + 1 : i + 1 + REACH]]
    if around.size and change[i] < TIMES_USUAL * max(float(np.median(around)), 1.0):
        return False
    if correlation(pictures[i - 1], pictures[i]) >= SAME_SCENE:
        return False
    # After a flash or a broken frame the old scene comes back.
    after = min(i + 3, len(pictures) - 1)
    return correlation(pictures[i - 1], pictures[after]) < SAME_SCENE


def correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Pearson correlation of two pictures, -1..1; 1 for two flat ones."""
    a, b = first.astype(np.float32).ravel(), second.astype(np.float32).ravel()
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    if norm < 1.0:
        return 1.0 if float(np.abs(a).max(initial=0.0) + np.abs(b).max(initial=0.0)) < 1.0 else 0.0
    return float(a @ b) / norm
