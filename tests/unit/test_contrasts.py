"""Pictures of sources with both classes, beside the middle of their source: what it shows has gone from them."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.contrasts import N_LEAST, contrasts
from detectors.metrics import auroc
from detectors.probe import Scenes, fit

N_FEATURES = 12


def _both(name: str, seed: int, *, n: int = N_LEAST) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """A source with as many fakes as photos: what it shows is its own, and fakes differ along the last axis."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], n)
    features = rng.normal(0, 1, (2 * n, N_FEATURES)) + rng.normal(0, 5, N_FEATURES)
    features[:, -1] += 1.5 * labels
    return features.astype(np.float32), labels, [name] * len(labels)


def test_what_all_pictures_of_a_source_share_changes_no_contrast() -> None:
    features, labels, sources = _both("quiz", 1)
    weight = np.random.default_rng(2).uniform(0.5, 2, len(labels))
    here = contrasts(features, labels, sources, weight, 0.5)
    elsewhere = contrasts(features + np.float32(7), labels, sources, weight, 0.5)
    assert np.allclose(here.rows, elsewhere.rows, atol=1e-5)
    means = [np.average(here.rows[here.labels == k], axis=0, weights=here.weight[here.labels == k]) for k in (0, 1)]
    assert np.allclose(means[0], -means[1], atol=1e-5), "the classes lie around the middle"


def test_sources_and_their_classes_weigh_alike_and_all_of_them_the_stated_share() -> None:
    small, large = _both("small", 1), _both("large", 2, n=4 * N_LEAST)
    features, labels = np.concatenate([small[0], large[0]]), np.concatenate([small[1], large[1]])
    weight = np.random.default_rng(3).uniform(0.5, 2, len(labels))
    found = contrasts(features, labels, [*small[2], *large[2]], weight, 0.3)
    assert found.weight.sum() == pytest.approx(0.3 * weight.sum())
    assert found.weight[found.labels == 1].sum() == pytest.approx(found.weight.sum() / 2)
    n_small = 2 * N_LEAST
    # Sources come in the order of their names.
    assert found.weight[-n_small:].sum() == pytest.approx(found.weight.sum() / 2)


def test_a_source_with_one_class_or_too_few_of_the_other_gives_no_contrasts() -> None:
    features, labels, sources = _both("quiz", 1)
    one_class = contrasts(features, np.zeros_like(labels), sources, np.ones(len(labels)), 1.0)
    too_few = contrasts(features[1:], labels[1:], sources[1:], np.ones(len(labels) - 1), 1.0)
    assert len(one_class.rows) == len(too_few.rows) == 0 and too_few.rows.shape[1] == N_FEATURES


def test_a_reading_with_contrasts_tells_the_classes_better_where_the_scene_is_the_same() -> None:
    rng = np.random.default_rng(4)
    photos = rng.normal(0, 1, (400, N_FEATURES)).astype(np.float32)
    glossy = rng.normal(0, 1, (400, N_FEATURES)).astype(np.float32)
    glossy[:, 0] += 6  # the scenes of these fakes give them away; they bear no trace
    matched = [_both(f"quiz {i}", 10 + i) for i in range(4)]
    features = np.concatenate([photos, glossy, *(rows for rows, _, _ in matched)])
    labels = np.concatenate([np.repeat([0, 1], 400), *(own for _, own, _ in matched)])
    sources = ["photos"] * 400 + ["glossy"] * 400 + [name for _, _, names in matched for name in names]
    unseen, truth, _ = _both("another", 99, n=1000)
    plain, contrasted = (
        fit(features, labels, np.ones(len(labels)), sources, Scenes(np.full(len(labels), ""), contrast=share))
        for share in (0.0, 1.0)
    )
    assert auroc(truth, contrasted.logits(unseen)) > auroc(truth, plain.logits(unseen)) + 0.02
