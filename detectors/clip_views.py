"""Washed clips and what is read of them, cut once: all frames of a clip go through one chain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.clip_features import MIN_FRAMES, Floats, Look, class_tokens
from detectors.data import Example, Reader
from detectors.washed_views import chain
from generators.launder import Fit

MAX_SIDE_PX = 640
"""Longer frames are shrunk before they are washed: clips come at all sizes, and size must not tell."""


@dataclass(frozen=True, eq=False)
class ClipViews:
    """Every view of every clip.

    Attributes:
        tokens: (N, V, 4, WIDTH) class tokens; all views are mild, since a codec has washed the clip before.
        examples: the N clips; those that could not be read, or have too few frames, are left out.
        unread: why, a line each.
    """

    tokens: Floats
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
    return ClipViews(
        np.array([tokens for _, tokens in kept], np.float32), tuple(example for example, _ in kept), tuple(unread)
    )


def _views(look: Look, example: Example, n_views: int, seed: int, reader: Reader, cache: Path | None) -> list[Floats]:
    numbers = range(1, 2 * n_views, 2)  # of mild views
    known = [_cached(cache, example, view, seed) for view in numbers]
    if all(tokens is not None for tokens in known):
        return [tokens for tokens in known if tokens is not None]
    frames = [Fit(MAX_SIDE_PX)(pixels) for pixels in reader(example)]
    if len(frames) < MIN_FRAMES:
        raise ValueError(f"{example.path} has {len(frames)} frames, too few")
    found = []
    for view, tokens in zip(numbers, known, strict=True):
        if tokens is None:
            wash = chain(example, view, seed)
            tokens = class_tokens(look, [wash(pixels) for pixels in frames])
            _keep(cache, example, view, seed, tokens)
        found.append(tokens)
    return found


def _place(cache: Path, example: Example, view: int, seed: int) -> Path:
    key = f"clip, class tokens {example.path.name} {example.path.stat().st_size} {example.crop} {view} {seed}"
    return cache / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"


def _cached(cache: Path | None, example: Example, view: int, seed: int) -> Floats | None:
    if cache is None or not (path := _place(cache, example, view, seed)).is_file():
        return None
    kept: Floats = np.load(path, allow_pickle=False)
    return kept


def _keep(cache: Path | None, example: Example, view: int, seed: int, tokens: Floats) -> None:
    if cache is None:
        return
    path = _place(cache, example, view, seed)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, tokens, allow_pickle=False)
    part.replace(path)
