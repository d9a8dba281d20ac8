"""Splices: a part of another picture is pasted into a photo. The pasted part has a history of its own.

Traces rest on that history: the part went through another compression, another scaling, another camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from generators import forgeries
from generators.base import FakeBatch, Family
from generators.forgeries import Forgery
from generators.images import Images, Pixels
from generators.launder import draw

AREAS = (0.02, 0.2)
"""Least and largest share of the photo that is replaced."""


class Splice:
    """Pastes an object-shaped part of a donor."""

    name: ClassVar[str] = "splice"
    about: ClassVar[str] = (
        "A part is pasted into a photo: of another photo where one is given, else of the photo itself, mirrored and "
        "washed (scaled, coded anew)."
    )
    family: ClassVar[Family] = Family.FORGERY
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = forgeries.MIN_SIDE
    card: ClassVar[None] = None

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`. The donor never is a neighbour in the batch, as no fake may depend on those."""

        def paste(photo: Pixels, place: int, rng: np.random.Generator) -> Forgery:
            donor = draw("wild", seed=int(rng.integers(1 << 31)))(np.ascontiguousarray(photo[:, ::-1]))
            return _paste(photo, donor, rng, "from its own mirror image")

        return forgeries.forge_each(self.name, sources, paste, seed=seed)

    def forge_from(self, sources: Images, donors: Sequence[Pixels], *, seed: int) -> FakeBatch:
        """Paste parts of other photos.

        Args:
            sources: as for `forge`.
            donors: one for each source, (H, W, 3) uint8 of any size.
            seed: as for `forge`.

        Raises:
            ValueError: there are more or fewer donors than sources, or one of them is too small.
        """
        if len(donors) != len(sources):
            raise ValueError(f"{len(donors)} donors for {len(sources)} sources")

        def paste(photo: Pixels, place: int, rng: np.random.Generator) -> Forgery:
            return _paste(photo, donors[place], rng, "from another photo")

        return forgeries.forge_each(self.name, sources, paste, seed=seed)


def _paste(photo: Pixels, donor: Pixels, rng: np.random.Generator, origin: str) -> Forgery:
    area = float(rng.uniform(*AREAS))
    forged = forgeries.splice(photo, donor, seed=int(rng.integers(1 << 31)), area=area)
    return Forgery(forged.pixels, forged.mask, forged.origin, f"splice {origin}, {forged.mask.mean():.1%} of the area")
