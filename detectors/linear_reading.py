"""A calibrated linear reading: fitted with whole sources held out, calibrated on what it says of those.

The folds' readings are averaged, which for linear ones is again one. Slope, bounds and thresholds come from held-out
scores alone, so that a reading that does not carry over to other sources says little, by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors import conformal
from detectors.calibration import LOG10_E, fit_llr
from detectors.probe import root_weights, weighted_quantile
from detectors.training import RATES, TAIL, llr_range

N_TAIL = 5
"""Examples of a class that a bound of the ratio rests on at least: one odd clip of fifty must not decide."""

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


@dataclass(frozen=True, eq=False)
class Fitted:
    """A reading with what it says of sources that it did not see.

    Attributes:
        reading: calibrated.
        held_out: (N,) logits on its scale, each from the fold that did not see its source.
        thresholds: false-positive rate -> score, for a card.
        sets: conformal bars of the scores, for a card.
    """

    reading: Reading
    held_out: Floats
    thresholds: Mapping[str, float]
    sets: Mapping[str, tuple[float, float]]


def probability(logits: Floats) -> NDArray[np.float32]:
    """Scores 0..1 (N,) of natural log odds."""
    return (1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50)))).astype(np.float32)


def fit_reading(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    sources: Sequence[str],
    folds: NDArray[np.int64],
    *,
    regularization: float | Sequence[float],
    groups: Sequence[slice] = (slice(None),),
    calibrated_on: NDArray[np.bool_] | None = None,
    learned_from: NDArray[np.bool_] | None = None,
) -> Fitted:
    """Fit, hold out and calibrate.

    Args:
        features: (N, D).
        labels: (N,) 1 fake, 0 real.
        sources: N names; within its class one weighs by the root of its size.
        folds: (N,) numbers; rows of one number are held out together. Sources must not be torn.
        regularization: inverse strength on standardised features, one for each group.
        groups: parts of the features that are read by themselves; their readings are added up at equal spread, so that
            a large group does not drown a small one.
        calibrated_on: (N,) rows that slope, bounds and thresholds rest on; all if None.
        learned_from: (N,) rows that readings are fitted on; all if None.

    Raises:
        ValueError: too few sources for folds of both classes.
    """
    # It sets a variable of the environment as it is imported.
    from threadpoolctl import threadpool_limits

    learned = np.ones(len(labels), bool) if learned_from is None else learned_from
    judged = np.ones(len(labels), bool) if calibrated_on is None else calibrated_on
    strengths = [regularization] * len(groups) if isinstance(regularization, float) else list(regularization)
    held_out, fits = np.zeros(len(labels)), []
    with threadpool_limits(1):  # sums in another order would be other weights
        for fold in np.unique(folds):
            seen = (folds != fold) & learned
            if len(set(labels[seen])) < 2:
                raise ValueError(f"{len(set(sources))} sources are too few: both classes must be left without any one")
            names = [source for source, used in zip(sources, seen, strict=True) if used]
            weight = root_weights(labels[seen], names)
            weights, bias = _grouped(features[seen], labels[seen], weight, groups, strengths)
            held_out[folds == fold] = features[folds == fold].astype(np.float64) @ weights + bias
            fits.append((weights, bias))
    weights = np.mean([w for w, _ in fits], axis=0)
    return _calibrated(weights, float(np.mean([b for _, b in fits])), held_out, labels, sources, judged)


def _grouped(
    x: NDArray[np.float32], y: NDArray[np.int64], weight: Floats, groups: Sequence[slice], strengths: Sequence[float]
) -> tuple[Floats, float]:
    """Sum of the readings of each group, all of unit spread where there are several."""
    total, bias = np.zeros(x.shape[1]), 0.0
    for group, c in zip(groups, strengths, strict=True):
        weights, own = _fit(x[:, group], y, weight, c)
        spread = float((x[:, group].astype(np.float64) @ weights).std()) + 1e-9 if len(groups) > 1 else 1.0
        total[group] += weights / spread
        bias += own / spread
    return total, bias


def _fit(x: NDArray[np.float32], y: NDArray[np.int64], weight: Floats, c: float) -> tuple[Floats, float]:
    """Logistic regression on standardised features, folded back to the features as they are."""
    from sklearn.linear_model import LogisticRegression

    center, scale = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64) + 1e-6
    model = LogisticRegression(C=c, max_iter=1000).fit((x - center) / scale, y, sample_weight=weight)
    weights = model.coef_[0] / scale
    return weights, float(model.intercept_[0] - weights @ center)


def _calibrated(
    weights: Floats,
    bias: float,
    held_out: Floats,
    labels: NDArray[np.int64],
    sources: Sequence[str],
    judged: NDArray[np.bool_],
) -> Fitted:
    y, names = labels[judged], [source for source, chosen in zip(sources, judged, strict=True) if chosen]
    model = fit_llr(["logit"], held_out[judged, None], y, names, fitted_on="", signs=[1])
    slope = model.weights[0] / model.scale[0]
    shift = model.bias - slope * model.center[0]
    on_scale = held_out * slope + shift
    weight = root_weights(y, names)
    tails = max(TAIL, N_TAIL / (y == 0).sum()), max(TAIL, N_TAIL / (y == 1).sum())
    low, high = llr_range(on_scale[judged], y, weight, tails)
    reading = Reading((weights * slope).astype(np.float32), bias * slope + shift, low, high)
    real = y == 0
    bars = {str(rate): weighted_quantile(on_scale[judged][real], weight[real], rate) for rate in RATES}
    thresholds = {rate: round(float(probability(np.array(bar))), 6) for rate, bar in bars.items()}
    sets = {str(conformal.ERROR): conformal.bars(probability(on_scale[judged]), y, weight)}
    return Fitted(reading, on_scale, thresholds, sets)
