"""Washed clips and what is read of them, cut once: all frames of a clip go through one chain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from detectors.clip_features import MIN_FRAMES, ClipParts, Look, parts_of
from detectors.data import Example, Reader
from detectors.washed_views import chain
from generators.launder import Fit

MAX_SIDE_PX = 640
"""Longer frames are shrunk before they are washed: clips come at all sizes, and size must not tell."""


@dataclass(frozen=True, eq=False)
class ClipViews:
    """Every view of every clip.

    Attributes:
        parts: N lists of V views, all mild: a codec has washed the clip before.
        examples: the N clips; those that could not be read, or have too few frames, are left out.
        unread: why, a line each.
    """

    parts: tuple[tuple[ClipParts, ...], ...]
    examples: tuple[Example, ...]
    unread: tuple[str, ...]


def cut_clips(
    look: Look,
    examples: Sequence[Example],
    *,
    n_views: int,
    seed: int,
    reader: Reader,
    cache: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> ClipViews:
    """Look at every clip after n_views mild washes.

    Args:
        look: gives the tokens of a picture.
        examples: clips.
        n_views: of each.
        seed: of the washes.
        reader: of the frames of a clip, spread evenly.
        cache: folder that keeps what was read; None keeps nothing.
        progress: called with the number of views done since the last call.
    """
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    kept, unread = [], []
    for example in examples:
        try:
            kept.append((example, _views(look, example, n_views, seed, reader, cache)))
        except ValueError as error:
            unread.append(str(error))
        if progress is not None:
            progress(n_views)
    return ClipViews(tuple(parts for _, parts in kept), tuple(example for example, _ in kept), tuple(unread))


def _views(
    look: Look, example: Example, n_views: int, seed: int, reader: Reader, cache: Path | None
) -> tuple[ClipParts, ...]:
    numbers = range(1, 2 * n_views, 2)  # of mild views
    known = [_cached(cache, example, view, seed) for view in numbers]
    if all(parts is not None for parts in known):
        return tuple(parts for parts in known if parts is not None)
    frames = [Fit(MAX_SIDE_PX)(pixels) for pixels in reader(example)]
    if len(frames) < MIN_FRAMES:
        raise ValueError(f"{example.path} has {len(frames)} frames, too few")
    found = []
    for view, parts in zip(numbers, known, strict=True):
        if parts is None:
            wash = chain(example, view, seed)
            parts = parts_of(look, [wash(pixels) for pixels in frames])
            _keep(cache, example, view, seed, parts)
        found.append(parts)
    return tuple(found)


def _place(cache: Path, example: Example, view: int, seed: int) -> Path:
    key = f"clip {example.path.name} {example.path.stat().st_size} {example.crop} {view} {seed}"
    return cache / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"


def _cached(cache: Path | None, example: Example, view: int, seed: int) -> ClipParts | None:
    if cache is None or not (path := _place(cache, example, view, seed)).is_file():
        return None
    with np.load(path, allow_pickle=False) as kept:
        return ClipParts(**{name: kept[name].astype(np.float32) for name in kept.files})


def _keep(cache: Path | None, example: Example, view: int, seed: int, parts: ClipParts) -> None:
    if cache is None:
        return
    path = _place(cache, example, view, seed)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **asdict(parts))
    part.replace(path)
