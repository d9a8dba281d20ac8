"""What tells a swapped face: its inside and its rim do not go together, in texture, colour, light or shape.

One middle block of the CLIP tower sees the crop in 14 by 14 cells. Its tokens are averaged inside the face, along its
border and outside of it; what is read are these averages and how far they lie apart. The class token, which says whose
face it is and how it was taken, was worth nothing on held-out blends.

On faces of sources held out of training, with the same washes, block 8 told self-blends at an AUROC of 0.88, block 6 at
0.85, block 4 at 0.82, early maps of EfficientNet-Lite0 at 0.80; joining them with block 8 was worth nothing.

Source:
    Li et al., "Face X-ray for more general face forgery detection", CVPR 2020: a swap leaves a border between two
    sources, whatever made the face.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.vision_tower import GRID, WIDTH, Tokens

Floats: TypeAlias = NDArray[np.float32]
Look: TypeAlias = Callable[[NDArray[np.uint8]], Tokens]
"""Tokens (1, 1 + GRID * GRID, WIDTH) after BLOCK of a picture (1, SIDE_PX, SIDE_PX, 3)."""

BLOCK = 8
"""One that the shared tower gives out, and can end after: what lies behind it is a fifth of the work."""

MIDDLE, RADII = (6.5, 7.0), (4.2, 5.0)
"""Of a face from brows to chin, across and down, in cells of a crop."""
INSIDE, OUTSIDE = 0.75, 1.2
"""Of these radii: the border lies between."""

PARTS = ("inside", "border", "outside")

N_FEATURES = 5 * WIDTH
N_CELL = 2 * WIDTH


def _regions() -> Floats:
    """(3, GRID * GRID) shares of each cell in the mean of each of PARTS."""
    y, x = np.mgrid[:GRID, :GRID]
    radius = np.hypot((x - MIDDLE[0]) / RADII[0], (y - MIDDLE[1]) / RADII[1])
    parts = np.stack([radius < INSIDE, (radius >= INSIDE) & (radius < OUTSIDE), radius >= OUTSIDE])
    shares = parts.reshape(3, -1).astype(np.float32)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)


REGIONS = _regions()


def means(tokens: Floats) -> Floats:
    """Mean tokens (3, WIDTH) of PARTS, of the tokens (1 + GRID * GRID, WIDTH) of one crop."""
    return np.asarray(REGIONS @ tokens[1:], np.float32)


def features(of_parts: NDArray[np.floating]) -> Floats:
    """What a reading of a face rests on.

    Args:
        of_parts: (3, WIDTH), see `means`.

    Returns:
        (N_FEATURES,) float32: the means, and the distances of inside from outside and from the border.
    """
    inside, border, outside = of_parts.astype(np.float32)
    return np.concatenate([inside, border, outside, np.abs(inside - outside), np.abs(inside - border)])


def cell_features(cells: NDArray[np.floating], outside: NDArray[np.floating]) -> Floats:
    """What a reading of places rests on: each cell, and its distance from the mean outside.

    Args:
        cells: (N, WIDTH) tokens of cells.
        outside: (WIDTH,) mean of those outside.

    Returns:
        (N, N_CELL) float32.
    """
    own = cells.astype(np.float32)
    return np.concatenate([own, np.abs(own - outside.astype(np.float32))], axis=1)
