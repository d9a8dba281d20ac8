"""Sources that hold both classes, learned from once more about their own middle: what all their pictures show is gone.

A photo and a fake of one quiz, shop or game show the same kind of scene, in the same light, at the same size. What is
left of them beside the middle of their source is what tells them apart there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_LEAST = 20
"""Rows of each class that a source has at least: five pictures in four views, see `detectors.data.matched_sources`."""


@dataclass(frozen=True, eq=False)
class Contrasts:
    """Rows to be learned from beside those that they were made of.

    Attributes:
        rows: (M, D) float32; M is 0 where no source holds enough of both classes.
        labels: (M,) 1 fake, 0 real.
        weight: (M,) every source alike, and both classes of one alike.
    """

    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    weight: NDArray[np.float64]


def contrasts(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    sources: Sequence[str],
    weight: NDArray[np.float64],
    share: float,
) -> Contrasts:
    """The rows of every source with both classes, as differences to the middle between its classes' means.

    Args:
        features: (N, D) float32.
        labels: (N,) 1 fake, 0 real.
        sources: N names.
        weight: (N,) of the rows; within a class of a source the contrasts keep its proportions.
        share: what all contrasts weigh together, as a part of what all rows weigh.
    """
    names = np.asarray(sources)
    classes = [[(names == name) & (labels == label) for label in (0, 1)] for name in np.unique(names)]
    both = [pair for pair in classes if min(own.sum() for own in pair) >= N_LEAST]
    rows, chosen, part = [features[:0]], [np.zeros(0, np.int64)], [weight[:0]]
    for pair in both:
        real, fake = (np.average(features[own], axis=0, weights=weight[own]) for own in pair)
        for own in pair:
            rows.append(features[own] - ((real + fake) / 2).astype(np.float32))
            chosen.append(np.flatnonzero(own))
            part.append(weight[own] / weight[own].sum() / len(both) / 2)
    return Contrasts(np.concatenate(rows), labels[np.concatenate(chosen)], np.concatenate(part) * share * weight.sum())
