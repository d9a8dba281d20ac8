"""What a detector's held-out scores are worth: bounds of its ratio, thresholds and conformal bars, for its card."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors import conformal
from detectors.calibration import MAX_LLR
from detectors.metrics import auroc, bootstrap, tpr_at_fpr
from detectors.probe import weighted_quantile

Floats = NDArray[np.float64]

RATES = (0.01, 0.05)
"""False-positive rates that thresholds are stated for."""

TAIL = 0.01
"""Share of a class that a bound of the ratio rests on: 25 photos and 10 fakes of what `synthetic` learned from."""


def llr_range(
    logits: Floats, labels: NDArray[np.int64], weight: Floats, tails: tuple[float, float] = (TAIL, TAIL)
) -> tuple[float, float]:
    """Bounds of the log10 likelihood ratio: what the farthest hundredth of either class was worth on held-out sources.

    A fitted curve runs on where there are no examples any more. Generators that were not seen have fakes at the very
    bottom of the scale, so that a low score can never acquit by more than they allow.

    Args:
        logits, labels, weight: (N,) of held-out pictures.
        tails: shares of reals and of fakes to go by instead.

    Returns:
        The lower bound, at most 0, and the upper one, at least 0.
    """
    fake, real = labels == 1, labels == 0

    def share(chosen: NDArray[np.bool_], within: NDArray[np.bool_]) -> float:
        # One more on either side keeps a tail that happens to be empty from being worth anything without bound.
        return float((weight[within & chosen].sum() + weight[within].mean()) / weight[within].sum())

    top = weighted_quantile(logits[real], weight[real], tails[0])
    bottom = -weighted_quantile(-logits[fake], weight[fake], tails[1])
    floor = np.log10(share(logits <= bottom, fake) / share(logits <= bottom, real))
    ceiling = np.log10(share(logits >= top, fake) / share(logits >= top, real))
    return max(min(float(floor), 0.0), -MAX_LLR), min(max(float(ceiling), 0.0), MAX_LLR)


def thresholds(
    scores: NDArray[np.floating], labels: NDArray[np.int64], weight: Floats, rates: Sequence[float] = RATES
) -> dict[str, float]:
    """Rate -> the score that this share of the weight of real ones reaches.

    Args:
        scores: (N,) 0..1.
        labels, weight: (N,).
        rates: shares of the real ones.
    """
    real = labels == 0
    return {str(rate): round(float(weighted_quantile(scores[real], weight[real], rate)), 6) for rate in rates}


def sets(scores: NDArray[np.floating], labels: NDArray[np.int64], weight: Floats) -> dict[str, tuple[float, float]]:
    """Conformal bars of the scores, see `detectors.conformal.bars`."""
    return {str(conformal.ERROR): conformal.bars(scores, labels, weight)}


def figures(what: str, logits: Floats, labels: NDArray[np.int64], sources: Sequence[str]) -> dict[str, float]:
    """AUROC with its interval over redrawn sources, and the share found at 5 % false positives.

    Args:
        what: the pictures in words; each figure's name begins with it.
        logits, labels: (N,) of sources that were not fitted on.
        sources: N names.
    """
    between = bootstrap(auroc, labels, logits, seed=0, sources=sources, n_resamples=500)
    found = {
        f"{what}, AUROC": auroc(labels, logits),
        f"{what}, AUROC, 95 % interval from": between.low,
        f"{what}, AUROC, 95 % interval to": between.high,
        f"{what}, TPR at 5 % FPR": tpr_at_fpr(labels, logits, 0.05),
    }
    return {name: round(value, 4) for name, value in found.items()}
