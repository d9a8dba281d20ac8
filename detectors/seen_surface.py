"""The surface of training pictures as a detector sees them: washed, then shrunk to the tower's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from detectors.bias import Surface, washed_surface
from detectors.data import Example, Reader
from detectors.kept_views import KeptViews
from detectors.vision_tower import SIDE_PX
from detectors.washed_views import MAX_SIDE_PX, chain
from generators.images import Pixels
from generators.launder import Fit

VIEW = 1
"""The first mild view of a picture, see `detectors.washed_views.chain`."""


def seen_surface(pixels: Pixels, example: Example, seed: int) -> Surface:
    """The surface of a picture (H, W, 3) uint8 after the wash of its first mild view."""
    wash = chain(example.path.name, VIEW, seed)
    return washed_surface(Fit(MAX_SIDE_PX)(pixels), wash, example.content, side_px=SIDE_PX)


def seen_surfaces(examples: Sequence[Example], *, seed: int, cache: Path | None, reader: Reader) -> tuple[Surface, ...]:
    """The surfaces of pictures, and of the frames of clips that the view is taken from.

    Args:
        examples: that can be read.
        seed: of the washes.
        cache: folder that keeps them; None keeps nothing.
        reader: of examples.

    Raises:
        ValueError: one cannot be read.
    """
    kept = KeptViews(cache, seed, what="surface", ending=".npz")
    return tuple(_surface(example, seed, kept, reader) for example in examples)


def _surface(example: Example, seed: int, kept: KeptViews, reader: Reader) -> Surface:
    known = kept.get(example, VIEW)
    if known is not None:
        # What is shown is said by the lists, which may have changed.
        return replace(Surface(**{name: known[name].item() for name in known}), content=example.content)
    surface = seen_surface(reader(example)[0], example, seed)
    kept.put(example, VIEW, {field.name: np.array(getattr(surface, field.name)) for field in fields(Surface)})
    return surface
