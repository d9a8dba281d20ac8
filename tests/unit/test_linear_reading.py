"""A reading says as much as it is worth on sources that it did not see, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.linear_reading import Fitted, fit_reading
from detectors.metrics import auroc
from detectors.reading import Reading, probability

N_SOURCES, PER_SOURCE, N_FEATURES = 16, 12, 20


def fitted(signal: float, seed: int = 0, **options: object) -> tuple[Fitted, np.ndarray, np.ndarray]:
    """Rows of sources of one class each, with a mark of the source and a trace that all fakes share."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(N_SOURCES) % 2, PER_SOURCE)
    numbers = np.repeat(np.arange(N_SOURCES), PER_SOURCE)
    rows = rng.normal(0, 1, (len(labels), N_FEATURES + N_SOURCES)).astype(np.float32)
    rows[:, 0] += np.float32(signal) * labels
    rows[np.arange(len(labels)), N_FEATURES + numbers] += 4
    names = [f"source {i}" for i in numbers]
    return fit_reading(rows, labels, names, numbers, regularization=1e-2, **options), rows, labels  # type: ignore[arg-type]


def test_a_trace_that_all_fakes_share_is_found_on_sources_left_out() -> None:
    found, rows, labels = fitted(4.0)
    assert auroc(labels, found.held_out) > 0.9
    assert auroc(labels, found.reading.logits(rows)) > 0.95
    assert found.reading.high > 0.8 and found.reading.low < -0.5


def test_what_does_not_carry_over_to_other_sources_says_next_to_nothing() -> None:
    found, rows, labels = fitted(0.0)
    # Of what it saw it knows the marks, which the ratio does not show.
    assert auroc(labels, found.reading.logits(rows)) > 0.5 or not found.reading.weights.any()
    assert np.abs(found.reading.llr(found.reading.logits(rows))).max() < 0.35


def test_odds_are_right_on_average_on_sources_left_out() -> None:
    found, _, labels = fitted(4.0, seed=3)
    stated = probability(found.held_out)
    assert stated.mean() == pytest.approx(labels.mean(), abs=0.02)
    assert stated[labels == 1].mean() > stated[labels == 0].mean() + 0.2


def test_so_many_reals_reach_the_thresholds_as_these_promise() -> None:
    found, _, labels = fitted(2.0, seed=1)
    real = probability(found.held_out)[labels == 0]
    assert np.mean(real >= found.thresholds["0.05"]) == pytest.approx(0.05, abs=0.03)
    assert found.thresholds["0.01"] >= found.thresholds["0.05"]


def test_rows_that_are_not_learned_from_are_judged_all_the_same() -> None:
    _, _, labels = fitted(4.0)
    weak = np.repeat(np.arange(N_SOURCES) != 1, PER_SOURCE)
    found, _, _ = fitted(4.0, learned_from=weak)
    assert (found.held_out[~weak] > np.median(found.held_out[labels == 0])).mean() > 0.9


def test_a_stored_reading_says_the_same() -> None:
    found, rows, _ = fitted(2.0)
    again = Reading.of(found.reading.tensors)
    assert np.array_equal(again.logits(rows), found.reading.logits(rows))
    assert (again.low, again.high) == (found.reading.low, found.reading.high)


def test_one_source_of_a_class_is_too_few() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    labels = np.repeat([0, 1], 10)
    with pytest.raises(ValueError, match="too few"):
        fit_reading(rows, labels, [f"of {x}" for x in labels], labels, regularization=1.0)
