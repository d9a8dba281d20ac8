"""Washed clips and what is read of them, cut once: all frames of a clip go through one chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.clip_features import MIN_FRAMES, Floats, seen
from detectors.data import Example, Reader
from detectors.kept_views import ONLY, KeptViews
from detectors.token_features import Tower
from detectors.washed_views import chain
from generators.launder import Fit

MAX_SIDE_PX = 640
"""Longer frames are shrunk before they are washed: clips come at all sizes, and size must not tell."""


@dataclass(frozen=True, eq=False)
class ClipViews:
    """Every view of every clip.

    Attributes:
        seen: (N, V, N_SEEN) see `clip_features.seen`; all views are mild, since a codec has washed the clip before.
        examples: the N clips; those that could not be read, or have too few frames, are left out.
        unread: why, a line each.
    """

    seen: Floats
    examples: tuple[Example, ...]
    unread: tuple[str, ...]


def cut_clips(
    tower: Tower,
    examples: Sequence[Example],
    *,
    n_views: int,
    seed: int,
    reader: Reader,
    cache: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> ClipViews:
    """Look at every clip after the mild ones of n_views washes.

    Args:
        tower: gives the tokens.
        examples: clips.
        n_views: numbered as those of pictures are, so that the odd ones are mild; 2 at least.
        seed: of the washes.
        reader: of the frames of a clip, spread evenly.
        cache: folder that keeps what was read; None keeps nothing.
        progress: called with the number of views done since the last call.
    """
    keeper = KeptViews(cache, seed, what="clip, looks and changes")
    kept, unread = [], []
    for example in examples:
        try:
            kept.append((example, _views(tower, example, n_views, seed, reader, keeper)))
        except ValueError as error:
            unread.append(str(error))
        if progress is not None:
            progress(n_views)
    return ClipViews(
        np.array([views for _, views in kept], np.float32), tuple(example for example, _ in kept), tuple(unread)
    )


def _views(tower: Tower, example: Example, n_views: int, seed: int, reader: Reader, keeper: KeptViews) -> list[Floats]:
    numbers = range(1, n_views, 2)  # of mild views
    known = [keeper.get(example, view) for view in numbers]
    if None not in known:
        return [arrays[ONLY] for arrays in known if arrays is not None]
    frames = [Fit(MAX_SIDE_PX)(pixels) for pixels in reader(example)]
    if len(frames) < MIN_FRAMES:
        raise ValueError(f"{example.path} has {len(frames)} frames, too few")
    found = []
    for view, arrays in zip(numbers, known, strict=True):
        if arrays is None:
            wash = chain(example.path.name, view, seed)
            arrays = {ONLY: seen(tower, [wash(pixels) for pixels in frames])}
            keeper.put(example, view, arrays)
        found.append(arrays[ONLY])
    return found
