"""How a linear reading learns from a round without forgetting the ones before.

A reading is fitted by the cross-entropy to soft targets, weighted so that both classes and every source count, and is
held to the reading it began with: on standardised features, half the squared distance of the weights times the
strength. What the features are standardised with stays as it was when the race began (a network's batch statistics
would be frozen for the same reason: a round of fakes must not move what everything else is read with).

Source:
    Rebuffi et al., "iCaRL", CVPR 2017 (replay from a bounded memory with distillation); Li, Hoiem, "Learning without
    Forgetting", ECCV 2016 (the old network's opinions as targets).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.reading import probability

Floats = NDArray[np.float64]

MAX_ITERATIONS = 300


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear reading.

    Attributes:
        weights: (D,) float32.
        bias: natural log odds are `features @ weights + bias`.
    """

    weights: NDArray[np.float32]
    bias: float

    def logits(self, features: NDArray[np.floating]) -> Floats:
        """Readings (N,) of features (N, D)."""
        return np.asarray(features.astype(np.float32) @ self.weights + self.bias, np.float64)


@dataclass(frozen=True, eq=False)
class Standard:
    """What features are standardised with.

    Attributes:
        center, scale: (D,) float32.
    """

    center: NDArray[np.float32]
    scale: NDArray[np.float32]

    @classmethod
    def of(cls, features: NDArray[np.floating]) -> Standard:
        """Mean and spread of (N, D)."""
        return cls(
            features.mean(axis=0, dtype=np.float64).astype(np.float32),
            (features.std(axis=0, dtype=np.float64) + 1e-6).astype(np.float32),
        )


def learn(
    start: Linear | None,
    features: NDArray[np.floating],
    targets: Floats,
    weight: Floats,
    standard: Standard,
    *,
    strength: float,
) -> Linear:
    """Fit a reading.

    Args:
        start: what it begins with and is held to; None begins with nothing and is held to that.
        features: (N, D).
        targets: (N,) probabilities of fake, 0..1.
        weight: (N,), 0 and up.
        standard: of the features.
        strength: that holds it, per unit of the mean loss, above 0.

    Raises:
        ValueError: there is nothing to learn from, or a feature is no number.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    if not len(features) or not weight.sum() > 0:
        raise ValueError("there is nothing to learn from")
    rows = (features.astype(np.float32) - standard.center) / standard.scale
    if not np.isfinite(rows).all():
        raise ValueError("a feature is no number")
    share = (weight / weight.sum()).astype(np.float64)
    begin, held = _standardised(start, standard), np.ones(rows.shape[1] + 1)
    held[-1] = 0.0  # the bias is free

    def loss(point: Floats) -> tuple[float, Floats]:
        logits = (rows @ point[:-1].astype(np.float32)).astype(np.float64) + point[-1]
        away = (point - begin) * held
        value = float(share @ (np.logaddexp(0.0, logits) - targets * logits) + strength / 2 * (away @ away))
        slope = share * (probability(logits) - targets)
        gradient = np.r_[(slope.astype(np.float32) @ rows).astype(np.float64), slope.sum()] + strength * away
        return value, gradient

    with threadpool_limits(1):  # sums in another order would be other weights
        found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": MAX_ITERATIONS}).x
    weights = (found[:-1] / standard.scale).astype(np.float32)
    return Linear(weights, float(found[-1] - weights.astype(np.float64) @ standard.center))


def softened(labels: NDArray[np.int64], opinion: Floats, share: float) -> Floats:
    """Targets (N,): labels mixed with an earlier reading's opinion.

    Args:
        labels: (N,) 1 fake, 0 real.
        opinion: (N,) log odds of that reading.
        share: of the opinion, 0..1.
    """
    return (1 - share) * labels + share * probability(opinion)


def _standardised(start: Linear | None, standard: Standard) -> Floats:
    if start is None:
        return np.zeros(len(standard.center) + 1)
    weights = start.weights.astype(np.float64)
    bias = start.bias + float(weights @ standard.center)
    joined: Floats = np.r_[weights * standard.scale, bias]
    return joined
