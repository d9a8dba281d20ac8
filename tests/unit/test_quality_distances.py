"""Distances between sets against closed forms and other implementations, and what their intervals promise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from generators.quality.distances import (
    frechet,
    frechet_figure,
    inception_score,
    inception_score_figure,
    kernel,
    kernel_figure,
)
from generators.quality.estimates import Figure, left_out, mean

Doubles = NDArray[np.float64]


def cloud(seed: int, n: int = 300, d: int = 12, *, shift: float = 0.0, spread: float = 1.0) -> Doubles:
    """Normal features whose axes have different variances and are correlated."""
    mix = np.random.default_rng(99).normal(size=(d, d)) / np.sqrt(d)
    return np.random.default_rng(seed).normal(size=(n, d)) @ mix * spread + shift


def test_frechet_of_a_shifted_set_is_the_square_of_the_shift() -> None:
    a = cloud(1)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet(a, a + 0.5) == pytest.approx(12 * 0.25)


def test_frechet_of_a_widened_set_is_its_variance_times_the_square_of_the_widening() -> None:
    a = cloud(1) - cloud(1).mean(axis=0)
    assert frechet(a, 3 * a) == pytest.approx(4 * np.cov(a.T).trace())


@pytest.mark.parametrize(("n", "m"), [(300, 200), (300, 7), (8, 300), (8, 9)], ids=str)
def test_frechet_is_that_of_the_matrix_root(n: int, m: int) -> None:
    a, b = cloud(1, n), cloud(2, m, shift=0.3, spread=1.5)
    root = sqrtm(np.cov(a.T) @ np.cov(b.T))
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root.real)
    assert frechet(a, b) == pytest.approx(expected, rel=1e-4)
    assert frechet(b, a) == pytest.approx(frechet(a, b))


def test_frechet_falls_as_sets_of_one_source_grow() -> None:
    values = [frechet(cloud(1, n), cloud(2, n)) for n in (20, 100, 1000)]
    assert values[0] > 2 * values[1] > 4 * values[2] > 0


def test_kernel_is_the_sum_written_out() -> None:
    a, b = cloud(1, 9, 4), cloud(2, 6, 4, shift=0.5)

    def k(x: Doubles, y: Doubles) -> float:
        return float((sum(p * q for p, q in zip(x, y, strict=True)) / 4 + 1) ** 3)

    in_a = sum(k(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j) / (9 * 8)
    in_b = sum(k(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j) / (6 * 5)
    between = sum(k(x, y) for x in a for y in b) / (9 * 6)
    assert kernel(a, b) == pytest.approx(in_a + in_b - 2 * between)


def test_kernel_is_unbiased() -> None:
    values = [kernel(cloud(2 * i, 20), cloud(2 * i + 1, 20)) for i in range(300)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(300)
    assert min(values) < 0 < max(values)


def test_inception_score_is_the_number_of_classes_that_are_surely_met() -> None:
    sure = np.eye(10)[np.arange(40) % 5]
    assert inception_score(sure) == pytest.approx(5)
    assert inception_score(np.full((40, 10), 0.1)) == pytest.approx(1)
    assert inception_score(np.tile(np.random.default_rng(1).dirichlet(np.ones(10)), (40, 1))) == pytest.approx(1)


@pytest.mark.parametrize(
    ("figure", "value"), [(frechet_figure, frechet), (kernel_figure, kernel)], ids=["frechet", "kernel"]
)
def test_intervals_hold_the_figure_and_tell_sets_apart(
    figure: Callable[[Doubles, Doubles, np.random.Generator], Figure], value: Callable[[Doubles, Doubles], float]
) -> None:
    a, b, c = cloud(1), cloud(2), cloud(3, shift=0.4)
    same, other = (figure(a, x, np.random.default_rng(1)) for x in (b, c))
    assert same.value == pytest.approx(value(a, b)) and other.value == pytest.approx(value(a, c))
    assert same.n == 300 and same.high < other.low
    assert figure(a, c, np.random.default_rng(1)) == other, "one seed, one interval"


@pytest.mark.parametrize("figure", [frechet_figure, kernel_figure], ids=["frechet", "kernel"])
def test_intervals_are_as_wide_as_the_figure_varies(
    figure: Callable[[Doubles, Doubles, np.random.Generator], Figure],
) -> None:
    rng = np.random.default_rng(1)
    found = [figure(cloud(2 * i, 200), cloud(2 * i + 1, 200, shift=0.3), rng) for i in range(60)]
    typical = np.mean([f.value for f in found])
    inside = np.mean([f.low <= typical <= f.high for f in found])
    assert 0.85 <= inside <= 1.0
    assert np.mean([f.high - f.low for f in found]) < 8 * np.std([f.value for f in found]), "and no wider"


def test_the_jackknife_of_a_mean_is_its_textbook_interval() -> None:
    rng = np.random.default_rng(4)
    sets = rng.normal(3, 2, (200, 500))
    found = [left_out(lambda x: float(x.mean()), values, rng=rng) for values in sets]
    assert [f.value for f in found] == pytest.approx(sets.mean(axis=1))
    reach = np.sqrt(np.mean([((f.high - f.low) / 2) ** 2 for f in found]))
    assert reach == pytest.approx(2.262 * 2 / np.sqrt(500), rel=0.1)
    assert 0.9 <= np.mean([f.low <= 3 <= f.high for f in found]) <= 0.99


def test_the_bootstrap_of_a_share_is_the_binomial_interval() -> None:
    shares = (np.arange(400) < 100).astype(np.float64)
    found = mean(shares, np.random.default_rng(1))
    reach = 1.96 * np.sqrt(0.25 * 0.75 / 400)
    assert found.value == 0.25
    assert (found.low, found.high) == pytest.approx((0.25 - reach, 0.25 + reach), abs=0.01)


def test_inception_score_has_an_interval() -> None:
    p = np.random.default_rng(1).dirichlet(np.full(10, 0.2), 200)
    found = inception_score_figure(p, np.random.default_rng(1))
    assert found.value == inception_score(p)
    assert 1 < found.low < found.value < found.high < 10


@pytest.mark.parametrize("broken", [np.full((30, 12), np.nan), np.zeros((30, 5)), np.zeros((1, 12))])
def test_features_that_cannot_be_compared_are_refused(broken: Doubles) -> None:
    with pytest.raises(ValueError, match="features must be"):
        frechet(cloud(1), broken)


def test_too_few_pictures_for_an_interval_are_named() -> None:
    with pytest.raises(ValueError, match="at least 20 pictures"):
        frechet_figure(cloud(1, 15), cloud(2, 15), np.random.default_rng(1))
