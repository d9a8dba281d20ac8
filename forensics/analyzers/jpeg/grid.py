"""The 8 x 8 grid: blocks of an earlier JPEG coding are sparser in their DCT than blocks on any other grid.

Every cell of the picture votes for the grid on which its coefficients are smallest. The whole picture's grid shows a
crop or "was once a JPEG"; a region that votes for another grid came from another JPEG.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from forensics.analyzers.jpeg.coefficients import dct_basis

N_CELLS = 14_000
"""Cells that are looked at: one each 8 pixels up to a megapixel, sparser beyond, so that the time stays bounded."""

WINDOWS = (3, 5, 9, 15, 23)
"""Sides of the windows whose votes are counted, in cells."""

FLAT_ZEROS = 60
"""A cell with this many of 63 coefficients near zero on some grid is flat or clipped: it fits every grid."""

NEAR_ZERO = 0.5
"""What rounding to whole pixels leaves of a coefficient that was zero."""


SOFTNESS = 1 / 3
"""Share of the last step up to which a coefficient is small: a sixth to two thirds were tried on train photos."""

MIN_LOG_CHANCE = -690.0
"""Natural log of 1e-300: rarer chances underflow to minus infinity, and rarer than that is all the same."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Votes for block grids.

    Attributes:
        votes: (h, w) int8, the grid each cell votes for as 8 * y + x, -1 for none.
        cell_px: distance of cells in pixels.
        offset_px: (y, x) of the grid with most votes, 0..7 each; None where no grid has more votes than chance gives.
        share: part of the voting cells that agree with it, 0..1.
    """

    votes: NDArray[np.int8]
    cell_px: int
    offset_px: tuple[int, int] | None
    share: float


@dataclass(frozen=True, eq=False)
class ForeignGrid:
    """The window that most clearly votes for a grid of its own.

    Attributes:
        log10_nfa: log10 of the number of such windows expected by chance in a picture like this; below -2 is rare.
        offset_px: (y, x) of its grid, 0..7 each.
        density: (h, w) float32 0..1, share of the cells around each cell that vote for this grid.
    """

    log10_nfa: float
    offset_px: tuple[int, int]
    density: NDArray[np.float32]


def find_grid(luma: NDArray[np.float32], steps: NDArray[np.float32]) -> Grid:
    """Let the cells of a picture vote.

    Args:
        luma: (H, W) float32 0..255 in stored orientation, at least 24 pixels a side.
        steps: (64,) float32 of the last quantization, 1 for pictures that are not JPEGs.

    Source:
        Nikoukhah et al., ZERO: a local JPEG grid origin detector based on the number of DCT zeros, IPOL 2021; votes
        here count small coefficients softly, which also shows grids under a later, finer quantization.
    """
    height, width = luma.shape
    cell = max(8, int(np.ceil(np.sqrt(height * width / N_CELLS) / 8)) * 8)
    rows, columns = np.arange(0, height - 15, cell), np.arange(0, width - 15, cell)
    wanted = (columns[:, None] + np.arange(8)).ravel()
    # The noise of the last quantization hides what is smaller: it counts as zero.
    softness = np.maximum(steps[1:] * SOFTNESS, NEAR_ZERO)
    votes = np.empty((len(rows), len(columns)), np.int8)
    for i, row in enumerate(rows):
        blocks = sliding_window_view(luma[row : row + 15], (8, 8))[:, wanted]
        blocks = blocks.reshape(8, len(columns), 8, 64).transpose(1, 0, 2, 3).reshape(-1, 64)
        votes[i] = _vote(blocks @ dct_basis()[:, 1:], softness)
    valid = int((votes >= 0).sum())
    counts = np.bincount(votes[votes >= 0].astype(int), minlength=64)
    best = int(counts.argmax())
    log_chance = float(_log_chance(counts[best], valid, 1 / 64)) if valid else 0.0
    chance = log_chance / np.log(10) + np.log10(64)
    offset = divmod(best, 8) if chance < -2 and counts[best] > 0.05 * valid else None
    return Grid(votes, cell, offset, float(counts[best]) / max(valid, 1))


def foreign_grid(grid: Grid, own_px: tuple[int, int] | None) -> ForeignGrid:
    """Find the window that votes for one grid other than the picture's far more often than the rest does.

    Args:
        grid: votes of the picture.
        own_px: (y, x) of the grid that every part has, such as (0, 0) in a JPEG; None where there is none.

    Source:
        a-contrario validation as in ZERO, with the share that each grid has in the whole picture, where that is more
        than 1/64, as its chance.
    """
    valid = (grid.votes >= 0).astype(np.float32)
    counts = np.bincount(grid.votes[grid.votes >= 0].astype(int), minlength=64)
    chance = np.clip(1.5 * counts / max(int(valid.sum()), 1), 1 / 64, 1.0)
    sides = [side for side in WINDOWS if 2 * side <= min(valid.shape)]
    n_tests = 63 * valid.size * max(len(sides), 1)
    own = -1 if own_px is None else 8 * own_px[0] + own_px[1]
    best, found, size = 0.0, 0, 3
    for side in sides:
        n = _box(valid, side)
        for k in np.flatnonzero(counts >= 4):
            if k == own:
                continue
            hits = _box((grid.votes == k).astype(np.float32), side)
            at = np.argpartition((hits - n * chance[k]).ravel(), -20)[-20:] if hits.size > 20 else np.arange(hits.size)
            tail = _log_chance(hits.ravel()[at], np.rint(n.ravel()[at]), chance[k])
            if float(tail.min()) < best:
                best, found, size = float(tail.min()), int(k), side
    density = _box((grid.votes == found).astype(np.float32), size) / np.maximum(_box(valid, size), 1)
    return ForeignGrid(best / np.log(10) + np.log10(n_tests), divmod(found, 8), density.astype(np.float32))


def _log_chance(hits: ArrayLike, n: ArrayLike, chance: float) -> NDArray[np.float64]:
    """Natural log of the chance of at least so many hits in n draws, never below MIN_LOG_CHANCE."""
    hits = np.asarray(hits, np.float64)
    # The upper tail of a binomial distribution; `scipy.stats` has it too, and takes half a second to be imported.
    tail = np.where(hits > 0, betainc(np.maximum(hits, 1), np.maximum(n - hits, 0) + 1, chance), 1.0)
    return np.maximum(np.log(np.maximum(tail, np.finfo(float).tiny)), MIN_LOG_CHANCE)


def _vote(coefficients: NDArray[np.float32], softness: NDArray[np.float32]) -> NDArray[np.int8]:
    """(n * 64, 63) coefficients of n cells on 64 grids -> (n,) votes."""
    power = np.square(coefficients)
    flat = (power < NEAR_ZERO**2).sum(axis=1).reshape(-1, 64).max(axis=1) >= FLAT_ZEROS
    power /= np.square(softness)
    size = np.log1p(power, out=power).sum(axis=1).reshape(-1, 64)
    vote = np.asarray(size.argmin(axis=1), np.int8)
    two = np.partition(size, 1, axis=1)[:, :2]
    vote[flat | (two[:, 0] == two[:, 1])] = -1
    return vote


def _box(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    box = cv2.boxFilter(values, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(np.rint(box), np.float32)
