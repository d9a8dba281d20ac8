"""Local fakes: a region of a photo filled by a network that learned against a discriminator, with its exact mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from generators.base import FakeBatch, Family, check_sources, keep_outside, randomness
from generators.extras import needs
from generators.forgeries import hole
from generators.images import Images
from generators.weights import ZOO, ModelCard, read_card

if TYPE_CHECKING:
    from generators.restoration.networks import Inpainter

AREAS = (0.01, 0.12)
"""Least and largest share of a photo that is filled."""

MAX_AREA_PX = 40 * 40
"""The network learned on holes of up to 2,000 pixels."""


class Inpaint:
    """Fills an object-shaped region."""

    name: ClassVar[str] = "inpaint"
    about: ClassVar[str] = "An object-shaped region of a photo filled by a network from its surroundings."
    family: ClassVar[Family] = Family.INPAINTING
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = 64

    @property
    def card(self) -> ModelCard:
        """Where the weights come from."""
        return read_card(ZOO / f"{self.name}-1.card.json")

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`. The seed draws outline, size and place of the region."""
        check_sources(sources, self.min_side_px)
        size = sources.shape[2], sources.shape[3]
        masks = np.zeros((len(sources), 1, *size), np.float32)
        for mask, rng in zip(masks, randomness(seed, len(sources)), strict=True):
            area = min(float(rng.uniform(*AREAS)), MAX_AREA_PX / (size[0] * size[1]))
            mask[0] = hole(size, area, rng)
        return self.repaint(sources, masks, seed=seed)

    def repaint(self, sources: Images, masks: NDArray[np.float32], *, seed: int = 0) -> FakeBatch:
        """Fill given regions; nothing is drawn.

        Args:
            sources: (N, 3, H, W) float32 RGB 0..1.
            masks: (N, 1, H, W) float32, 1 where to fill and 0 elsewhere. What is wider than 50 pixels is filled
                ring by ring, and smears towards its middle.
            seed: is only noted in what comes back.

        Raises:
            ValueError: masks that are not of the sources' size, or hold anything but 0 and 1.
        """
        check_sources(sources, self.min_side_px)
        if masks.shape != (len(sources), 1, *sources.shape[2:]) or not np.isin(masks, (0, 1)).all():
            wanted = (len(sources), 1, *sources.shape[2:])
            raise ValueError(
                f"masks must be {wanted} of 0 and 1, not {masks.shape} of {masks.min():g}..{masks.max():g}"
            )
        with needs("learned"):
            from generators.restoration.rebuilding import filled
        network = self._network()
        images = sources.copy()
        for image, source, mask in zip(images, sources, masks[:, 0] > 0, strict=True):
            if mask.any():
                image[:] = filled(network, source, mask)
        recipes = tuple(f"{mask.mean():.1%} of the picture filled by a network" for mask in masks)
        return FakeBatch(keep_outside(images, sources, masks), masks.astype(np.float32), recipes, self.name, seed)

    def _network(self) -> Inpainter:
        from generators.restoration.networks import Inpainter
        from generators.restoration.shipped import network_of

        return network_of(Inpainter, None, f"{self.name}-1")
