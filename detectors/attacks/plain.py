"""Fakes of a built-in generator as pictures of 8 bits: what attacks start from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generators.base import blank
from generators.catalog import GENERATORS
from generators.images import Pixels, to_float, to_uint8

TUNING_SEED = 1_000_000
"""Fakes that attacks are tuned on are drawn from here on, far from the seeds of those that are forged later."""


def plain_fakes(generator: str, photos: Sequence[Pixels], *, seed: int) -> tuple[tuple[Pixels, ...], tuple[str, ...]]:
    """One fake for each photo, and how it was made.

    Args:
        generator: its name in the catalogue.
        photos: of one size; only their number counts where the generator needs no source.
        seed: fake i is that of seed + i.
    """
    if not photos:
        return (), ()
    made = GENERATORS.load(generator)()
    batch = made.forge(to_float(np.stack(photos)) if made.needs_sources else blank(len(photos)), seed=seed)
    return tuple(np.ascontiguousarray(pixels) for pixels in to_uint8(batch.images)), batch.recipes
