"""Washed photos: what networks, messengers and screenshots do to any picture. No fake by itself."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np

from generators.base import FakeBatch, Family, check_sources, everywhere, randomness
from generators.images import Images, Pixels, to_float, to_uint8
from generators.launder import MIN_SIDE_PX, PRESETS, Chain, draw

WASHES = tuple(name for name in PRESETS if name != "original")


class Launder:
    """Sends each photo through a chain of a preset, both drawn by its seed."""

    name: ClassVar[str] = "launder"
    about: ClassVar[str] = (
        "A photo as it comes back from a network, messenger or screenshot (JPEG, WebP, scaling, crop, blur, noise), "
        "at its old size; no fake by itself, wash reals and fakes alike."
    )
    family: ClassVar[Family] = Family.LAUNDERING
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = MIN_SIDE_PX
    card: ClassVar[None] = None

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`. What a chain made smaller is scaled back to the size of its source."""
        check_sources(sources, self.min_side_px)
        chains = [_drawn(rng) for rng in randomness(seed, len(sources))]
        photos = map(np.ascontiguousarray, to_uint8(sources))
        washed = [_at_old_size(chain, photo) for chain, photo in zip(chains, photos, strict=True)]
        images = to_float(np.stack(washed)) if washed else sources.copy()
        return FakeBatch(images, everywhere(images), tuple(map(_recipe, chains)), self.name, seed)


def _drawn(rng: np.random.Generator) -> Chain:
    return draw(str(rng.choice(WASHES)), seed=int(rng.integers(1 << 31)))


def _at_old_size(chain: Chain, photo: Pixels) -> Pixels:
    washed = chain(photo)
    if washed.shape == photo.shape:
        return washed
    height, width = photo.shape[:2]
    return np.asarray(cv2.resize(washed, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _recipe(chain: Chain) -> str:
    steps = [" ".join((type(step).__name__.lower(), *map(_short, vars(step).values()))) for step in chain.steps]
    return f"{chain.preset}: " + ", ".join(steps)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
