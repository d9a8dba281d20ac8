"""Thresholds say on how many reals they rest, and what share these vouch for: exact, and never from nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from detectors.held_out import thresholds
from detectors.loading import load
from detectors.support import n_reals, per_100, supports, sure_of, threshold_rows
from generators.shares import at_most
from generators.weights import ModelCard

CARD = ModelCard("x", "1", "a task", thresholds={"0.01": 0.9, "0.05": 0.7})


@pytest.mark.parametrize(("n_found", "n"), [(0, 44), (2, 44), (24, 2470), (1, 100), (7, 8), (0, 1), (3, 3)])
def test_the_bound_is_the_exact_one_of_clopper_and_pearson(n_found: int, n: int) -> None:
    asked = binomtest(n_found, n, alternative="less").proportion_ci(0.95, "exact")
    assert at_most(n_found, n) == pytest.approx(asked.high, rel=1e-9)


def test_of_none_found_the_bound_has_a_closed_form() -> None:
    assert sure_of(0.01, 44) == pytest.approx(1 - 0.05 ** (1 / 44)) and per_100(sure_of(0.01, 44)) == "6.6"
    assert sure_of(0.05, 44) == pytest.approx(at_most(2, 44)) and sure_of(0.29, 100) == at_most(29, 100)


def test_a_share_of_nothing_is_none() -> None:
    for n_found, n in ((0, 0), (3, 2), (-1, 4)):
        with pytest.raises(ValueError, match="something counted"):
            at_most(n_found, n)


@pytest.mark.parametrize("n", [44, 250])
def test_a_threshold_costs_more_than_its_bound_once_in_twenty(n: int) -> None:
    rng = np.random.default_rng(0)
    labels, weight = np.zeros(n, np.int64), np.ones(n)
    over = [1 - thresholds(rng.uniform(size=n), labels, weight, [0.05])["0.05"] > sure_of(0.05, n) for _ in range(4000)]
    assert 0.035 < np.mean(over) < 0.065


def test_what_ships_says_on_how_many_reals_it_rests() -> None:
    counted = {name: n_reals(load(name).card) for name in ("synthetic", "glance", "temporal", "face", "adversarial")}
    wanted = {"synthetic": 2470, "glance": 2470, "temporal": 44, "face": 370, "adversarial": 493}
    assert counted == wanted, "docs/evaluating.md says so as well"
    rare, usual = supports(load("temporal").card)
    assert (rare.holds, usual.holds, rare.is_loose, usual.is_loose) == (False, True, True, True)
    assert all(bar.holds and not bar.is_loose for bar in supports(load("synthetic").card))
    said = dict(threshold_rows(load("temporal").card))["1 of 100 real photos or clips reach"]
    assert said.startswith("0.9173; rests on 44 of them, too few to tell so small a share; with 95 % confidence ")


@pytest.mark.parametrize(
    ("card", "n"),
    [
        (ModelCard("x", "1", ""), 0),
        (ModelCard("x", "1", "", data={"real: a": 3, "real: b": 4, "fake: a": 9, "pictures, real: c": 50}), 7),
        (ModelCard("x", "1", "", data={"real: a": 3, "fake: a": 9}, n_reals=5), 5),
        (ModelCard("x", "1", "", data={"calibrated on real: a": 30, "calibrated on fake: b": 20}), 30),
        (ModelCard("x", "1", "", data={"real: a": 3, "fake: a": 9}, settings={"race": {}}), 0),
        (ModelCard("residual", "1", "", data={"real: a": 300}), 0),
    ],
)
def test_a_card_of_before_tells_by_its_sources_or_not_at_all(card: ModelCard, n: int) -> None:
    assert n_reals(card) == n


def test_a_card_that_does_not_say_claims_nothing_more() -> None:
    assert all(bar.holds and not bar.is_loose and bar.at_most == bar.rate for bar in supports(CARD))
    assert next(threshold_rows(CARD)) == ("1 of 100 real photos reach", "0.9")


def test_a_number_of_reals_is_none_below_zero() -> None:
    with pytest.raises(ValueError, match="number of reals"):
        ModelCard("x", "1", "", n_reals=-1)
