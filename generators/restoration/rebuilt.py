"""What the generators that rebuild whole photos share. PyTorch is imported when a photo is rebuilt."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from generators.base import FakeBatch, Family, check_sources, everywhere, randomness
from generators.extras import needs
from generators.images import Images
from generators.weights import ZOO, ModelCard, read_card

MIN_SIDE_PX = 32
"""Smaller photos leave a bottleneck a handful of places."""


class Rebuilt:
    """Rebuilds every pixel of a photo; its subclasses say how.

    Args:
        folder: holds the weights and their card.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    family: ClassVar[Family]
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = MIN_SIDE_PX
    factor: ClassVar[int]

    def __init__(self, folder: Path = ZOO) -> None:
        self.folder = folder

    @property
    def card(self) -> ModelCard:
        """Where the weights come from."""
        return read_card(self.folder / f"{self.stem}.card.json")

    @property
    def stem(self) -> str:
        """Of the weight file."""
        return f"{self.name}-1"

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`."""
        check_sources(sources, self.min_side_px)
        images, recipes = np.empty_like(sources), []
        with needs("learned"):
            for i, random in enumerate(randomness(seed, len(sources))):
                images[i], recipe = self.rebuild(sources[i], random)
                recipes.append(recipe)
        return FakeBatch(images, everywhere(images), tuple(recipes), self.name, seed)

    def rebuild(self, photo: NDArray[np.float32], random: np.random.Generator) -> tuple[NDArray[np.float32], str]:
        """One photo (3, H, W) rebuilt, and what was done to it.

        Raises:
            ImportError: the extra "learned" is not installed.
        """
        raise NotImplementedError
