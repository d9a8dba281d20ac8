"""What tells a made clip: how its frames look, and how what they show changes from one to the next.

Frames go through the CLIP tower by themselves and four at a time, tiled to one picture. First differences of its tokens
over time say how much moves, second ones how evenly: cameras shake, models glide.

Sources:
    Zheng et al., "D3: Training-free AI-generated video detection using second-order features", ICCV 2025 (second
    differences of features); Xu et al., "TALL: Thumbnail layout for deepfake video detection", ICCV 2023 (tiles).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.token_features import whole_picture
from detectors.vision_tower import SIDE_PX, Tokens
from generators.images import Pixels

N_FRAMES = 8
"""Frames of a clip that are looked at, spread evenly."""

MIN_FRAMES = 4
"""Fewer have no second difference worth its name."""

N_LOOKS = 4
"""Frames that the tower sees by themselves: each second one."""

N_TILED = 4
"""Frames of one tile, two by two."""

SMALLEST_CHANGE = 1e-3
"""Added before the logarithm: what stands still."""

PARTS = ("looks", "steps", "tiles")
"""What is joined to features."""

Floats: TypeAlias = NDArray[np.float32]
Look: TypeAlias = Callable[[NDArray[np.uint8]], Tokens]
"""Tokens (1, 1 + GRID * GRID, WIDTH) of a picture (1, SIDE_PX, SIDE_PX, 3)."""


@dataclass(frozen=True, eq=False)
class ClipParts:
    """What is read of a clip.

    Attributes:
        looks: (N_LOOKS, 2, WIDTH) class token and mean patch token of single frames.
        steps: (2, WIDTH) mean size of first and second differences of patch tokens over time, place by place.
        tiles: (N_FRAMES / N_TILED, 2, WIDTH) class token and mean patch token of tiles.
    """

    looks: Floats
    steps: Floats
    tiles: Floats


def spread(frames: Sequence[Pixels]) -> list[Pixels]:
    """N_FRAMES of them, evenly; of a clip that has fewer some are taken twice."""
    return [frames[i] for i in np.linspace(0, len(frames) - 1, N_FRAMES).round().astype(int)]


def parts_of(look: Look, frames: Sequence[Pixels]) -> ClipParts:
    """Look at a clip.

    Args:
        look: gives the tokens of one picture.
        frames: MIN_FRAMES at least, in order, spread evenly.
    """
    small = [whole_picture(pixels)[0] for pixels in spread(frames)]
    tokens = np.stack([look(frame[None])[0] for frame in small[:: N_FRAMES // N_LOOKS]])  # (N_LOOKS, 197, WIDTH)
    tiles = [look(_tile(small[start : start + N_TILED]))[0] for start in range(0, N_FRAMES, N_TILED)]
    sizes = [np.abs(np.diff(tokens[:, 1:], order, axis=0)).mean(axis=(0, 1)) for order in (1, 2)]
    return ClipParts(_summed(tokens), np.asarray(sizes, np.float32), _summed(np.stack(tiles)))


def features(parts: ClipParts) -> Floats:
    """Join what was read of a clip to one row (D,) float32."""
    return np.concatenate([part(parts, name).ravel() for name in PARTS]).astype(np.float32)


def part(parts: ClipParts, name: str) -> Floats:
    """One part: means over time, and sizes of differences as logarithms, since motion is a matter of factors."""
    values: Floats = getattr(parts, name)
    return np.asarray(np.log(values + SMALLEST_CHANGE) if name == "steps" else values.mean(axis=0), np.float32)


def _summed(tokens: Tokens) -> Floats:
    """(N, 1 + P, WIDTH) -> (N, 2, WIDTH): class token and mean patch token."""
    return np.stack([tokens[:, 0], tokens[:, 1:].mean(axis=1)], axis=1)


def _tile(frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Four frames, shrunk to quarters of one picture (1, SIDE_PX, SIDE_PX, 3)."""
    half = [cv2.resize(frame, (SIDE_PX // 2, SIDE_PX // 2), interpolation=cv2.INTER_AREA) for frame in frames]
    return np.asarray(cv2.vconcat([cv2.hconcat(half[:2]), cv2.hconcat(half[2:])]), np.uint8)[None]
