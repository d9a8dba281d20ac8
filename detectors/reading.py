"""A calibrated linear reading as it ships: weights on features, and bounds of the ratio that they may state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.calibration import LOG10_E

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reading:
    """A linear reading on a scale of natural log odds at equal odds beforehand.

    Attributes:
        weights: (D,) float32.
        bias: added to features @ weights.
        low, high: bounds of the log10 likelihood ratio.
    """

    weights: NDArray[np.float32]
    bias: float
    low: float
    high: float

    def logits(self, features: NDArray[np.float32]) -> Floats:
        """(N,) of features (N, D)."""
        return np.asarray(features.astype(np.float64) @ self.weights.astype(np.float64) + self.bias)

    def llr(self, logits: Floats) -> NDArray[np.float32]:
        """Bounded log10 likelihood ratios (N,)."""
        return np.clip(logits * LOG10_E, self.low, self.high).astype(np.float32)

    @property
    def tensors(self) -> dict[str, NDArray[Any]]:
        """What is stored."""
        return {
            "weights": self.weights,
            "bias": np.array(self.bias, np.float64),
            "llr_range": np.array([self.low, self.high], np.float64),
        }

    @classmethod
    def of(cls, tensors: Mapping[str, NDArray[Any]]) -> Reading:
        """The reading of stored tensors."""
        low, high = tensors["llr_range"].tolist()
        return cls(tensors["weights"], tensors["bias"].item(), low, high)


def probability(logits: Floats) -> Floats:
    """Scores 0..1 (N,) of natural log odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50))), np.float64)
