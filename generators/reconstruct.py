"""Aligned fakes: the same photo through the bottleneck of an autoencoder that learned against a discriminator."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from generators.base import Family
from generators.restoration.rebuilt import Rebuilt


class _Reconstruct(Rebuilt):
    """The seed draws how strong the noise on the latents is, and the noise."""

    family: ClassVar[Family] = Family.AUTOENCODER

    def rebuild(self, photo: NDArray[np.float32], random: np.random.Generator) -> tuple[NDArray[np.float32], str]:
        """See `Rebuilt.rebuild`."""
        from generators.restoration.networks import LATENT_NOISE, Autoencoder
        from generators.restoration.rebuilding import through_bottleneck
        from generators.restoration.shipped import network_of

        strength = float(random.uniform(0, LATENT_NOISE))
        image = through_bottleneck(
            network_of(Autoencoder, self.factor, self.stem, self.folder), photo, strength, random
        )
        return image, f"rebuilt from latents {self.factor} times smaller a side with noise of {strength:.3f}"


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
