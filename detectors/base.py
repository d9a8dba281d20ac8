"""The shape of a detector: pixels in, scores out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from generators.weights import ModelCard

Pictures: TypeAlias = NDArray[np.uint8] | Sequence[NDArray[np.uint8]]
"""(N, H, W, 3) uint8 RGB, or N pictures (H, W, 3) of any sizes."""

Maps: TypeAlias = NDArray[np.float32] | Sequence[NDArray[np.float32]]
"""(N, h, w) float32, or N maps (h, w) of any sizes."""


@dataclass(frozen=True)
class Spot:
    """A part of a picture with a score of its own, such as one of several faces.

    Attributes:
        x, y, width, height: whole pixels inside the picture.
        score: 0 real to 1 fake.
        label: what it is, in a word or two.
    """

    x: int
    y: int
    width: int
    height: int
    score: float
    label: str

    def __post_init__(self) -> None:
        if min(self.width, self.height) <= 0 or min(self.x, self.y) < 0 or not 0.0 <= self.score <= 1.0:
            raise ValueError(f"a spot needs a place, a size and a score within 0 and 1, not {self}")


@dataclass(frozen=True)
class Neighbour:
    """A training picture that lies close to the one that was scored; the picture itself does not ship.

    Attributes:
        is_fake: its label.
        source: where it is from, such as a repository.
        generator: what made it, "-" where nobody knows or nothing did.
        distance: in the features of the detector, 0 and up; only to be compared with other distances of it.
    """

    is_fake: bool
    source: str
    generator: str
    distance: float


@dataclass(frozen=True, eq=False)
class Scores:
    """What a detector says about a batch.

    Attributes:
        fake: (N,) float32, 0 real to 1 fake.
        llr: (N,) float32 log10 likelihood ratio, or None where the detector is not calibrated.
        heat: N float32 0..1 maps, each over the whole picture at any resolution, or None.
        abstained: for each picture why it cannot be judged, as a plain clause such as "it is smaller than 64 pixels",
            or None where it was; None when all were judged. The ratio of a picture that was not judged is 0.
        spots: for each picture its parts that have a score of their own, or None.
        neighbours: for each picture the training pictures next to it, the nearest first, or None.
    """

    fake: NDArray[np.float32]
    llr: NDArray[np.float32] | None = None
    heat: Maps | None = None
    abstained: tuple[str | None, ...] | None = None
    spots: tuple[tuple[Spot, ...], ...] | None = None
    neighbours: tuple[tuple[Neighbour, ...], ...] | None = None

    def __post_init__(self) -> None:
        if self.fake.ndim != 1:
            raise ValueError(f"fake scores must be (N,), not {self.fake.shape}")
        if self.fake.size and not (np.isfinite(self.fake).all() and self.fake.min() >= 0 and self.fake.max() <= 1):
            raise ValueError("fake scores must lie within 0 and 1")
        for name in ("llr", "heat", "abstained", "spots", "neighbours"):
            value = getattr(self, name)
            if value is not None and len(value) != len(self.fake):
                raise ValueError(f"{name} has {len(value)} rows for {len(self.fake)} scores")
        for values in self.heat if self.heat is not None else ():
            if values.ndim != 2 or not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
                raise ValueError("heat must be maps (h, w) within 0 and 1")
        if self.llr is None:
            return
        if self.llr.ndim != 1 or not np.isfinite(self.llr).all():
            raise ValueError(f"llr must be (N,) and finite, not {self.llr.shape}")
        for reason, llr in zip(self.reasons, self.llr, strict=True):
            if reason is not None and llr != 0:
                raise ValueError(f"a picture that was not judged ({reason}) has no ratio, not {llr}")

    @property
    def reasons(self) -> tuple[str | None, ...]:
        """For each picture why it was not judged, or None."""
        return self.abstained if self.abstained is not None else (None,) * len(self.fake)


class Detector(Protocol):
    """Scores pictures. Any split into batches gives the same answer.

    Made without arguments; weights are read when they are first needed. A missing extra is an ImportError that names
    it, weights that are not the card's a ValueError.

    Attributes:
        name: written name in the catalogue.
        card: where the weights come from, what a high score means and what they cannot do.
    """

    name: str
    card: ModelCard

    def score(self, images: Pictures) -> Scores:
        """Score a batch.

        Args:
            images: N pictures.

        Returns:
            N scores.
        """
        ...


@runtime_checkable
class SeesClips(Protocol):
    """What a detector has besides that looks at the frames of a clip together; its `score` of a picture abstains."""

    def score_clip(self, frames: Pictures) -> Scores:
        """Score one clip.

        Args:
            frames: in order, spread evenly over the clip.

        Returns:
            Scores of one row, which abstain where the frames are too few.
        """
        ...


@runtime_checkable
class Relearnable(Protocol):
    """What the class of a detector has besides whose weights can be learned anew: versions of it may be made."""

    @classmethod
    def of_version(cls, folder: Path, stem: str) -> Detector:
        """The detector with other weights than those that ship.

        Args:
            folder: holds `<stem>.safetensors` and `<stem>.card.json`.
            stem: name and version.
        """
        ...
