"""Labels with a stated share of errors: the promise holds on new pictures, and too few pictures promise nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.conformal import Label, bars, label, labels_of
from detectors.probe import root_weights
from generators.weights import ModelCard

CARD = ModelCard("x", "1", "a task", claim="synthetic", sets={"0.05": (0.2, 0.8)})


def drawn(rng: np.random.Generator, n: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat([0, 1], n)
    return 1 / (1 + np.exp(-rng.normal(apart * (labels - 0.5), 1))), labels


@pytest.mark.parametrize("apart", [0.0, 1.0, 3.0, 8.0])
def test_at_most_the_stated_share_of_either_class_gets_the_other_ones_label(apart: float) -> None:
    rng = np.random.default_rng(int(apart))
    wrong = {0: [], 1: []}
    for _ in range(300):
        scores, labels = drawn(rng, 60, apart)
        low, high = bars(scores, labels, np.ones(120), 0.1)
        fresh, theirs = drawn(rng, 200, apart)
        wrong[0].append((fresh[theirs == 0] >= high).mean())
        wrong[1].append((fresh[theirs == 1] <= low).mean())
    # The promise is about the mean over drawings of the held-out pictures; three standard errors of it are 0.005.
    assert np.mean(wrong[0]) <= 0.105 and np.mean(wrong[1]) <= 0.105
    if apart <= 1:
        assert min(np.mean(wrong[0]), np.mean(wrong[1])) > 0.07, "and it costs no more than it must"


def test_the_bars_are_the_quantiles_that_the_definition_asks_for() -> None:
    scores = np.r_[np.arange(1, 40) / 100, 0.5 + np.arange(1, 40) / 100]
    labels = np.repeat([0, 1], 39)
    low, high = bars(scores, labels, np.ones(78), 0.05)
    # Of 39 and the new one, 2 of 40 may be as strange: the new one and one more. So a photo's bar lies over the second.
    assert 0.38 < high <= 0.380001
    assert low == pytest.approx(high - 1e-6), "the classes do not overlap, so one bar keeps both promises"


def test_mapie_rules_out_the_same_photos() -> None:
    from mapie import classification as mapie
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Given(ClassifierMixin, BaseEstimator):
        """Hands scores through as probabilities."""

        classes_ = np.array([0, 1])

        def fit(self, x: np.ndarray, y: np.ndarray) -> Given:
            return self

        def predict_proba(self, x: np.ndarray) -> np.ndarray:
            return np.c_[1 - x[:, 0], x[:, 0]]

        def predict(self, x: np.ndarray) -> np.ndarray:
            return (x[:, 0] > 0.5).astype(int)

        def __sklearn_is_fitted__(self) -> bool:
            return True

    rng = np.random.default_rng(1)
    scores, labels = drawn(rng, 150, 1.0)
    real = labels == 0
    theirs = mapie.SplitConformalClassifier(Given(), confidence_level=0.9, prefit=True, conformity_score="lac")
    # Shown photos alone, MAPIE conforms over photos alone: a photo is ruled out where the set lacks it.
    theirs.conformalize(scores[real][:, None], labels[real])
    fresh = rng.uniform(0, 1, 2000)
    sets = theirs.predict_set(fresh[:, None])[1][:, 0, 0]
    high = bars(scores, labels, np.ones(300), 0.1)[1]
    assert np.mean((fresh >= high) != ~sets) <= 0.005


def test_a_source_of_many_pictures_does_not_set_the_bar_alone() -> None:
    scores = np.r_[np.full(400, 0.9), np.linspace(0, 0.5, 100), np.linspace(0.5, 1, 100)]
    labels = np.repeat([0, 0, 1], [400, 100, 100])
    sources = [*["one"] * 400, *(f"s{i}" for i in range(100)), *(f"f{i}" for i in range(100))]
    even = bars(scores, labels, np.ones(600), 0.3)[1]
    assert even > 0.9 > bars(scores, labels, root_weights(labels, sources), 0.3)[1]


def test_too_few_pictures_give_bars_that_hardly_anything_reaches() -> None:
    scores, labels = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1])
    assert bars(scores, labels, np.ones(4), 0.05) == (0.0, 1.0)


@pytest.mark.parametrize(("labels", "error"), [([0, 0], 0.1), ([1, 1], 0.1), ([0, 1], 0.0), ([0, 1], 1.0)])
def test_one_class_alone_or_no_share_is_an_error(labels: list[int], error: float) -> None:
    with pytest.raises(ValueError, match="both classes and an error"):
        bars([0.1, 0.9], labels, [1, 1], error)


def test_a_card_labels_scores_by_its_bars() -> None:
    assert labels_of(CARD, [0.1, 0.2, 0.5, 0.8, 1.0]) == (
        *(Label.PHOTO, Label.PHOTO, Label.UNDECIDED),
        *(Label.FAKE, Label.FAKE),
    )
    assert label(replace(CARD, sets={}), 0.5) is None
    with pytest.raises(ValueError, match="two scores"):
        replace(CARD, sets={"0.05": (0.8, 0.2)})
