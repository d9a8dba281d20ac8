"""What tells a made clip: what its frames show, and how evenly their places change from one frame to the next.

Eight frames over the length go through the CLIP tower. Three things are read apart and added up at equal spread: the
mean class token, which says how the clip looks; how much single places change (first differences) and how unevenly
(second ones), both divided by how much the clip moves at all: cameras shake, models glide; and what a reading of single
pictures, learned from thousands of photos and fakes, says of the frames on average.

docs/detectors.md says what each is worth, and what else was tried.

Source:
    Zheng et al., "D3: Training-free AI-generated video detection using second-order features", ICCV 2025.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.probe import Probe
from detectors.token_features import BLOCKS, N_FEATURES, Tower, features_of, tokens_of
from detectors.vision_tower import WIDTH
from generators.images import Pixels

BLOCK = 8
PLACE = BLOCKS.index(BLOCK)
"""Of the block whose tokens are looks and changes, among those that the shared tower gives out."""

MIN_FRAMES = 4
"""Fewer have no second difference worth its name."""

MOMENTS = np.arange(8) / 7
"""Of the frames that are looked at, shares of the clip."""

STILL = 0.02
"""Added to the mean size of changes, 0.04 to 0.14 in nine clips of ten: what stands still must not divide by 0."""

N_SEEN = N_FEATURES + 2 * WIDTH
"""Numbers that a clip leaves: `features_of` its frames, and their changes."""

LOOKS = slice(2 * PLACE * WIDTH, (2 * PLACE + 1) * WIDTH)
"""Of what is seen: the mean class token of BLOCK."""

GROUPS = (slice(0, WIDTH), slice(WIDTH, 3 * WIDTH), slice(3 * WIDTH, 3 * WIDTH + 1))
"""Of the features, each read by itself: looks, changes, and the frames as single pictures."""

Floats: TypeAlias = NDArray[np.float32]


def chosen(n_frames: int) -> tuple[int, ...]:
    """Which of so many frames are looked at: none twice."""
    return tuple(sorted({round(share * (n_frames - 1)) for share in MOMENTS.tolist()}))


def seen(tower: Tower, frames: Sequence[Pixels]) -> Floats:
    """What the tower sees of a clip.

    Args:
        tower: gives the tokens of pictures.
        frames: MIN_FRAMES at least, in order, spread evenly.

    Returns:
        (N_SEEN,) float32: the mean over frames of what `features_of` gives, then the changes of BLOCK.
    """
    tokens = [tokens_of(tower, frames[i]) for i in chosen(len(frames))]
    looks = np.mean([features_of(of_frame) for of_frame in tokens], axis=0)
    patches = np.array([of_frame[PLACE][0, 1:] for of_frame in tokens])  # (n, GRID * GRID, WIDTH)
    return np.concatenate([looks, changes(patches)]).astype(np.float32)


def changes(patches: Floats) -> Floats:
    """Mean sizes of first and second differences over time of each place, beside how much all of it changes.

    Args:
        patches: (n, places, WIDTH) in order.

    Returns:
        (2 * WIDTH,) float32.
    """
    first, second = (np.abs(np.diff(patches, order, axis=0)).mean(axis=(0, 1)) for order in (1, 2))
    return np.asarray(np.concatenate([first, second]) / (first.mean() + STILL), np.float32)


def features(clips: Floats, pictures: Probe) -> Floats:
    """What the reading of clips rests on.

    Args:
        clips: (N, N_SEEN).
        pictures: a reading of single pictures.

    Returns:
        (N, 3 * WIDTH + 1) float32, see GROUPS.
    """
    as_pictures = pictures.logits(clips[:, :N_FEATURES])
    return np.column_stack([clips[:, LOOKS], clips[:, N_FEATURES:], as_pictures]).astype(np.float32)
