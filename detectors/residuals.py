"""What is left of a picture when its content is filtered out: sensor noise, fixed pattern, traces of interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6.0
"""Difference of two Laplacians, blind to planes and parabolas; white noise keeps its standard deviation.
Source: Immerkaer, Fast Noise Variance Estimation, CVIU 1996."""

MEAN_ABS_TO_SIGMA = float(np.sqrt(np.pi / 2))
"""Standard deviation over mean magnitude of a Gaussian."""

CELL_PX = 2
"""Cells over which magnitudes are averaged before the quiet ones are picked; 2 told planted splices better than 4."""

BAND_PX = 512
"""Rows filtered at a time: the same result as at once, without two more copies of a large picture."""

QUIET = 0.125
"""Share of a block's cells that counts as free of edges: 2 of the 16 in a block of 8 pixels."""

QUIET_BIAS = 0.396
"""Mean of the quietest cells over the mean of all, for white Gaussian noise through IMMERKAER in blocks of 8 pixels,
on 4 million samples; 0.364 for blocks of 16 and 0.352 for 64, which therefore come out up to a tenth too low."""

MIN_SIGMA = 0.05
"""Below this an 8-bit picture holds no noise, only rounding; keeps logarithms finite."""

MIN_FITTED_BLOCKS = 24
"""Five coefficients are fitted on the blocks of a picture; fewer blocks would follow every one of them."""


@dataclass(frozen=True, eq=False)
class NoiseBlocks:
    """Noise and what could be mistaken for it, block by block.

    Attributes:
        sigma: (h, w) float32, standard deviation of the noise in the units of the plane.
        level: (h, w) float32, mean of the plane.
        texture: (h, w) float32, mean magnitude of the gradient.
        valid: (h, w) bool, False where the block is clipped or perfectly flat: no noise survives there.
        block_px: side of a block.
    """

    sigma: Plane
    level: Plane
    texture: Plane
    valid: NDArray[np.bool_]
    block_px: int


def noise_blocks(luma: Plane, block_px: int) -> NoiseBlocks:
    """Estimate the noise level of every block from its quietest eighth.

    Args:
        luma: (H, W) float32 0..255.
        block_px: side of a block, a multiple of 2; incomplete blocks at the right and lower edge are left out.

    Raises:
        ValueError: the block is not a multiple of 2 or does not fit.

    Source: Immerkaer 1996 for the filter.
    """
    if block_px < CELL_PX or block_px % CELL_PX or min(luma.shape) < block_px:
        raise ValueError(f"block_px must be a multiple of {CELL_PX} within {luma.shape}, not {block_px}")
    height, width = luma.shape[0] // block_px * block_px, luma.shape[1] // block_px * block_px
    plane = luma[:height, :width]
    sigma = _sigma(plane, block_px // CELL_PX)
    cells = (width // CELL_PX, height // CELL_PX)
    mean = np.asarray(cv2.resize(plane, cells, interpolation=cv2.INTER_AREA), np.float32)
    level = _group(mean, block_px // CELL_PX).mean(axis=-1)
    texture = _group(_gradient(mean), block_px // CELL_PX).mean(axis=-1)
    valid = (level > 8) & (level < 247) & (sigma > 0.02)
    return NoiseBlocks(sigma, level, texture, valid, block_px)


def _sigma(plane: Plane, side: int) -> Plane:
    """Noise of every block of `side` cells a side, from its quietest cells."""
    loud = np.concatenate([_loudness(plane, top) for top in range(0, len(plane), BAND_PX)])
    grouped = _group(loud, side)  # (h, w, cells)
    n_quiet = max(1, round(QUIET * grouped.shape[-1]))
    quiet = np.partition(grouped, n_quiet - 1, axis=-1)[..., :n_quiet].mean(axis=-1)
    return np.asarray(quiet * (MEAN_ABS_TO_SIGMA / QUIET_BIAS), np.float32)


def _loudness(plane: Plane, top: int) -> Plane:
    """Mean magnitude of the filtered plane in each cell of the band that begins at row `top`."""
    rows, beside = min(BAND_PX, len(plane) - top), min(top, 1)
    residual = cv2.filter2D(plane[top - beside : top + rows + 1], cv2.CV_32F, IMMERKAER, borderType=cv2.BORDER_REFLECT)
    size = (plane.shape[1] // CELL_PX, rows // CELL_PX)
    magnitude = cv2.absdiff(residual[beside : beside + rows], np.zeros(4))
    return np.asarray(cv2.resize(magnitude, size, interpolation=cv2.INTER_AREA), np.float32)


def _gradient(mean: Plane) -> Plane:
    slope_x = cv2.filter2D(mean, cv2.CV_32F, np.array([[-0.5, 0, 0.5]], np.float32))
    slope_y = cv2.filter2D(mean, cv2.CV_32F, np.array([[-0.5], [0], [0.5]], np.float32))
    return np.asarray(cv2.magnitude(slope_x, slope_y), np.float32)


def _group(cells: NDArray[Any], side: int) -> Plane:
    """(H, W) -> (H / side, W / side, side * side)."""
    height, width = cells.shape[0] // side, cells.shape[1] // side
    return cells.reshape(height, side, width, side).transpose(0, 2, 1, 3).reshape(height, width, side * side)


def noise_deviation(blocks: NoiseBlocks) -> tuple[Plane, float]:
    """How far the noise of each block is from what its brightness and texture let expect in this picture.

    Shot noise grows with brightness and texture leaks into every noise estimate, so log sigma is first explained by
    both, by a fit that lets outliers go.

    Args:
        blocks: of one picture.

    Returns:
        (h, w) float32 in robust standard deviations, within +-6, 0 where the block is not valid; and the robust
        standard deviation of log sigma itself.

    Raises:
        ValueError: too few valid blocks.
    """
    valid = blocks.valid
    if valid.sum() < MIN_FITTED_BLOCKS:
        raise ValueError(f"{MIN_FITTED_BLOCKS} blocks with noise are needed, got {int(valid.sum())}")
    target = np.log(np.maximum(blocks.sigma[valid], MIN_SIGMA)).astype(np.float64)
    texture = np.log(blocks.texture[valid].astype(np.float64) + 0.3)
    level = blocks.level[valid].astype(np.float64) / 128 - 1
    terms = np.stack([np.ones_like(texture), texture, texture**2, level, level**2], axis=1)
    error, spread = _robust_fit(terms, target)
    deviation = np.zeros(valid.shape, np.float32)
    deviation[valid] = np.clip(error / spread, -6, 6)
    return deviation, spread


def _robust_fit(terms: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Least squares with Cauchy weights: errors (n,) and their robust standard deviation."""
    weight = np.ones(len(target))
    error, spread = target, 1.0
    for _ in range(4):
        gram = (terms * weight[:, None]).T @ terms + 1e-6 * np.eye(terms.shape[1])
        error = target - terms @ np.linalg.solve(gram, (terms * weight[:, None]).T @ target)
        spread = 1.4826 * float(np.median(np.abs(error))) + 1e-3
        weight = 1 / (1 + (error / (2 * spread)) ** 2)
    return error, spread
