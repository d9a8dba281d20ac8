"""What the semantic reading looks at: class token and mean patch token of five blocks, of the whole picture in small.

On sources held out of training, the whole picture told the classes better than overlapping crops of it (AUROC 0.919 and
0.906), and blocks 6 to 10 together better than block 8 alone (0.877 and 0.836).
"""

from __future__ import annotations

import math
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detectors.last_picture import once_a_picture
from detectors.vision_tower import SIDE_PX, WIDTH, Tokens
from generators.images import Pixels

BLOCKS = (6, 7, 8, 9, 10)
N_FEATURES = len(BLOCKS) * 2 * WIDTH

Features = NDArray[np.float32]
"""(N_FEATURES,) float32: for each block its class token, then the mean of its patch tokens."""


PATCH_SHARE = 0.5
"""Of the variance of all standardised features, the part of the mean patch tokens: half of the features are theirs."""


def spread(patch_share: float) -> Features:
    """(N_FEATURES,) standard deviations that give patch tokens a share of the variance, all of it being N_FEATURES."""
    by_part = np.sqrt(2 * np.array([1 - patch_share, patch_share], np.float32))
    return np.tile(np.repeat(by_part, WIDTH), len(BLOCKS))


class Tower(Protocol):
    """What turns pictures into tokens; `vision_tower.VisionTower` is the real one."""

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """Tokens after each of BLOCKS of pictures (N, s, s, 3) of any side that `vision_tower.grid_seen` takes."""
        ...


@once_a_picture
def whole_picture(pixels: Pixels, side_px: int = SIDE_PX) -> NDArray[np.uint8]:
    """Shrink or enlarge a picture to (1, side_px, side_px, 3), sides alike: cutting would hide its borders."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"pixels must be (H, W, 3) uint8, not {pixels.shape} {pixels.dtype}")
    small = Image.fromarray(pixels).resize((side_px, side_px), Image.Resampling.BICUBIC, reducing_gap=4.0)
    return np.asarray(small)[None]


def tokens_of(tower: Tower, pixels: Pixels, side_px: int = SIDE_PX) -> tuple[Tokens, ...]:
    """Tokens of one picture after each of BLOCKS, shrunk or enlarged to that side."""
    return tower.tokens(whole_picture(pixels, side_px))


def features_of(tokens: tuple[Tokens, ...]) -> Features:
    """Join the tokens of one picture to its features."""
    parts = [part for block in tokens for part in (block[0, 0], block[0, 1:].mean(axis=0))]
    return np.concatenate(parts).astype(np.float32)


def patch_readings(tokens: tuple[Tokens, ...], weights: Features) -> NDArray[np.float32]:
    """What each patch adds to a linear reading of the features.

    Args:
        tokens: of one picture.
        weights: of the reading.

    Returns:
        (g, g) float32, g patches in a row; their mean is the patches' whole part of the reading.
    """
    shares = weights.reshape(len(BLOCKS), 2, WIDTH)[:, 1]
    total = np.sum([block[0, 1:] @ share for block, share in zip(tokens, shares, strict=True)], axis=0)
    return np.asarray(total, np.float32).reshape(math.isqrt(len(total)), -1)


def patch_map(tokens: tuple[Tokens, ...], weights: Features) -> NDArray[np.float32]:
    """The map that is drawn, (g, g) float32: `patch_readings`, each the middle one of those around.

    Single tokens of smooth places stand for the whole picture and would shine out.

    Source:
        Darcet et al., "Vision transformers need registers", ICLR 2024.
    """
    return np.asarray(cv2.medianBlur(patch_readings(tokens, weights), 3), np.float32)
