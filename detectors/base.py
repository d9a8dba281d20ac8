"""The shape of a detector: pixels in, scores out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from generators.weights import ModelCard


@dataclass(frozen=True, eq=False)
class Scores:
    """What a detector says about a batch.

    Attributes:
        fake: (N,) float32, 0 real to 1 fake.
        llr: (N,) float32 log10 likelihood ratio, or None where the detector is not calibrated.
        heat: (N, h, w) float32 0..1 maps over the whole picture, or None.
    """

    fake: NDArray[np.float32]
    llr: NDArray[np.float32] | None = None
    heat: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.fake.ndim != 1:
            raise ValueError(f"fake scores must be (N,), not {self.fake.shape}")
        if self.fake.size and not (np.isfinite(self.fake).all() and self.fake.min() >= 0 and self.fake.max() <= 1):
            raise ValueError("fake scores must lie within 0 and 1")
        for name, value in (("llr", self.llr), ("heat", self.heat)):
            if value is not None and len(value) != len(self.fake):
                raise ValueError(f"{name} has {len(value)} rows for {len(self.fake)} scores")


class Detector(Protocol):
    """Scores pictures. Any split into batches gives the same answer.

    Attributes:
        name: written name in the catalogue.
        card: where the weights come from and what they can and cannot do.
    """

    name: str
    card: ModelCard

    def score(self, images: NDArray[np.uint8] | Any) -> Scores:
        """Score a batch.

        Args:
            images: (N, H, W, 3) uint8 RGB, or anything numpy turns into it.

        Returns:
            N scores.
        """
        ...
