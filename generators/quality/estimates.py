"""Figures with their intervals: what a figure would do if other pictures had been drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

N_GROUPS = 10
STUDENT_95 = 2.262
"""97.5 % quantile of Student's t with N_GROUPS - 1 degrees of freedom."""
N_RESAMPLES = 1000


@dataclass(frozen=True)
class Figure:
    """A figure and its 95 % interval.

    Attributes:
        value: of the pictures at hand.
        low, high: ends of the interval, low <= value <= high; equal where nothing can vary.
        n: pictures of each set.
    """

    value: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        ends = (self.low, self.value, self.high)
        if all(np.isfinite(ends)) and not self.low <= self.value <= self.high:
            raise ValueError(f"a figure lies within its interval, not {ends}")

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}], n = {self.n}"


def check_features(a: Floats, b: Floats) -> None:
    """Complain about features that no figure can rest on.

    Raises:
        ValueError: they are not (N, D) and (M, D) of two or more pictures each, or not finite.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(f"features must be (N, D) and (M, D) of two or more pictures, not {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("features must be finite")


def groups(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(n,) number of the group, 0..N_GROUPS - 1, that each picture was drawn into; sizes differ by one at most.

    Raises:
        ValueError: there are fewer than two pictures a group.
    """
    if n < 2 * N_GROUPS:
        raise ValueError(f"at least {2 * N_GROUPS} pictures of each set are wanted, not {n}")
    return rng.permutation(np.arange(n) % N_GROUPS)


def jackknife(value: float, without: Floats, n: int, *, low: float = -np.inf) -> Figure:
    """Interval from the figures that remain when each group of pictures is left out of all sets at once.

    No picture is drawn twice: a bootstrap would, and distances of covariances take the copies for a lack of variety.
    The interval is around the figure at this very n. It is no interval of the figure of infinitely many pictures:
    whatever a small n adds to a distance is in the value, in both ends, and in the floor of the same n.

    Args:
        value: of all pictures.
        without: (N_GROUPS,) figures without each group.
        n: pictures of each set.
        low: least possible value of the figure.

    Source:
        Shao, Tu, The Jackknife and Bootstrap, 1995, section 5.2 (whole groups are left out).
    """
    n_groups = len(without)
    error = np.sqrt((n_groups - 1) / n_groups * ((without - without.mean()) ** 2).sum())
    reach = float(STUDENT_95 * error)
    return Figure(value, max(value - reach, min(low, value)) if np.isfinite(low) else value - reach, value + reach, n)


def left_out(statistic: Callable[..., float], *sets: Floats, rng: np.random.Generator, low: float = -np.inf) -> Figure:
    """The jackknife of any statistic of one or more sets of one size; each set is (n, ...)."""
    drawn = [groups(len(own), rng) for own in sets]
    without = [statistic(*(own[group != g] for own, group in zip(sets, drawn, strict=True))) for g in range(N_GROUPS)]
    return jackknife(statistic(*sets), np.array(without), len(sets[0]), low=low)


def mean(values: Floats, rng: np.random.Generator) -> Figure:
    """Mean of one number a picture, with a percentile bootstrap over the pictures.

    Where a number depends on the other set too, that set is taken as it is: the interval is for other pictures of this
    set alone.

    Source:
        Efron, Tibshirani, An Introduction to the Bootstrap, 1993.
    """
    found = float(values.mean())
    drawn = rng.integers(0, len(values), (N_RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return Figure(found, min(float(low), found), max(float(high), found), len(values))
