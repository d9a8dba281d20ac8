"""Copy-moves: a part of a photo is copied to another place in it, often turned and scaled."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from generators import forgeries
from generators.base import FakeBatch, Family
from generators.forgeries import Forgery
from generators.images import Images, Pixels

AREAS = (0.02, 0.12)
"""Least and largest share of the photo that is replaced."""
ANGLES_DEG = (-45.0, 45.0)
SCALES = (0.8, 1.25)
PLAIN_SHARE = 0.5
"""Share of plain copies: whoever hides something in grass or sky need not turn it."""


class CopyMove:
    """Copies a busy part of a photo over another part of it."""

    name: ClassVar[str] = "copy_move"
    about: ClassVar[str] = "A part of a photo is copied to another place in it, every second time turned and scaled."
    family: ClassVar[Family] = Family.FORGERY
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = forgeries.MIN_SIDE
    card: ClassVar[None] = None

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`."""
        return forgeries.forge_each(self.name, sources, _copy, seed=seed)


def _copy(photo: Pixels, place: int, rng: np.random.Generator) -> Forgery:
    area, own_seed = float(rng.uniform(*AREAS)), int(rng.integers(1 << 31))
    if rng.random() < PLAIN_SHARE:
        return forgeries.copy_move(photo, seed=own_seed, area=area)
    angle_deg, scale = float(rng.uniform(*ANGLES_DEG)), float(rng.uniform(*SCALES))
    return forgeries.copy_move(photo, seed=own_seed, area=area, angle_deg=round(angle_deg, 1), scale=round(scale, 2))
