"""Operating points: the same shares as counting gives, and intervals that are never surer than the pictures allow."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import metrics
from detectors.operating import Drawn, Operating, redrawn

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1], [90, 60])
SCORES = np.clip(np.r_[RNG.normal(0.35, 0.2, 90), RNG.normal(0.65, 0.2, 60)], 0, 1)
SOURCES = [f"s{i // 6}" for i in range(150)]


@pytest.fixture(scope="module")
def operating() -> Operating:
    return Operating.of(LABELS, SCORES, SOURCES)


@pytest.mark.parametrize("threshold", [0.0, 0.31, 0.5, 0.9, 1.1])
def test_shares_are_those_that_one_counts(threshold: float, operating: Operating) -> None:
    (wrong,), (missed,) = operating.false_positives(threshold), operating.misses(threshold)
    real, fake = SCORES[LABELS == 0], SCORES[LABELS == 1]
    assert (wrong.n_found, wrong.n) == ((real >= threshold).sum(), 90) and wrong.value == wrong.n_found / 90
    assert (missed.n_found, missed.n) == ((fake < threshold).sum(), 60)
    assert missed.value == pytest.approx(missed.n_found / 60)
    for rate in (wrong, missed):
        assert 0 <= rate.interval.low <= rate.value <= rate.interval.high <= 1


def test_a_higher_threshold_takes_fewer_photos_for_fakes_and_misses_more_fakes(operating: Operating) -> None:
    grid = np.linspace(0, 1, 41)
    wrong = [rate.n_found for rate in operating.false_positives(grid)]
    missed = [rate.n_found for rate in operating.misses(grid)]
    assert wrong == sorted(wrong, reverse=True) and missed == sorted(missed)


def test_no_false_positive_among_some_is_no_proof_that_there_are_none(operating: Operating) -> None:
    (rate,) = operating.false_positives(1.1)
    assert rate.n_found == 0 and rate.interval.low == 0
    assert 0.03 < rate.interval.high < 0.05, "about 3.8 of 90, by Wilson"


def test_pictures_of_few_sources_tell_less_than_as_many_of_many() -> None:
    scores = np.r_[np.repeat([0.9, 0.1, 0.1], 30), np.full(60, 0.9)]
    alike = Operating.of(LABELS, scores, [f"s{i // 30}" for i in range(150)])
    apart = Operating.of(LABELS, scores, [str(i) for i in range(150)])
    (few,), (many,) = alike.false_positives(0.5), apart.false_positives(0.5)
    assert few.value == many.value
    assert few.interval.high - few.interval.low > 2 * (many.interval.high - many.interval.low)


def test_the_area_and_its_interval_are_those_of_the_bootstrap_resample_by_resample(operating: Operating) -> None:
    value, interval = operating.auroc
    wanted = metrics.bootstrap(metrics.auroc, LABELS, SCORES, seed=0, sources=SOURCES)
    assert value == metrics.auroc(LABELS, SCORES)
    assert (interval.low, interval.high) == pytest.approx((wanted.low, wanted.high), abs=0.012)


def test_ties_count_one_half() -> None:
    value, interval = Operating.of([0, 0, 1, 1], [0.5] * 4, list("abcd")).auroc
    assert value == interval.low == interval.high == 0.5


def test_whole_sources_are_drawn_and_pictures_where_there_is_one_source() -> None:
    counts = redrawn(np.array(["a", "a", "b", "c", "c"]), np.random.default_rng(0), 200)
    assert (counts[:, 0] == counts[:, 1]).all() and (counts[:, 3] == counts[:, 4]).all()
    assert (counts[:, [0, 2, 3]].sum(1) == 3).all(), "three sources each time"
    alone = redrawn(np.array(["a"] * 5), np.random.default_rng(0), 200)
    assert (alone.sum(1) == 5).all() and alone.std(0).min() > 0


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="both classes"):
        Operating.of([1, 1], [0.5, 0.6], ["a", "b"])
    with pytest.raises(ValueError, match="as many sources"):
        Drawn([], [])


@pytest.mark.parametrize("fpr", [0.0, 0.05, 0.3, 1.0])
def test_fakes_found_at_a_false_positive_rate_are_those_of_each_resample_written_out(
    fpr: float, operating: Operating
) -> None:
    found = operating.tpr(fpr)
    assert found.value == metrics.tpr_at_fpr(LABELS, SCORES, fpr)
    shares = [
        metrics.tpr_at_fpr(
            np.repeat([0, 1], [int(real.sum()), int(fake.sum())]),
            np.r_[np.repeat(SCORES[:90], real.astype(int)), np.repeat(SCORES[90:], fake.astype(int))],
            fpr,
        )
        for real, fake in zip(operating.real.counts, operating.fake.counts, strict=True)
    ]
    low, high = np.quantile(shares, [0.025, 0.975])
    assert found.interval.low <= low + 1e-6 and found.interval.high >= high - 1e-6
    assert found.interval.low <= found.value <= found.interval.high


def test_all_fakes_found_of_some_is_no_proof_that_all_ever_are() -> None:
    found = Operating.of([0] * 20 + [1] * 20, [0.0] * 20 + [1.0] * 20, [str(i) for i in range(40)]).tpr(0.05)
    assert found.value == 1.0 and 0.8 < found.interval.low < 0.9, "Wilson's, for 20 of 20"
