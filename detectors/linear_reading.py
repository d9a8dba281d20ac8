"""A calibrated linear reading: fitted with whole sources held out, calibrated on what it says of those.

The folds' readings are averaged, which for linear ones is again one. Slope, bounds and thresholds come from held-out
scores alone, so that a reading that does not carry over to other sources says little, by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.calibration import fit_llr
from detectors.held_out import TAIL, llr_range, sets, thresholds
from detectors.probe import root_weights
from detectors.reading import Floats, Reading, probability

N_TAIL = 5
"""Examples of a class that a bound of the ratio rests on at least: one odd clip of fifty must not decide."""


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
    return calibrated(weights, float(np.mean([b for _, b in fits])), held_out, labels, sources, judged)


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


def calibrated(
    weights: Floats,
    bias: float,
    held_out: Floats,
    labels: NDArray[np.int64],
    sources: Sequence[str],
    judged: NDArray[np.bool_],
) -> Fitted:
    """Put a reading on the scale of natural log odds, by what it says of sources that it did not see.

    Args:
        weights, bias: of the reading as it was fitted.
        held_out: (N,) what it, or its like without a fold, says of pictures that were not fitted on.
        labels: (N,) 1 fake, 0 real.
        sources: N names.
        judged: (N,) rows that slope, bounds and thresholds rest on.
    """
    y, names = labels[judged], [source for source, chosen in zip(sources, judged, strict=True) if chosen]
    model = fit_llr(["logit"], held_out[judged, None], y, names, fitted_on="", signs=[1])
    slope, shift = model.line
    on_scale = held_out * slope + shift
    weight = root_weights(y, names)
    tails = max(TAIL, N_TAIL / (y == 0).sum()), max(TAIL, N_TAIL / (y == 1).sum())
    low, high = llr_range(on_scale[judged], y, weight, tails)
    reading = Reading((weights * slope).astype(np.float32), bias * slope + shift, low, high)
    judged_scores = probability(on_scale[judged]).astype(np.float32)
    return Fitted(reading, on_scale, thresholds(judged_scores, y, weight), sets(judged_scores, y, weight))
