"""Aligned fakes by somebody else's up-sampler, such as ESRGAN for TensorFlow.js, whose weights the user brings."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from generators.base import FakeBatch, Family, check_sources, everywhere, randomness
from generators.extras import needs
from generators.images import Images
from generators.weights import ModelCard

TILE_PX = 384
"""Such a network keeps all its maps, and concatenates them, at the small size."""


class OutsideUpsampler:
    """Shrinks whole photos and grows them again with a network that others trained.

    Not in the catalogue, since it needs weights that do not ship. It keeps the rules of a generator all the same.

    Args:
        model: a `model.json` with its weights beside it, see `generators.restoration.layer_graph`.

    Attributes:
        card: says that the weights are not ours, with the hash of the model's files.

    Raises:
        ImportError: the extra `learned` is not installed.
        OSError, ValueError: a file is missing, or is no such network's.
    """

    name: ClassVar[str] = "superres-outside"
    about: ClassVar[str] = "A photo shrunk and grown again by an up-sampler whose weights the user brings."
    family: ClassVar[Family] = Family.SUPER_RESOLUTION
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = 64

    def __init__(self, model: Path) -> None:
        with needs("learned"):
            from generators.restoration.layer_graph import read_layers
        self._network, sha256 = read_layers(model)
        # The file is called model.json everywhere; its folders say what it is.
        called = "-".join(model.absolute().parent.parts[-2:])
        self.card = ModelCard(
            name=self.name,
            version=called,
            task=f"A photo in; the photo, shrunk {self._network.factor} times a side and grown again, out.",
            data={"unknown": 0},
            limits="Whatever its makers say.",
            licence="That of the weights, which the user brings.",
            sha256=sha256,
        )
        self._recipe = f"grown again by {called}"

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`. The seed draws the kernel that a photo is shrunk with."""
        from generators.restoration.rebuilding import through_small_size
        from generators.restoration.tasks import KERNELS

        check_sources(sources, self.min_side_px)
        images, recipes = np.empty_like(sources), []
        for i, random in enumerate(randomness(seed, len(sources))):
            kernel = KERNELS[int(random.integers(len(KERNELS)))]
            images[i] = through_small_size(self._network, sources[i], kernel, TILE_PX)
            recipes.append(f"shrunk {self._network.factor} times a side ({kernel}) and {self._recipe}")
        return FakeBatch(images, everywhere(images), tuple(recipes), self.name, seed)
