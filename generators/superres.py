"""Aligned fakes: the same photo shrunk, and grown again by an up-sampler that learned against a discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from generators.base import FakeBatch, Family, check_sources, everywhere, randomness
from generators.extras import needs
from generators.images import Images
from generators.weights import ZOO, ModelCard, read_card

if TYPE_CHECKING:
    from generators.restoration.networks import Upsampler


class _Superres:
    """Shrinks and grows whole photos. The seed draws the kernel that they are shrunk with."""

    name: ClassVar[str]
    family: ClassVar[Family] = Family.SUPER_RESOLUTION
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = 32
    factor: ClassVar[int]

    @property
    def card(self) -> ModelCard:
        """Where the weights come from."""
        return read_card(ZOO / f"{self.name}-1.card.json")

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`."""
        check_sources(sources, self.min_side_px)
        with needs("learned"):
            from generators.restoration.rebuilding import through_small_size
            from generators.restoration.tasks import KERNELS
        network = self._network()
        images, recipes = np.empty_like(sources), []
        for i, rng in enumerate(randomness(seed, len(sources))):
            kernel = KERNELS[int(rng.integers(len(KERNELS)))]
            images[i] = through_small_size(network, sources[i], kernel)
            recipes.append(f"shrunk {self.factor} times a side ({kernel}) and grown again")
        return FakeBatch(images, everywhere(images), tuple(recipes), self.name, seed)

    def _network(self) -> Upsampler:
        from generators.restoration.networks import Upsampler
        from generators.restoration.shipped import network_of

        return network_of(Upsampler, self.factor, f"{self.name}-1")


class SuperresX2(_Superres):
    """Three of four pixels are made up."""

    name: ClassVar[str] = "superres-x2"
    about: ClassVar[str] = "A photo shrunk to half its side and grown again by a network."
    factor: ClassVar[int] = 2


class SuperresX4(_Superres):
    """Fifteen of sixteen pixels are made up."""

    name: ClassVar[str] = "superres-x4"
    about: ClassVar[str] = "A photo shrunk to a quarter of its side and grown again by a network."
    factor: ClassVar[int] = 4
