"""Maps of blocks -> one compact region that differs from the rest: how a pasted object looks in any local trace."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.finding import Region

Plane = NDArray[np.float32]

MAX_HEAT_SIDE = 512
"""Heat is drawn over the picture: finer than this nobody sees."""


@dataclass(frozen=True, eq=False)
class Contrast:
    """The window whose mean stands out most.

    Attributes:
        value: magnitude of its mean.
        means: (h, w) float32, mean over the window around each block, 0 where too few blocks are valid.
        side: of the window, in blocks.
    """

    value: float
    means: Plane
    side: int


def window_contrast(deviation: Plane, valid: NDArray[np.bool_], share: float) -> Contrast:
    """Find the square window, `share` of the picture large, with the largest mean deviation either way.

    Args:
        deviation: (h, w) float32, zero on average.
        valid: (h, w) bool, blocks that can be judged; a window needs half of its blocks.
        share: of the picture's area, 0..1.
    """
    height, width = deviation.shape
    side = max(3, round(float(np.sqrt(share * height * width))) | 1)
    side = min(side, max(min(height, width) // 2 * 2 - 1, 1))
    ones = np.ascontiguousarray(valid, np.float32)
    count = _window_sum(ones, side)
    total = _window_sum(np.ascontiguousarray(deviation * ones, np.float32), side)
    means = np.where(count >= 0.5 * side * side, total / np.maximum(count, 1), 0).astype(np.float32)
    return Contrast(float(np.abs(means).max()), means, side)


def outline(strength: Plane, block_px: float, size: tuple[int, int], *, label: str, bar: float = 0.5) -> Region | None:
    """Box around the connected blocks that hold the peak.

    Args:
        strength: (h, w) float32, 0 or more.
        block_px: side of a block on the picture.
        size: height and width of the picture in pixels.
        label: for the region.
        bar: share of the peak down to which neighbours belong to it.

    Returns:
        None for an empty map or a region over more than half of the picture.
    """
    peak = float(strength.max())
    if peak <= 0:
        return None
    _, labels = cv2.connectedComponents((strength >= bar * peak).astype(np.uint8))
    y, x = np.unravel_index(int(strength.argmax()), strength.shape)
    rows, columns = np.nonzero(labels == labels[y, x])
    if rows.size > 0.5 * strength.size:
        return None
    left, top = int(columns.min() * block_px), int(rows.min() * block_px)
    right = min(size[1], int((columns.max() + 1) * block_px))
    bottom = min(size[0], int((rows.max() + 1) * block_px))
    return Region(left, top, right - left, bottom - top, label) if right > left and bottom > top else None


def heat_map(strength: Plane, floor: float, full: float) -> Plane:
    """Strength -> heat 0..1, linear between floor and full, at most MAX_HEAT_SIDE long.

    Args:
        strength: (h, w) float32.
        floor: strength that is drawn as nothing.
        full: strength that is drawn as strongest.
    """
    heat = np.clip((strength - floor) / (full - floor), 0, 1).astype(np.float32)
    shrink = MAX_HEAT_SIDE / max(heat.shape)
    if shrink < 1:
        heat = np.asarray(cv2.resize(heat, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.float32)
    return np.asarray(np.clip(heat, 0, 1), np.float32)


def _window_sum(plane: Plane, side: int) -> Plane:
    """Sum over the window around each block, nothing outside of the picture."""
    total = cv2.boxFilter(plane, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total, np.float32)
