"""The shape of a generator: pictures in, labelled fakes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from generators.images import Images, Masks
from generators.weights import ModelCard


class Family(StrEnum):
    """What kind of fake it is, in the words of the detectors' data lists."""

    GAN = "gan"
    AUTOENCODER = "autoencoder"
    SUPER_RESOLUTION = "super_resolution"
    INPAINTING = "inpainting"
    FACE = "face"
    FORGERY = "forgery"
    LAUNDERING = "laundering"


@dataclass(frozen=True, eq=False)
class FakeBatch:
    """Fakes of one generator.

    Attributes:
        images: (N, 3, H, W) float32 RGB 0..1.
        masks: (N, 1, H, W) float32, 1 where a pixel was made or changed, 0 where it is the source's, bit for bit.
        recipes: for each fake what was done, in words and numbers.
        generator: written name of the generator.
        seed: of the first fake; fake i of the batch is that of `seed + i`.
    """

    images: Images
    masks: Masks
    recipes: tuple[str, ...]
    generator: str
    seed: int

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.shape[1] != 3 or self.images.dtype != np.float32:
            raise ValueError(f"fakes must be (N, 3, H, W) float32, not {self.images.shape} {self.images.dtype}")
        if self.images.size and not (self.images.min() >= 0 and self.images.max() <= 1):
            raise ValueError("fakes must lie within 0 and 1 and be finite")
        n, _, height, width = self.images.shape
        if self.masks.shape != (n, 1, height, width) or self.masks.dtype != np.float32:
            raise ValueError(f"masks must be {(n, 1, height, width)} float32, not {self.masks.shape}")
        if not np.isin(self.masks, (0, 1)).all():
            raise ValueError("masks hold 0 and 1 and nothing between")
        if len(self.recipes) != n:
            raise ValueError(f"{len(self.recipes)} recipes for {n} fakes")

    def __len__(self) -> int:
        return len(self.images)


class Generator(Protocol):
    """Makes fakes. Same sources, same seed: same pixels.

    Made without arguments; weights are read when they are first needed. A missing extra is an ImportError that names
    it, weights that are not the card's a ValueError.

    Attributes:
        name: written name in the catalogue.
        about: what it makes, in one plain sentence.
        family: what kind of fake it is.
        needs_sources: whether sources are altered or rebuilt; if not, only their number counts.
        min_side_px: smallest side of a source; of what is made, where no source is needed.
        card: where the weights come from; None where nothing was trained.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    family: ClassVar[Family]
    needs_sources: ClassVar[bool]
    min_side_px: ClassVar[int]

    @property
    def card(self) -> ModelCard | None: ...

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """Make one fake of each source.

        Args:
            sources: (N, 3, H, W) float32 RGB 0..1, real photos of one size; left as they are.
            seed: fake i is the one that source i alone gives with `seed + i`, up to a rounding step of 8 bits.

        Returns:
            N fakes of the sources' size; where no source is needed, of the generator's own.

        Raises:
            ValueError: a source is smaller than `min_side_px` or leaves 0..1, or the batch is none.
        """
        ...


def blank(n: int) -> Images:
    """Sources for a generator that needs none: (n, 3, 1, 1) zeros."""
    return np.zeros((n, 3, 1, 1), np.float32)


def everywhere(images: Images) -> Masks:
    """(N, 1, H, W) of ones: every pixel was made."""
    return np.ones((len(images), 1, *images.shape[2:]), np.float32)


def check_sources(sources: Images, min_side_px: int) -> None:
    """Complain about sources that break the contract of `forge`.

    Raises:
        ValueError: what was wanted and what came.
    """
    if sources.ndim != 4 or sources.shape[1] != 3 or sources.dtype != np.float32:
        raise ValueError(f"sources must be (N, 3, H, W) float32, not {sources.shape} {sources.dtype}")
    if sources.size and not (sources.min() >= 0 and sources.max() <= 1):
        raise ValueError("sources must lie within 0 and 1 and be finite")
    if min(sources.shape[2:]) < min_side_px:
        raise ValueError(f"sources need at least {min_side_px} pixels a side, got {sources.shape[2:]}")


def randomness(seed: int, n: int) -> Iterator[np.random.Generator]:
    """One random state for each fake of a batch, so that no fake depends on its neighbours."""
    return (np.random.default_rng(seed + i) for i in range(n))


def keep_outside(images: Images, sources: Images, masks: NDArray[np.float32]) -> Images:
    """The fakes inside their masks, the sources bit for bit outside: (N, 3, H, W)."""
    return np.where(masks > 0, images, sources).astype(np.float32)
