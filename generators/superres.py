"""Aligned fakes: the same photo shrunk, and grown again by an up-sampler that learned against a discriminator."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from generators.base import Family
from generators.restoration.rebuilt import Rebuilt


class _Superres(Rebuilt):
    """Shrinks and grows whole photos. The seed draws the kernel that they are shrunk with."""

    family: ClassVar[Family] = Family.SUPER_RESOLUTION

    def rebuild(self, photo: NDArray[np.float32], random: np.random.Generator) -> tuple[NDArray[np.float32], str]:
        """See `Rebuilt.rebuild`."""
        from generators.restoration.networks import Upsampler
        from generators.restoration.rebuilding import through_small_size
        from generators.restoration.shipped import network_of
        from generators.restoration.tasks import KERNELS

        kernel = KERNELS[int(random.integers(len(KERNELS)))]
        image = through_small_size(network_of(Upsampler, self.factor, self.stem, self.folder), photo, kernel)
        return image, f"shrunk {self.factor} times a side ({kernel}) and grown again"


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
