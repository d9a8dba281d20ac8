"""Aligned fakes: the same photo through the bottleneck of an autoencoder that learned against a discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from generators.base import FakeBatch, Family, check_sources, everywhere, randomness
from generators.extras import needs
from generators.images import Images
from generators.weights import ZOO, ModelCard, read_card

if TYPE_CHECKING:
    from generators.restoration.networks import Autoencoder

MIN_SIDE_PX = 32
"""Smaller photos leave the bottleneck a handful of places."""


class _Reconstruct:
    """Rebuilds whole photos. The seed draws how strong the noise on the latents is, and the noise."""

    name: ClassVar[str]
    family: ClassVar[Family] = Family.AUTOENCODER
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = MIN_SIDE_PX
    factor: ClassVar[int]

    @property
    def card(self) -> ModelCard:
        """Where the weights come from."""
        return read_card(ZOO / f"{self.name}-1.card.json")

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`."""
        check_sources(sources, self.min_side_px)
        with needs("learned"):
            from generators.restoration.networks import LATENT_NOISE
            from generators.restoration.rebuilding import through_bottleneck
        network = self._network()
        images, recipes = np.empty_like(sources), []
        for i, rng in enumerate(randomness(seed, len(sources))):
            strength = float(rng.uniform(0, LATENT_NOISE))
            images[i] = through_bottleneck(network, sources[i], strength, rng)
            recipes.append(f"rebuilt from latents {self.factor} times smaller a side with noise of {strength:.3f}")
        return FakeBatch(images, everywhere(images), tuple(recipes), self.name, seed)

    def _network(self) -> Autoencoder:
        from generators.restoration.networks import Autoencoder
        from generators.restoration.shipped import network_of

        return network_of(Autoencoder, self.factor, f"{self.name}-1")


class ReconstructF4(_Reconstruct):
    """Latents of 1/4 the side: most detail comes back."""

    name: ClassVar[str] = "reconstruct-f4"
    about: ClassVar[str] = "A photo rebuilt pixel by pixel by an autoencoder whose latents are 4 times smaller a side."
    factor: ClassVar[int] = 4


class ReconstructF8(_Reconstruct):
    """Latents of 1/8 the side, as latent diffusion has them: fine detail is made up."""

    name: ClassVar[str] = "reconstruct-f8"
    about: ClassVar[str] = "A photo rebuilt pixel by pixel by an autoencoder whose latents are 8 times smaller a side."
    factor: ClassVar[int] = 8
