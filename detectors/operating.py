"""What a threshold costs on a measured set: photos taken for fakes, fakes missed, at any threshold, with intervals.

Whole sources are redrawn within each class, as in `detectors.metrics.bootstrap`, but once for all thresholds: a
resample is a count for each picture, so that a share is a product of matrices and a slider answers at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors import metrics
from detectors.metrics import Interval
from generators.shares import share

Counts = NDArray[np.float32]
"""(B, N): how often each picture was drawn in each resample."""

N_RESAMPLES = 1000

ENDS = (0.025, 0.975)
"""Quantiles of a 95 % interval."""


@dataclass(frozen=True)
class Rate:
    """A share of pictures.

    Attributes:
        n_found, n: so many out of so many.
        value: the share, 0..1.
        interval: 95 %; see `Drawn.reached`.
    """

    n_found: int
    n: int
    value: float
    interval: Interval


class Drawn:
    """The pictures of one class, redrawn.

    Args:
        scores: (n,) 0..1.
        sources: n names.
        seed: of the resamples.
        n_resamples: how many.

    Raises:
        ValueError: there are none, or lengths differ.
    """

    def __init__(
        self,
        scores: ArrayLike,
        sources: Sequence[str],
        *,
        seed: int | tuple[int, ...] = 0,
        n_resamples: int = N_RESAMPLES,
    ) -> None:
        self.scores = np.asarray(scores, np.float64)
        if self.scores.shape != (len(sources),) or not len(sources):
            raise ValueError(f"wants scores and as many sources, got {self.scores.shape} and {len(sources)}")
        self.counts = redrawn(np.asarray(sources), np.random.default_rng(seed), n_resamples)

    def __len__(self) -> int:
        return len(self.scores)

    def reached(self, thresholds: ArrayLike) -> tuple[Rate, ...]:
        """Share at or over each threshold.

        The interval is the wider one, end by end, of the bootstrap over sources and of Wilson's for pictures that have
        nothing to do with each other: where no picture is over a threshold, none is in any resample, and a bootstrap
        alone would be sure of it.

        Args:
            thresholds: (T,) or one.
        """
        hit = self.scores[:, None] >= np.atleast_1d(np.asarray(thresholds, np.float64))  # (n, T)
        shares = self.counts @ hit.astype(np.float32) / self.counts.sum(1, keepdims=True)  # (B, T)
        low, high = np.quantile(shares, ENDS, axis=0)
        found = []
        for column, n_found in enumerate(hit.sum(0).tolist()):
            own = share(n_found, len(self))
            ends = min(own.low, float(low[column])), max(own.high, float(high[column]))
            found.append(Rate(n_found, len(self), own.value, Interval(*ends)))
        return tuple(found)


@dataclass(frozen=True, eq=False)
class Operating:
    """Reals and fakes under one condition.

    Attributes:
        real, fake: of either class; they may be shared with other sets, for each is redrawn by itself.
    """

    real: Drawn
    fake: Drawn

    @classmethod
    def of(cls, labels: ArrayLike, scores: ArrayLike, sources: Sequence[str], *, seed: int = 0) -> Operating:
        """From (N,) labels, 1 fake and 0 real, (N,) scores and N sources.

        Raises:
            ValueError: a class is missing, or lengths differ.
        """
        y, s, names = np.asarray(labels), np.asarray(scores), np.asarray(sources)
        if y.shape != s.shape or y.shape != names.shape or set(y.tolist()) != {0, 1}:
            raise ValueError(f"wants labels of both classes, scores and sources alike, got {y.shape}, {s.shape}")
        return cls(*(Drawn(s[y == label], names[y == label].tolist(), seed=(seed, label)) for label in (0, 1)))

    def false_positives(self, thresholds: ArrayLike) -> tuple[Rate, ...]:
        """Share of the reals at or over each threshold."""
        return self.real.reached(thresholds)

    def misses(self, thresholds: ArrayLike) -> tuple[Rate, ...]:
        """Share of the fakes under each threshold."""
        return tuple(
            Rate(r.n - r.n_found, r.n, 1 - r.value, Interval(1 - r.interval.high, 1 - r.interval.low))
            for r in self.fake.reached(thresholds)
        )

    @cached_property
    def areas(self) -> NDArray[np.float64]:
        """The area under the curve in each resample, (B,); two versions on the same draws can be compared by pairs."""
        fake, real = self.fake.scores, self.real.scores
        above = np.sign(fake[:, None] - real[None]).astype(np.float32) / 2 + np.float32(0.5)  # (n, m)
        pairs = ((self.fake.counts @ above) * self.real.counts).sum(1, dtype=np.float64)
        return np.asarray(pairs / (self.fake.counts.sum(1) * self.real.counts.sum(1)), np.float64)

    @cached_property
    def auroc(self) -> tuple[float, Interval]:
        """Chance that a fake scores higher than a real, with its interval over resamples of sources."""
        fake, real = self.fake.scores, self.real.scores
        labels = np.r_[np.zeros(len(real), np.int64), np.ones(len(fake), np.int64)]
        low, high = np.quantile(self.areas, ENDS)
        return metrics.auroc(labels, np.r_[real, fake]), Interval(float(low), float(high))

    def tpr(self, fpr: float) -> Rate:
        """Share of fakes found at the lowest threshold that at most a share of these reals reaches.

        Each resample finds its own threshold. The interval is widened by Wilson's, as in `Drawn.reached`.

        Args:
            fpr: 0..1.
        """
        order = np.argsort(-self.real.scores, kind="stable")
        counts = self.real.counts[:, order].cumsum(1)  # (B, m), reals from the highest score on
        over = counts > np.floor(fpr * counts[:, -1:] + 1e-9)
        reals = np.r_[np.nextafter(self.real.scores[order], np.inf), -np.inf]
        thresholds = reals[np.where(over.any(1), over.argmax(1), -1)]  # (B,)
        hit = self.fake.scores[None] >= thresholds[:, None]  # (B, n)
        shares = (self.fake.counts * hit).sum(1) / self.fake.counts.sum(1)
        low, high = np.quantile(shares, ENDS)
        own = metrics.threshold_at_fpr(self.real.scores, fpr)
        found = share(int((self.fake.scores >= own).sum()), len(self.fake))
        return Rate(
            found.n_found, found.n, found.value, Interval(min(found.low, float(low)), max(found.high, float(high)))
        )


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
