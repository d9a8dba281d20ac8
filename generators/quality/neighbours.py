"""What nearest neighbours say of a set of fakes: realism, variety, and training pictures learned by heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.quality.estimates import Figure, Floats, check_features, mean

K_PRECISION = 3
"""Kynkaanniemi et al. 2019."""
K_DENSITY = 5
"""Naeem et al. 2020."""
COPY_QUANTILE = 0.01
"""A fake nearer to a training picture than all but this share of new real pictures counts as a copy."""
CHUNK = 256
"""Rows compared with all others at once."""


@dataclass(frozen=True)
class Shape:
    """How two sets overlap; every interval is for other pictures of the set that the mean runs over.

    Attributes:
        precision: share of fakes inside the balls that reach from each real to its third nearest real.
        recall: share of reals inside such balls of the fakes.
        density: mean number of balls of reals (to the fifth nearest) that a fake lies in, over five; 1 for reals.
        coverage: share of reals that have a fake inside their ball.
        spread: mean distance between two fakes over that between two reals; near 0 if all fakes are one picture.
    """

    precision: Figure
    recall: Figure
    density: Figure
    coverage: Figure
    spread: Figure


@dataclass(frozen=True, eq=False)
class Memory:
    """How near fakes come to training pictures.

    Attributes:
        nearest: (N,) for each fake the number of the nearest training picture.
        ratio: (N,) its distance over the typical (median) one from a held-out real to its nearest training picture.
        mean_ratio: mean of them.
        copied: share of fakes nearer than the first percentile of held-out reals; about 0.01 if nothing is copied.
    """

    nearest: NDArray[np.int64]
    ratio: NDArray[np.float64]
    mean_ratio: Figure
    copied: Figure


def distances(a: Floats, b: Floats) -> NDArray[np.float64]:
    """(N, M) Euclidean distances of the rows of (N, D) and (M, D)."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squared = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1)[None] - 2 * (x @ y.T)
    return np.asarray(np.sqrt(np.clip(squared, 0, None)))


def shape(fakes: Floats, reals: Floats, rng: np.random.Generator) -> Shape:
    """Precision, recall, density, coverage and spread.

    Args:
        fakes, reals: (N, D) and (M, D) features, more than five each; sets of one size compare best.

    Raises:
        ValueError: there are fewer, or features are not finite.

    Source:
        Kynkaanniemi et al., Improved Precision and Recall Metric, NeurIPS 2019; Naeem et al., Reliable Fidelity and
        Diversity Metrics for Generative Models, ICML 2020.
    """
    if min(len(fakes), len(reals)) <= K_DENSITY:
        raise ValueError(f"more than {K_DENSITY} pictures of each set are wanted, not {len(fakes)} and {len(reals)}")
    check_features(fakes, reals)
    among_fakes, among_reals = _among(fakes), _among(reals)
    between = distances(fakes, reals)  # (N, M)
    real_reach, fake_reach = _reach(among_reals, K_PRECISION), _reach(among_fakes, K_PRECISION)
    ball = _reach(among_reals, K_DENSITY)
    apart = among_reals.sum() / (len(reals) * (len(reals) - 1))
    return Shape(
        precision=_share((between <= real_reach).any(axis=1), rng),
        recall=_share((between <= fake_reach[:, None]).any(axis=0), rng),
        density=mean((between < ball).sum(axis=1) / K_DENSITY, rng),
        coverage=_share(between.min(axis=0) < ball, rng),
        spread=_spread(among_fakes / max(apart, np.finfo(np.float64).tiny)),
    )


def nearest(features: Floats, train: Floats) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each row the number of the nearest row of `train` and its distance, (N,) and (N,)."""
    middle = train.mean(axis=0, dtype=np.float64)
    x, y = ((np.asarray(own, np.float64) - middle).astype(np.float32) for own in (features, train))
    lengths = (y**2).sum(axis=1)
    index = np.empty(len(x), np.int64)
    for start in range(0, len(x), CHUNK):
        part = slice(start, start + CHUNK)
        index[part] = (lengths - 2 * (x[part] @ y.T)).argmin(axis=1)
    # Products in float32 choose well enough, but their rounding would hide that a copy is at distance 0.
    return index, np.sqrt(((x.astype(np.float64) - y[index]) ** 2).sum(axis=1))


def memory(fakes: Floats, held_out: Floats, train: Floats, rng: np.random.Generator) -> Memory:
    """Compare fakes and new reals by their distance to what was trained on.

    Args:
        fakes, held_out, train: (N, D), (M, D) and (T, D) features; the held-out reals were never trained on. Where
            some of them are near copies of training pictures, copies among the fakes are harder to tell.

    Raises:
        ValueError: features are not finite, or there is one picture of a set.

    Source:
        After the nearest-neighbour tests of Meehan et al., A Non-Parametric Test to Detect Data-Copying, AISTATS 2020.
    """
    for own in (fakes, held_out):
        check_features(own, train)
    index, distance = nearest(fakes, train)
    _, usual = nearest(held_out, train)
    ratio = distance / max(float(np.median(usual)), np.finfo(np.float64).tiny)
    copies = distance < np.quantile(usual, COPY_QUANTILE)
    return Memory(index, ratio, mean(ratio, rng), _share(copies, rng))


def _share(happened: object, rng: np.random.Generator) -> Figure:
    return mean(np.asarray(happened, np.float64), rng)


def _among(x: Floats) -> NDArray[np.float64]:
    found = distances(x, x)
    np.fill_diagonal(found, 0.0)
    return found


def _reach(among: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Distance of each picture to its k-th nearest, itself not counted."""
    return np.partition(among, k, axis=1)[:, k]


def _spread(among: NDArray[np.float64]) -> Figure:
    """Mean over pairs, with the jackknife of single pictures."""
    n = len(among)
    total, each = among.sum(), among.sum(axis=1)
    value = float(total / (n * (n - 1)))
    without = (total - 2 * each) / ((n - 1) * (n - 2))
    reach = 1.96 * float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    return Figure(value, max(value - reach, 0.0), value + reach, n)
