"""A reading is judged on sources it never saw, and no source is louder than its share."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.metrics import auroc
from detectors.neighbours import N_DIMENSIONS, neighbourhood
from detectors.probe import N_FOLDS, Ridge, cross_fit, fit, fold_of, root_weights, weighted_quantile

N_SOURCES, PER_SOURCE = 40, 12


def _set(signal: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pictures of many sources: a shared trace of being fake, and a mark of each source in a place of its own."""
    rng = np.random.default_rng(seed)
    sources = [f"source {i}" for i in range(N_SOURCES) for _ in range(PER_SOURCE)]
    labels = np.repeat(np.arange(N_SOURCES) % 2, PER_SOURCE)
    features = rng.normal(0, 1, (len(labels), 8 + N_SOURCES)).astype(np.float32)
    features[:, 0] += signal * labels
    features[np.arange(len(labels)), 8 + np.repeat(np.arange(N_SOURCES), PER_SOURCE)] += 6
    return features, labels, sources


def test_marks_of_a_source_do_not_help_on_sources_that_were_not_seen() -> None:
    features, labels, sources = _set(signal=0.0)
    found = cross_fit(features, labels, sources, ())
    assert auroc(labels, found.probe.logits(features)) > 0.85  # The marks tell the classes of what was seen.
    assert 0.35 < auroc(labels, found.held_out) < 0.65


def test_what_all_fakes_share_is_found_on_sources_that_were_not_seen() -> None:
    features, labels, sources = _set(signal=3.0)
    assert auroc(labels, cross_fit(features, labels, sources, ()).held_out) > 0.85


def test_held_out_readings_do_not_change_with_the_labels_of_their_own_source() -> None:
    features, labels, sources = _set(signal=1.0)
    fold = fold_of("source 3", ())
    own = np.array([fold_of(source, ()) == fold for source in sources])
    before = cross_fit(features, labels, sources, ()).held_out[own]
    turned = np.where(own & (np.array(sources) == "source 3"), 1 - labels, labels)
    after = cross_fit(features, turned, sources, ()).held_out[own]
    # Weights within the other folds hang on their own sizes alone, up to the common factor of a class.
    assert np.corrcoef(before, after)[0, 1] > 0.999


def test_a_reading_leans_less_on_features_that_are_given_less_spread() -> None:
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], 200)
    features = rng.normal(0, 1, (400, 2)).astype(np.float32) + labels[:, None].astype(np.float32)
    features[:, 1] *= 50  # Units do not matter, the spread that is asked for does.
    ones, scale = np.ones(400), features.std(axis=0)
    alike, tilted = (
        np.abs(fit(features, labels, ones, ridge=Ridge(spread=spread)).weights * scale)
        for spread in (None, np.array([1, 0.3], np.float32))
    )
    assert alike[1] == pytest.approx(alike[0], rel=0.2)
    assert tilted[1] < tilted[0] / 5 and tilted[0] > 0.9 * alike[0]


def test_a_weaker_ridge_lets_weights_grow() -> None:
    features, labels, sources = _set(signal=3.0)
    weights = [
        np.abs(cross_fit(features, labels, sources, (), ridge=Ridge(strength)).probe.weights[0])
        for strength in (1e-4, 1e-3, 1e-2)
    ]
    assert weights[0] < weights[1] / 2 and weights[1] < weights[2] / 2


def test_matched_sources_are_dealt_out_over_the_folds() -> None:
    matched = [f"game {i}" for i in range(N_FOLDS)]
    assert sorted(fold_of(name, matched) for name in matched) == list(range(N_FOLDS))


def test_sources_weigh_by_the_root_of_their_size_and_classes_alike() -> None:
    labels = np.array([0] * 4 + [0] * 16 + [1] * 9)
    weight = root_weights(labels, ["a"] * 4 + ["b"] * 16 + ["c"] * 9)
    assert weight.sum() == pytest.approx(len(labels))
    assert weight[labels == 1].sum() == pytest.approx(weight[labels == 0].sum())
    assert weight[4:20].sum() / weight[:4].sum() == pytest.approx(2.0)


def test_rows_without_a_share_do_not_count() -> None:
    features, labels, sources = _set(signal=2.0)
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 1, features.shape).astype(np.float32) * features.std(axis=0) + features.mean(axis=0)
    # Every source twice: as it is, and as noise that shares its labels but not its place.
    both = np.concatenate([features, noise])
    share = np.repeat([2.0, 0.0], len(features))
    twice = cross_fit(both, np.tile(labels, 2), sources * 2, (), share=share).held_out[: len(features)]
    alone = cross_fit(features, labels, sources, ()).held_out
    loud = cross_fit(both, np.tile(labels, 2), sources * 2, (), share=2 - share).held_out[: len(features)]
    assert np.corrcoef(twice, alone)[0, 1] > 0.97
    assert auroc(labels, twice) > auroc(labels, loud) + 0.1


def test_too_few_sources_are_an_error() -> None:
    features = np.zeros((4, 2), np.float32)
    with pytest.raises(ValueError, match="too few"):
        cross_fit(features, np.array([0, 0, 1, 1]), ["a", "a", "b", "b"], ())


def test_a_weighted_quantile_counts_weight_and_not_heads() -> None:
    values, even = np.arange(100.0), np.ones(100)
    assert weighted_quantile(values, even, 0.05) == 94.0
    heavy = np.where(values == 50, 1e6, 1.0)
    assert weighted_quantile(values, heavy, 0.5) == 50.0


def test_a_picture_unlike_all_others_lies_beyond_the_limit() -> None:
    rng = np.random.default_rng(2)
    centres = rng.normal(0, 5, (6, 200))
    features = (centres[np.arange(600) % 6] + rng.normal(0, 1, (600, 200))).astype(np.float32)
    near = neighbourhood(features, [f"source {i // 6 % 10}" for i in range(600)])
    own = np.mean([near.around(row)[0] > near.limit for row in features])
    strangers = rng.normal(0, 5, (20, 200)).astype(np.float32)
    assert own < 0.02
    assert np.mean([near.around(row)[0] > near.limit for row in strangers]) > 0.9


def test_distances_need_more_pictures_than_dimensions() -> None:
    with pytest.raises(ValueError, match=str(N_DIMENSIONS)):
        neighbourhood(np.zeros((N_DIMENSIONS, 100), np.float32), ["a"] * N_DIMENSIONS)
