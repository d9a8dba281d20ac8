"""Pictures of which next to all is one even field: what looks for parts that differ, or are alike, finds none there."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

EVEN = "next to all of it is one even field, in which no part could be told from another"
"""Why such a picture is not examined."""

BLOCK_PX = 16

LEAST_LEVELS, LEAST_SHARE = 1.0, 0.01
"""Deviation of luma within a block, 0..255, under which it is even, and the share of others that a picture needs."""


def is_even(luma: NDArray[np.float32]) -> bool:
    """Whether there is next to nothing to look at.

    Args:
        luma: (H, W) float32 0..255, at least BLOCK_PX a side.
    """
    rows, columns = (side // BLOCK_PX for side in luma.shape)
    whole = luma[: rows * BLOCK_PX, : columns * BLOCK_PX]
    size = (columns, rows)
    mean = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    square = cv2.resize(np.square(whole), size, interpolation=cv2.INTER_AREA)
    return bool((square - np.square(mean) >= LEAST_LEVELS**2).mean() < LEAST_SHARE)
