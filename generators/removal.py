"""Removals: a part of a photo is filled from its surroundings, without any training (Telea 2004)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from generators import forgeries
from generators.base import FakeBatch, Family
from generators.forgeries import Forgery
from generators.images import Images, Pixels

AREAS = (0.01, 0.08)
"""Least and largest share of the photo that is removed: larger holes are smeared for everybody to see."""


class Removal:
    """Removes an object-shaped part."""

    name: ClassVar[str] = "removal"
    about: ClassVar[str] = "A part of a photo is removed: filled from its surroundings, without any training."
    family: ClassVar[Family] = Family.FORGERY
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = forgeries.MIN_SIDE
    card: ClassVar[None] = None

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`."""
        return forgeries.forge_each(self.name, sources, _remove, seed=seed)


def _remove(photo: Pixels, place: int, rng: np.random.Generator) -> Forgery:
    return forgeries.removal(photo, seed=int(rng.integers(1 << 31)), area=float(rng.uniform(*AREAS)))
