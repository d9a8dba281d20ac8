"""How much of a picture is left after something was done to it: a fake that is destroyed has not got past anything."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from generators.images import Pixels

WINDOW_PX, SIGMA_PX = 11, 1.5
STABLE = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)
"""Window and constants of the paper, see `structure`."""

MOST_DB = 100.0
"""For equal pictures, whose ratio would be infinite."""


@dataclass(frozen=True)
class Likeness:
    """Two measures, each blind where the other sees.

    Attributes:
        psnr_db: peak signal to noise ratio in decibels; high where little was changed.
        structure: SSIM of the luma, up to 1; low where detail was lost though colours are right.
    """

    psnr_db: float
    structure: float

    def reaches(self, floor: Likeness) -> bool:
        """Whether both are at least those of a floor."""
        return self.psnr_db >= floor.psnr_db and self.structure >= floor.structure


def likeness(changed: Pixels, before: Pixels) -> Likeness:
    """How like a picture is to what it was.

    Args:
        changed, before: (H, W, 3) uint8 of one size, 11 pixels a side or more.

    Raises:
        ValueError: they differ in size or are too small.
    """
    if changed.shape != before.shape or min(before.shape[:2]) < WINDOW_PX:
        raise ValueError(f"two pictures of one size from {WINDOW_PX} pixels up, not {changed.shape} and {before.shape}")
    return Likeness(_psnr(changed, before), structure(changed, before))


def structure(changed: Pixels, before: Pixels) -> float:
    """Structural similarity of luma, mean over all places whose window lies within the picture.

    Source: Wang, Bovik, Sheikh, Simoncelli, Image quality assessment: from error visibility to structural similarity,
    IEEE Transactions on Image Processing 2004.
    """
    a, b = (cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float64) for pixels in (changed, before))
    mean_a, mean_b = _smooth(a), _smooth(b)
    var_a, var_b = _smooth(a * a) - mean_a**2, _smooth(b * b) - mean_b**2
    together = _smooth(a * b) - mean_a * mean_b
    found = (2 * mean_a * mean_b + STABLE[0]) * (2 * together + STABLE[1])
    found /= (mean_a**2 + mean_b**2 + STABLE[0]) * (var_a + var_b + STABLE[1])
    edge = WINDOW_PX // 2
    return float(found[edge:-edge, edge:-edge].mean())


def _psnr(changed: Pixels, before: Pixels) -> float:
    error = float(np.square(changed.astype(np.float64) - before).mean())
    return min(10 * float(np.log10(255**2 / error)), MOST_DB) if error else MOST_DB


def _smooth(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(plane, (WINDOW_PX, WINDOW_PX), SIGMA_PX), np.float64)
