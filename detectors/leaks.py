"""Finds pictures of one set that are in another one too: a detector is not judged on what it has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.data import Example, read_pixels
from detectors.perceptual_hash import MAX_DISTANCE_BITS, distances, packed, pdq


@dataclass(frozen=True)
class Leak:
    """A picture that is in both sets.

    Attributes:
        seen, held_out: the two files.
        distance_bits: of their perceptual hashes, 0..256; None for the very same file.
    """

    seen: Path
    held_out: Path
    distance_bits: int | None


def leaks(seen: Sequence[Example], held_out: Sequence[Example]) -> tuple[Leak, ...]:
    """Pairs of the same file, or of the same picture to the eye.

    Args:
        seen: what a detector learns from.
        held_out: what it is judged on. Clips, and what cannot be read, are compared by their bytes alone.

    Returns:
        For each held-out file its closest one, where that is close enough.
    """
    by_sha256 = {_sha256(example.path): example.path for example in seen}
    hashed = [(example.path, text) for example in seen if (text := _pdq(example)) is not None]
    hashes = np.array([packed(text) for _, text in hashed], np.uint8).reshape(-1, 32)
    found = []
    for example in held_out:
        same = by_sha256.get(_sha256(example.path))
        if same is not None:
            found.append(Leak(same, example.path, None))
            continue
        text = _pdq(example)
        if text is None or not len(hashes):
            continue
        apart = distances(hashes, text)
        nearest = int(apart.argmin())
        if apart[nearest] <= MAX_DISTANCE_BITS:
            found.append(Leak(hashed[nearest][0], example.path, int(apart[nearest])))
    return tuple(found)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pdq(example: Example) -> str | None:
    try:
        return None if example.is_video else pdq(read_pixels(example))
    except ValueError:
        return None
