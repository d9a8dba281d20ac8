"""Figures of merit against scikit-learn, closed forms and slow counting."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn import metrics as peer

from detectors import metrics
from detectors.metrics import Interval

Arrays = tuple[NDArray[np.int64], NDArray[np.float64]]


def sample(seed: int, *, n: int = 300, gap: float = 1.0, tied: bool = False) -> Arrays:
    """n scores, a third of them fakes that lie `gap` deviations higher."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 3 == 0).astype(np.int64)
    scores = rng.normal(gap * labels, 1.0)
    return labels, np.round(scores) if tied else scores


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_auroc_is_that_of_scikit_learn(seed: int, tied: bool) -> None:
    labels, scores = sample(seed, tied=tied)
    assert metrics.auroc(labels, scores) == pytest.approx(peer.roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_average_precision_is_the_mean_precision_over_the_fakes_found(seed: int) -> None:
    labels, scores = sample(seed)
    ranked = labels[np.argsort(-scores)]
    precisions = [ranked[:n].mean() for n in range(1, len(ranked) + 1) if ranked[n - 1] == 1]
    assert metrics.average_precision(labels, scores) == pytest.approx(np.mean(precisions), abs=1e-12)


def test_auroc_counts_pairs_and_ties_one_half() -> None:
    labels, scores = sample(4, n=60, tied=True)
    pairs = itertools.product(scores[labels == 1], scores[labels == 0])
    wins = [1.0 if fake > real else 0.5 if fake == real else 0.0 for fake, real in pairs]
    assert metrics.auroc(labels, scores) == pytest.approx(np.mean(wins))


@pytest.mark.parametrize("gap", [0.5, 1.0, 2.0])
def test_two_gaussians_have_the_rates_of_the_closed_form(gap: float) -> None:
    labels, scores = sample(5, n=120_000, gap=gap)
    assert metrics.auroc(labels, scores) == pytest.approx(norm.cdf(gap / math.sqrt(2)), abs=0.005)
    assert metrics.eer(labels, scores) == pytest.approx(norm.cdf(-gap / 2), abs=0.005)
    for fpr in (0.01, 0.05):
        assert metrics.tpr_at_fpr(labels, scores, fpr) == pytest.approx(norm.sf(norm.isf(fpr) - gap), abs=0.015)


def test_eer_lies_between_the_steps_of_a_coarse_curve() -> None:
    # Over 1.5 one of three reals is left and one of three fakes is lost.
    assert metrics.eer([0, 0, 0, 1, 1, 1], [0, 1, 2, 1.5, 3, 4]) == pytest.approx(1 / 3)
    assert metrics.eer([0, 0, 1, 1], [0, 1, 2, 3]) == 0.0
    assert metrics.eer([0, 0, 1, 1], [1, 1, 1, 1]) == 0.5


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("fpr", [0.0, 0.01, 0.05, 0.3, 1.0])
def test_tpr_at_fpr_is_the_best_point_of_the_curve_that_keeps_the_rate(fpr: float, tied: bool) -> None:
    labels, scores = sample(6, tied=tied)
    curve_fpr, curve_tpr, _ = peer.roc_curve(labels, scores, drop_intermediate=False)
    assert metrics.tpr_at_fpr(labels, scores, fpr) == pytest.approx(curve_tpr[curve_fpr <= fpr + 1e-12].max())
    threshold = metrics.threshold_at_fpr(scores[labels == 0], fpr)
    assert (scores[labels == 0] >= threshold).mean() <= fpr + 1e-12


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    labels, scores = sample(7)
    ours = metrics.balanced_accuracy(labels, scores, 0.7)
    assert ours == pytest.approx(peer.balanced_accuracy_score(labels, scores >= 0.7))


def test_the_calibration_error_is_what_was_planted() -> None:
    probabilities = np.repeat(np.linspace(0.1, 0.9, 15), 200)
    labels = np.concatenate([np.arange(200) < round(200 * p) for p in np.linspace(0.1, 0.9, 15)]).astype(int)
    assert metrics.ece(labels, probabilities) == pytest.approx(0, abs=0.003)
    assert metrics.ece(labels, np.clip(probabilities + 0.07, 0, 1)) == pytest.approx(0.07, abs=0.003)


def test_bins_of_the_calibration_error_hold_the_same_number() -> None:
    rng = np.random.default_rng(8)
    probabilities = rng.random(90) ** 4
    labels = (rng.random(90) < 0.3).astype(int)
    total = 0.0
    ranked = sorted(zip(probabilities, labels, strict=True))
    for start in range(0, 90, 30):
        third = ranked[start : start + 30]
        total += abs(sum(p for p, _ in third) - sum(y for _, y in third)) / 90
    assert metrics.ece(labels, probabilities, n_bins=3) == pytest.approx(total)


def test_the_order_of_pictures_with_equal_probabilities_does_not_matter_to_the_calibration_error() -> None:
    assert metrics.ece(np.repeat([1, 0], 150), np.full(300, 0.5)) == 0
    rng = np.random.default_rng(4)
    probabilities = np.clip(rng.uniform(-0.3, 1.3, 400), 0.1, 0.9)
    labels = (rng.random(400) < probabilities).astype(int)
    orders = [rng.permutation(400) for _ in range(20)]
    assert np.ptp([metrics.ece(labels[order], probabilities[order]) for order in orders]) < 1e-12


def test_brier_is_that_of_scikit_learn() -> None:
    labels, scores = sample(9)
    probabilities = 1 / (1 + np.exp(-scores))
    assert metrics.brier(labels, probabilities) == pytest.approx(peer.brier_score_loss(labels, probabilities))


def test_cllr_is_one_for_nothing_and_the_log_loss_for_equal_classes() -> None:
    labels, scores = sample(10)
    assert metrics.cllr(labels, np.zeros(len(labels))) == pytest.approx(1.0)
    even = np.concatenate([np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)[:100]])
    odds = 10 ** scores[even]
    bits = peer.log_loss(labels[even], odds / (1 + odds)) / math.log(2)
    assert metrics.cllr(labels[even], scores[even]) == pytest.approx(bits)
    assert math.isfinite(metrics.cllr([0, 1], [400.0, -400.0]))


def test_min_cllr_is_the_cost_of_the_convex_hull() -> None:
    labels, scores = sample(11, n=90, tied=True)
    assert metrics.min_cllr(labels, scores) == pytest.approx(hull_cllr(labels, scores), abs=1e-9)
    assert metrics.min_cllr([0, 0, 1, 1], [1, 2, 3, 4]) == 0.0
    assert metrics.min_cllr([0, 1, 0, 1], [5, 5, 5, 5]) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", [12, 13])
def test_no_rising_map_beats_min_cllr(seed: int) -> None:
    labels, scores = sample(seed)
    least = metrics.min_cllr(labels, scores)
    assert metrics.min_cllr(labels, np.exp(scores)) == pytest.approx(least)
    costs = [metrics.cllr(labels, a * scores + b) for a in np.linspace(0.1, 2, 15) for b in np.linspace(-1, 1, 15)]
    assert 0 < least < min(costs)


def test_the_abstention_rate_counts_reasons() -> None:
    assert metrics.abstention_rate((None, "too small", None, "too small")) == 0.5


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    truth = float(norm.cdf(1 / math.sqrt(2)))
    found = [metrics.bootstrap(metrics.auroc, *sample(100 + i, n=150), seed=i, n_resamples=200) for i in range(150)]
    covered = np.mean([interval.low <= truth <= interval.high for interval in found])
    assert 0.88 <= covered <= 0.99


def test_pictures_that_resemble_their_source_widen_the_interval() -> None:
    rng = np.random.default_rng(14)
    labels = np.repeat([0, 1], 200)
    sources = [f"source {i // 20}" for i in range(400)]
    scores = labels + np.repeat(rng.normal(0, 1, 20), 20) + rng.normal(0, 0.1, 400)
    plain = metrics.bootstrap(metrics.auroc, labels, scores, seed=1, n_resamples=300)
    grouped = metrics.bootstrap(metrics.auroc, labels, scores, seed=1, n_resamples=300, sources=sources)
    assert grouped.high - grouped.low > 2 * (plain.high - plain.low)


def test_a_resample_keeps_both_classes_and_the_seed_decides_it() -> None:
    labels, scores = np.array([1] + [0] * 50), np.arange(51.0)
    first = metrics.bootstrap(metrics.auroc, labels, scores, seed=3, n_resamples=100)
    assert first == metrics.bootstrap(metrics.auroc, labels, scores, seed=3, n_resamples=100)
    assert first == Interval(0.0, 0.0)


def test_several_statistics_share_their_resamples() -> None:
    labels, scores = sample(15)
    alone = [metrics.bootstrap(f, labels, scores, seed=4, n_resamples=50) for f in (metrics.auroc, metrics.min_cllr)]
    both = metrics.bootstrap_all((metrics.auroc, metrics.min_cllr), labels, scores, seed=4, n_resamples=50)
    assert list(both) == alone and alone[0] != alone[1]


@pytest.mark.parametrize(
    ("labels", "scores", "words"),
    [
        ([1, 1], [0.1, 0.2], "both needed, all 2 are fake"),
        ([0, 1], [0.1], "alike"),
        ([0, 2], [0.1, 0.2], "0 or 1"),
        ([0, 1], [0.1, math.nan], "numbers"),
    ],
)
def test_what_cannot_be_measured_is_refused(labels: list[int], scores: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        metrics.auroc(labels, scores)


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="within 0 and 1"):
        metrics.ece([0, 1], [0.5, 1.5])


def hull_cllr(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """Cllr of the slopes of the convex hull of the ROC curve, which is what the optimal ratios are."""
    fpr, tpr, _ = peer.roc_curve(labels, scores, drop_intermediate=False)
    hull = [0]
    for i in range(1, len(fpr)):
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (tpr[b] - tpr[a]) * (fpr[i] - fpr[b]) <= (tpr[i] - tpr[b]) * (fpr[b] - fpr[a]):
                hull.pop()
            else:
                break
        hull.append(i)
    cost = 0.0
    for a, b in itertools.pairwise(hull):
        x, y = fpr[b] - fpr[a], tpr[b] - tpr[a]
        cost += (y * math.log2(1 + x / y) if y else 0.0) + (x * math.log2(1 + y / x) if x else 0.0)
    return cost / 2
