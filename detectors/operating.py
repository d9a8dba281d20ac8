"""What a threshold costs on a measured set: photos taken for fakes, fakes missed, at any threshold, with intervals.

Whole sources are redrawn within each class, as in `detectors.metrics.bootstrap`, but once for all thresholds: a
resample is a count for each picture, so that a share is a product of matrices and a slider answers at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors import metrics
from detectors.metrics import Interval
from generators.shares import share

Counts = NDArray[np.float32]
"""(B, N): how often each picture was drawn in each resample."""

N_RESAMPLES = 1000

LEVEL = 0.95


@dataclass(frozen=True)
class Rate:
    """A share of pictures.

    Attributes:
        n_found, n: so many out of so many.
        value: the share, 0..1.
        interval: 95 %; see `Operating.reached`.
    """

    n_found: int
    n: int
    value: float
    interval: Interval


class Operating:
    """A set under one condition, redrawn.

    Args:
        labels: (N,) 1 fake, 0 real; both must occur.
        scores: (N,) 0..1.
        sources: N names.
        seed: of the resamples.
        n_resamples: how many.

    Raises:
        ValueError: a class is missing, or lengths differ.
    """

    def __init__(
        self,
        labels: ArrayLike,
        scores: ArrayLike,
        sources: Sequence[str],
        *,
        seed: int = 0,
        n_resamples: int = N_RESAMPLES,
    ) -> None:
        y, s = np.asarray(labels), np.asarray(scores, np.float64)
        if y.shape != s.shape or len(y) != len(sources) or not {0, 1} <= set(y.tolist()):
            raise ValueError(f"wants labels of both classes, scores and sources alike, got {y.shape}, {s.shape}")
        rng = np.random.default_rng(seed)
        names = np.asarray(sources)
        self._scores = {label: s[y == label] for label in (0, 1)}
        self._drawn = {label: redrawn(names[y == label], rng, n_resamples) for label in (0, 1)}

    @property
    def real(self) -> NDArray[np.float64]:
        """(n,) scores of the reals."""
        return self._scores[0]

    @property
    def fake(self) -> NDArray[np.float64]:
        """(n,) scores of the fakes."""
        return self._scores[1]

    def false_positives(self, thresholds: ArrayLike) -> tuple[Rate, ...]:
        """Share of the reals at or over each threshold."""
        return self.reached(0, thresholds)

    def misses(self, thresholds: ArrayLike) -> tuple[Rate, ...]:
        """Share of the fakes under each threshold."""
        return tuple(
            Rate(r.n - r.n_found, r.n, 1 - r.value, Interval(1 - r.interval.high, 1 - r.interval.low))
            for r in self.reached(1, thresholds)
        )

    def reached(self, label: int, thresholds: ArrayLike) -> tuple[Rate, ...]:
        """Share of a class at or over each threshold.

        The interval is the wider one, end by end, of the bootstrap over sources and of Wilson's for pictures that have
        nothing to do with each other: where no picture is over a threshold, none is in any resample, and a bootstrap
        alone would be sure of it.

        Args:
            label: 1 for the fakes, 0 for the reals.
            thresholds: (T,) or one.
        """
        scores, drawn = self._scores[label], self._drawn[label]
        hit = scores[:, None] >= np.atleast_1d(np.asarray(thresholds, np.float64))  # (n, T)
        shares = drawn @ hit.astype(np.float32) / drawn.sum(1, keepdims=True)  # (B, T)
        low, high = np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        found = []
        for column, n_found in enumerate(hit.sum(0).tolist()):
            own = share(n_found, len(scores))
            ends = min(own.low, float(low[column])), max(own.high, float(high[column]))
            found.append(Rate(n_found, len(scores), own.value, Interval(*ends)))
        return tuple(found)

    def auroc(self) -> tuple[float, Interval]:
        """Chance that a fake scores higher than a real, with its interval over resamples of sources."""
        labels = np.r_[np.zeros(len(self.real), np.int64), np.ones(len(self.fake), np.int64)]
        value = metrics.auroc(labels, np.r_[self.real, self.fake])
        above = np.sign(self.fake[:, None] - self.real[None]).astype(np.float32) / 2 + np.float32(0.5)  # (n, m)
        sums = ((self._drawn[1] @ above) * self._drawn[0]).sum(1)
        areas = sums / (self._drawn[1].sum(1) * self._drawn[0].sum(1))
        low, high = np.quantile(areas, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return value, Interval(float(low), float(high))


def redrawn(sources: NDArray[np.str_], rng: np.random.Generator, n_resamples: int) -> Counts:
    """Draw whole sources with replacement; pictures, where all are of one source.

    Args:
        sources: (N,) names.
        rng: random state.
        n_resamples: B.

    Returns:
        (B, N) counts.

    Source:
        Field, Welsh, JRSS B 2007.
    """
    _, place = np.unique(sources, return_inverse=True)
    n_groups = int(place.max()) + 1
    if n_groups == 1:
        place, n_groups = np.arange(len(sources)), len(sources)
    picked = rng.integers(0, n_groups, (n_resamples, n_groups))
    counts = np.zeros((n_resamples, n_groups), np.float32)
    np.add.at(counts, (np.arange(n_resamples)[:, None], picked), 1)
    return np.ascontiguousarray(counts[:, place])
