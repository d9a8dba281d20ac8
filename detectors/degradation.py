"""How much of a picture compression and blur have left, measured on its pixels: what is too far gone is not judged.

A file's header is no help: a PNG may hold what was a JPEG of quality 10. But whoever quantized coefficients left them
on multiples of a step, and a lattice is seen long after the header is gone, as long as the grid of blocks still starts
at the corner.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.last_picture import once_a_picture
from generators.images import Pixels

BLOCK = 8
MAX_BLOCKS = 2048
"""Enough for every lattice; more only cost time."""

FREQUENCIES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
"""Low ones keep values that are not zero under the coarsest tables."""

STEPS_50 = {(0, 1): 11, (1, 0): 12, (1, 1): 12, (0, 2): 10, (2, 0): 14}
"""Luma steps at quality 50 by row and column. Source: ITU-T T.81, table K.1."""

STEPS = np.concatenate([np.arange(6, 60), np.arange(60, 256, 2)]).astype(np.float32)
"""Finer lattices than 6 are those of qualities over 75, which nobody needs to be told from 100 here."""

N_PARTS = 6
"""In which steps are gone through."""

LATTICE = 0.6
"""Mean cosine from which coefficients lie on multiples of a step: 0 without a lattice, 1 without noise."""

NOISE = 0.3
"""Share of a step up to which a coefficient counts as zero; what lies at half a step must count against it."""

SLOPE = 0.8
"""Share of the coarsest step that fits from which others belong to the same peak."""

LEAST_COEFFICIENTS = 25
"""That are not zero: chance puts fewer on any lattice."""

LUMA = np.array((0.299, 0.587, 0.114), np.float32)

FINEST = 100.0


MIN_QUALITY = 14.5
"""Chosen on 55 fakes of the training list, each read by a probe that had not seen its source: after JPEG of quality 20
none of them was taken for a photo, where the label promises at most 5 %; after 15 it was 5 %, after 12 and 10 9 %."""

MIN_SHARPNESS = 0.8
"""At a side of 224 pixels, on the same fakes: blurred by 2 pixels (most over this) 2 % were taken for a photo, by 3
pixels (most under it) 7 %, by 4 pixels 15 %. Of 104 pictures as they came the least sharp one had 1.26."""

SIDE_PX = 224


@once_a_picture
def too_far_gone(pixels: Pixels) -> str | None:
    """Why so little is left of a picture that fakes would pass for photos, as a plain clause; None where enough is.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """
    if (quality := jpeg_quality(pixels)) < MIN_QUALITY:
        return f"it was compressed too hard, to a JPEG quality of about {quality:.0f}, where fakes pass for photos"
    if sharpness(pixels, SIDE_PX) < MIN_SHARPNESS:
        return "it is too blurred, so that fakes pass for photos"
    return None


def jpeg_quality(pixels: Pixels) -> float:
    """Quality, 1..100 on the usual scale, of the coarsest JPEG compression whose lattice is there; 100 without one.

    Args:
        pixels: (H, W, 3) uint8 RGB, cut at the corner of a block.

    Source:
        Fan, de Queiroz, IEEE Trans. Image Processing 12(2), 2003: identification of JPEG history from the lattice.
    """
    blocks = _coefficients(pixels)
    found = [quality for place in FREQUENCIES if (quality := _quality(blocks[:, place[0], place[1]], STEPS_50[place]))]
    # One frequency may have too few coefficients, or lie on a multiple of its step.
    return float(np.median(found)) if len(found) > len(FREQUENCIES) // 2 else FINEST


def sharpness(pixels: Pixels, side_px: int) -> float:
    """Log10 of the variance of the Laplacian of the luma, after both sides were brought to `side_px`."""
    small = cv2.resize(pixels, (side_px, side_px), interpolation=cv2.INTER_AREA).astype(np.float32) @ LUMA
    return float(np.log10(cv2.Laplacian(small, cv2.CV_32F).var() + 1e-3))


def _coefficients(pixels: Pixels) -> NDArray[np.float32]:
    """(N, 8, 8) cosine coefficients of at most MAX_BLOCKS blocks of the luma."""
    rows, columns = (side // BLOCK for side in pixels.shape[:2])
    strips = pixels[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns * BLOCK, 3)
    luma = strips[:: max(1, rows * columns // MAX_BLOCKS)].astype(np.float32) @ LUMA - 128
    chosen = luma.reshape(-1, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3).reshape(-1, BLOCK, BLOCK)
    order = np.arange(BLOCK)
    basis = np.cos((2 * order[None] + 1) * order[:, None] * np.pi / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis.astype(np.float32) @ chosen @ basis.T.astype(np.float32), np.float32)


def _heights(values: NDArray[np.float32], steps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean cosine of the values that are not zero at each step, finest first; 0 where too few are left."""
    sizes = np.abs(values)
    sizes = sizes[sizes > NOISE * steps[0]]
    used = sizes[None] > NOISE * steps[:, None]  # (S, N)
    cosines = (2 * np.pi / steps)[:, None] * sizes[None]
    np.cos(cosines, out=cosines)
    cosines *= used
    n_used = used.sum(axis=1)
    return np.where(n_used >= LEAST_COEFFICIENTS, cosines.sum(axis=1) / np.maximum(n_used, 1), 0)


def _quality(values: NDArray[np.float32], step_50: int) -> float:
    """Quality that one frequency speaks for; 0 where there is no lattice."""
    # The coarser the steps, the fewer values count, and cosines are half the time of a detector beside its network.
    height = np.concatenate([_heights(values, steps) for steps in np.array_split(STEPS, N_PARTS)])
    if height.max() <= LATTICE:
        return 0.0
    # Halves and thirds of a step fit as well; of the coarsest peak the top counts, not its far slope.
    coarsest = STEPS[height > LATTICE].max()
    peak = (height > LATTICE) & (SLOPE * coarsest < STEPS)
    scale = float(STEPS[np.where(peak, height, 0).argmax()]) / step_50 * 100
    return (200 - scale) / 2 if scale <= 100 else 5000 / scale
