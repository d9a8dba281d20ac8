"""Products are rounded where processor and runtime are made for it, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import tower_products
from detectors.tower_products import rounding_pays, runtime_rounds
from detectors.vision_tower import SIDE_PX, VisionTower
from tests.make_media import photo
from tests.make_tower import random_tower


@pytest.mark.parametrize("instructed", [True, False])
@pytest.mark.parametrize("kernels", [True, False])
def test_rounding_pays_where_there_are_instruction_and_kernels(
    monkeypatch: pytest.MonkeyPatch, instructed: bool, kernels: bool
) -> None:
    monkeypatch.setattr(tower_products, "multiplies_bytes", lambda: instructed)
    monkeypatch.setattr(tower_products, "runtime_rounds", lambda: kernels)
    assert rounding_pays.__wrapped__() is (instructed and kernels)


def test_a_runtime_that_multiplies_exactly_does_not_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tower_products, "ROUNDED", (tower_products.ROUNDED[0], "1"))  # its word for float32
    assert not runtime_rounds()


def test_both_ways_agree_and_are_two_ways_where_the_runtime_rounds() -> None:
    weights, picture = random_tower(n_blocks=2, seed=1), photo(1, width=SIDE_PX, height=SIDE_PX)[None]
    rounded, in_float = (
        VisionTower(weights, (2,), n_threads=1, rounded=rounded).tokens(picture)[0][0] for rounded in (True, False)
    )
    lengths = np.linalg.norm(rounded, axis=1) * np.linalg.norm(in_float, axis=1)
    assert ((rounded * in_float).sum(axis=1) / lengths).min() > 0.9999
    assert np.array_equal(rounded, in_float) is not runtime_rounds()


def test_a_tower_that_is_told_nothing_takes_the_way_that_pays() -> None:
    weights, picture = random_tower(n_blocks=1, seed=1), photo(2, width=SIDE_PX, height=SIDE_PX)[None]
    usual = VisionTower(weights, (1,), n_threads=1).tokens(picture)[0]
    assert np.array_equal(usual, VisionTower(weights, (1,), n_threads=1, rounded=rounding_pays()).tokens(picture)[0])
