"""Precision, recall, density, coverage and copies, against loops written out and on planted faults."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from generators.quality.neighbours import memory, nearest, shape

Doubles = NDArray[np.float64]


def cloud(seed: int, n: int = 200, d: int = 4, *, shift: float = 0.0, spread: float = 1.0) -> Doubles:
    return np.random.default_rng(seed).normal(shift, spread, (n, d))


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_the_four_shares_are_those_of_the_papers() -> None:
    fakes, reals = cloud(1, 30, shift=0.7), cloud(2, 25)
    far = np.linalg.norm
    reach = {k: [sorted(far(r - s) for s in reals)[k] for r in reals] for k in (3, 5)}
    fake_reach = [sorted(far(f - g) for g in fakes)[3] for f in fakes]
    found = shape(fakes, reals, rng())
    assert found.precision.value == pytest.approx(
        np.mean([any(far(f - r) <= reach[3][i] for i, r in enumerate(reals)) for f in fakes])
    )
    assert found.recall.value == pytest.approx(
        np.mean([any(far(f - r) <= fake_reach[j] for j, f in enumerate(fakes)) for r in reals])
    )
    assert found.density.value == pytest.approx(
        np.mean([sum(far(f - r) < reach[5][i] for i, r in enumerate(reals)) / 5 for f in fakes])
    )
    assert found.coverage.value == pytest.approx(
        np.mean([any(far(f - r) < reach[5][i] for f in fakes) for i, r in enumerate(reals)])
    )
    assert 0 < found.precision.value < 1 and 0 < found.coverage.value < 1
    assert (found.precision.n, found.recall.n, found.density.n, found.coverage.n) == (30, 25, 30, 25)


def test_fakes_from_the_source_of_the_reals_are_precise_and_cover_it() -> None:
    found = shape(cloud(1), cloud(2), rng())
    assert min(found.precision.value, found.recall.value) > 0.7 and found.coverage.value > 0.9
    assert found.density.value == pytest.approx(1, abs=0.2)
    assert found.spread.low < 1.05 and found.spread.high > 0.95


def test_one_picture_repeated_has_neither_recall_nor_coverage_nor_spread() -> None:
    found = shape(np.tile(cloud(1, 1), (200, 1)) + cloud(3, spread=1e-3), cloud(2), rng())
    assert found.recall.value == 0
    assert found.coverage.value < 0.1
    assert found.spread.high < 0.01


def test_fakes_of_noise_are_not_precise() -> None:
    assert shape(cloud(1, spread=5.0), cloud(2), rng()).precision.value < 0.3


def test_the_nearest_is_that_of_another_implementation() -> None:
    fakes, train = cloud(1, 300), cloud(2, 500) + 100
    distance, index = NearestNeighbors(n_neighbors=1).fit(train).kneighbors(fakes)
    found, how_far = nearest(fakes, train)
    assert (found == index[:, 0]).all()
    assert how_far == pytest.approx(distance[:, 0], rel=1e-4)


def test_copied_training_pictures_are_found() -> None:
    train, held_out, fakes = cloud(1, 400, 16), cloud(2, 300, 16), cloud(3, 100, 16)
    fakes[:30] = train[50:80] + cloud(4, 30, 16, spread=0.01)
    found = memory(fakes, held_out, train, rng())
    assert (found.nearest[:30] == np.arange(50, 80)).all()
    assert found.ratio[:30].max() < 0.1 < found.ratio[30:].min()
    assert found.copied.low > 0.2 and found.copied.value == pytest.approx(0.3, abs=0.05)


def test_new_fakes_are_no_copies() -> None:
    found = memory(cloud(3, 300, 16), cloud(2, 300, 16), cloud(1, 400, 16), rng())
    assert found.copied.value < 0.04
    assert found.mean_ratio.value == pytest.approx(1, abs=0.05)


def test_too_few_pictures_are_named() -> None:
    with pytest.raises(ValueError, match="more than 5 pictures"):
        shape(cloud(1, 5), cloud(2), rng())


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_features_that_are_not_finite_are_refused(broken: int) -> None:
    sets = [cloud(1, 30), cloud(2, 30), cloud(3, 30)]
    sets[broken][4, 2] = np.nan
    with pytest.raises(ValueError, match="features must be finite"):
        memory(*sets, rng())
    if broken < 2:
        with pytest.raises(ValueError, match="features must be finite"):
            shape(sets[0], sets[1], rng())
