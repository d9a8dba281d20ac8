"""The trained GANs as generators: latents in, pictures out, no source needed."""

from __future__ import annotations

import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from generators.base import FakeBatch, Family, check_sources, everywhere, randomness
from generators.extras import needs
from generators.images import Images
from generators.weights import ZOO, ModelCard, load, read_card

if TYPE_CHECKING:
    from generators.gan.networks import Synthesis

BATCH = 8
"""Latents at once, always those of the same seeds together: a network adds up floats in an order that depends on its
batch, and half of the pictures made one by one had a pixel a step of 8 bits from those made by sixteen. Batches of 16
were no faster than these."""


class GanSampler:
    """Draws pictures from a trained generator; what ships are its subclasses, `folder` is for weights of one's own.

    Args:
        folder: holds the weights and their card.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    stem: ClassVar[str]
    family: ClassVar[Family] = Family.GAN
    needs_sources: ClassVar[bool] = False
    min_side_px: ClassVar[int] = 64

    def __init__(self, folder: Path = ZOO) -> None:
        self._folder = folder

    @cached_property
    def card(self) -> ModelCard:
        """Where the weights come from and how good they are."""
        return read_card(self._folder / f"{self.stem}.card.json")

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """Draw as many pictures as there are sources; see `Generator.forge`.

        Returns:
            N fakes of the generator's own size, wholly synthetic: all of each mask is 1. A seed gives the same bits in
            every batch.
        """
        check_sources(sources, 1)
        first, side = seed // BATCH * BATCH, self.min_side_px
        n_drawn = -(-(seed + len(sources) - first) // BATCH) * BATCH if len(sources) else 0
        draws = [random.standard_normal(self.latent, dtype=np.float32) for random in randomness(first, n_drawn)]
        painted = self._paint(np.stack(draws)) if draws else np.zeros((0, 3, side, side), np.float32)
        images = np.ascontiguousarray(painted[seed - first :][: len(sources)])
        recipes = tuple(f"{self.name}, latent drawn with seed {seed + i}" for i in range(len(images)))
        return FakeBatch(images, everywhere(images), recipes, self.name, seed)

    @property
    def latent(self) -> int:
        """Width of the latent."""
        return int(self.card.settings["latent"])

    def network(self) -> Synthesis:
        """A copy of the trained network, frozen: (N, latent) normal -> (N, 3, S, S), about -1..1."""
        return copy.deepcopy(self._network)

    def _paint(self, latents: NDArray[np.float32]) -> Images:
        network = self._network
        import torch

        with torch.inference_mode():
            parts = [network(part) for part in torch.split(torch.from_numpy(latents), BATCH)]
            painted: Images = torch.cat(parts).add(1).div(2).clamp(0, 1).numpy()
        return painted

    @cached_property
    def _network(self) -> Synthesis:
        with needs("learned"):
            import torch

            from generators.gan.networks import Synthesis
            from generators.runs import first_weights
        tensors, card = load(self.stem, self._folder)
        s = card.settings
        with first_weights(0):  # which come from the global random state otherwise, and that is not ours to move
            network = Synthesis(s["side_px"], s["g_channels"], s["latent"], s["g_tail"])
        try:
            network.load_state_dict({name: torch.from_numpy(t.astype(np.float32)) for name, t in tensors.items()})
        except RuntimeError as error:
            raise ValueError(f"{self.stem} does not fit the network that its card describes") from error
        return network.eval().requires_grad_(False)


class Face64(GanSampler):
    """Faces of 64 pixels."""

    name = "face-64"
    stem = "face-64-1"
    about = "Faces that nobody has, 64 pixels a side."


class Photo64(GanSampler):
    """Small photos of 64 pixels."""

    name = "photo-64"
    stem = "photo-64-1"
    about = "Small scenes, animals and things, 64 pixels a side."
