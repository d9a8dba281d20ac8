"""Conformal labels: *fake*, *photo* or *undecided*, with a stated share of each class that gets the wrong one.

Label-conditional split conformal prediction: a label is ruled out for a picture where at most a share of the held-out
pictures of that label look as strange. Where both remain, nothing is said. For two classes and one score that comes to
two bars on the score, which is all that ships; MAPIE's classifiers conform over both classes together and want an
estimator to ask, so that the few lines below are the simpler way to the stronger promise.

The promise holds for pictures that are drawn like the held-out ones. Sources are weighed as in training, because
pictures of one source resemble each other; a new source may still be of another kind.

Source:
    Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, 2005, chapter 4.5 (conditional on the label).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from generators.weights import ModelCard

ERROR = 0.05
"""Share of either class that may get the other one's label: one in twenty."""

N_DIGITS = 6
"""Of a bar on a card."""


class Label(StrEnum):
    """What may be said of a picture."""

    FAKE = "fake"
    PHOTO = "photo"
    UNDECIDED = "undecided"


def bars(scores: ArrayLike, labels: ArrayLike, weight: ArrayLike, error: float = ERROR) -> tuple[float, float]:
    """Where photos and fakes are ruled out.

    Args:
        scores: (N,) 0..1 of pictures that were not fitted on.
        labels: (N,) 1 fake, 0 real.
        weight: (N,) of each picture within its class.
        error: share of a class that may get the other one's label, 0..1.

    Returns:
        Two scores: at or under the first a picture is labelled a photo, at or over the second a fake. With too few
        pictures for the error they are 0 and 1, which hardly anything reaches.

    Raises:
        ValueError: a class is missing, or the error is no share.
    """
    s, y, w = np.asarray(scores, np.float64), np.asarray(labels), np.asarray(weight, np.float64)
    if not {0, 1} <= set(y.tolist()) or not 0.0 < error < 1.0:
        raise ValueError(f"wants both classes and an error between 0 and 1, not {sorted(set(y.tolist()))} and {error}")
    step = 10.0**-N_DIGITS
    high = math.ceil(min(_bar(s[y == 0], w[y == 0], error), 1.0) / step) * step
    low = math.floor(max(-_bar(-s[y == 1], w[y == 1], error), 0.0) / step) * step
    # Where the two would overlap, one bar keeps both promises.
    return round(max(min(low, high - step), 0.0), N_DIGITS), round(min(high, 1.0), N_DIGITS)


def _bar(scores: NDArray[np.float64], weight: NDArray[np.float64], error: float) -> float:
    """The lowest score that at most a share of the class reaches, a new picture of mean weight counted in."""
    order = np.argsort(-scores, kind="stable")
    own = weight.mean()
    reached = (np.cumsum(weight[order]) + own) / (weight.sum() + own)  # (N,) p-value at each score
    allowed = int(np.searchsorted(reached, error, side="right"))
    # With no score over the bar, the new picture alone must already be rare enough.
    if own / (weight.sum() + own) > error:
        return math.inf
    return float(np.nextafter(scores[order][allowed], np.inf)) if allowed < len(scores) else float(scores.min())


def label(card: ModelCard, score: float) -> tuple[Label, float] | None:
    """What a card lets one say of a score, and the share of errors; None of a card without bars."""
    if not card.sets:
        return None
    error, (low, high) = min((float(rate), bars) for rate, bars in card.sets.items())
    if score >= high:
        return Label.FAKE, error
    return (Label.PHOTO if score <= low else Label.UNDECIDED), error


def labels_of(card: ModelCard, scores: Sequence[float] | NDArray[np.float64]) -> tuple[Label, ...] | None:
    """The labels of many scores; None of a card without bars."""
    found = [label(card, float(score)) for score in scores]
    return None if None in found else tuple(one[0] for one in found if one is not None)


def in_words(error: float) -> str:
    """A share as "1 in 20"."""
    return f"1 in {round(1 / error)}"
