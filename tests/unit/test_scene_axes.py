"""What tells scenes apart is not what tells makers: a reading that is kept off the former does better on strangers."""

from __future__ import annotations

import numpy as np

from detectors.metrics import auroc
from detectors.probe import Scenes, fit
from detectors.scene_axes import N_LEAST, N_MOST, scene_axes

N_SOURCES, PER_SOURCE, N_FEATURES = 30, 20, 60


def _photos(seed: int = 0) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Photos whose sources lie apart along the first axis, and their offsets."""
    rng = np.random.default_rng(seed)
    offsets = rng.normal(0, 5, N_SOURCES)
    features = rng.normal(0, 1, (N_SOURCES * PER_SOURCE, N_FEATURES)).astype(np.float32)
    features[:, 0] += np.repeat(offsets, PER_SOURCE)
    return features, [f"source {i}" for i in range(N_SOURCES) for _ in range(PER_SOURCE)], offsets


def test_the_longest_axis_lies_where_photos_of_different_sources_lie_apart() -> None:
    features, sources, offsets = _photos()
    found = scene_axes(features, np.zeros(len(features), np.int64), sources, [""] * len(features))
    assert abs(found.axes[0, 0]) > 0.99
    assert abs(float(found.variance[0]) / offsets.var() - 1) < 0.1
    assert np.allclose(found.axes @ found.axes.T, np.eye(len(found.axes)), atol=1e-4)


def test_fakes_of_different_sources_are_not_compared_but_their_contents_are() -> None:
    features, sources, _ = _photos()
    fakes = np.ones(len(features), np.int64)
    assert len(scene_axes(features, fakes, sources, [""] * len(features)).axes) == 0
    assert abs(scene_axes(features, fakes, sources, sources).axes[0, 0]) > 0.99


def test_small_groups_are_left_out_and_large_ones_weigh_no_more_than_a_bound() -> None:
    few = np.zeros((N_LEAST - 1, 4), np.float32) + 9
    many = np.tile(np.eye(4, dtype=np.float32)[:1], (N_MOST, 1))
    huge = np.tile(-np.eye(4, dtype=np.float32)[:1], (50 * N_MOST, 1))
    rows = np.concatenate([few, many, huge])
    sources = ["few"] * len(few) + ["many"] * len(many) + ["huge"] * len(huge)
    found = scene_axes(rows, np.zeros(len(rows), np.int64), sources, [""] * len(rows))
    assert np.isclose(found.variance.max(), 1.0)  # Two groups of equal weight at -1 and 1; the few would add to it.


def test_shrinking_is_the_penalty_it_stands_for() -> None:
    features, sources, _ = _photos()
    found = scene_axes(features, np.zeros(len(features), np.int64), sources, [""] * len(features))
    strength, weights = 0.7, np.random.default_rng(1).normal(0, 1, (1, N_FEATURES)).astype(np.float32)
    scatter = (found.axes.T * found.variance) @ found.axes
    # The inverse root of I + strength B, applied twice to (I + strength B) w, is w.
    penalised = (weights @ (np.eye(N_FEATURES) + strength * scatter)).astype(np.float32)
    twice = found.shrunk(found.shrunk(penalised, strength), strength)
    assert np.allclose(twice, weights, atol=1e-3)
    assert np.allclose(found.shrunk(features, 0.0), features, atol=1e-4)
    assert abs(found.shrunk(features, 1e9) @ found.axes[:10].T).max() < 0.02


def test_a_reading_kept_off_the_axes_of_scenes_finds_fakes_of_another_scene() -> None:
    rng = np.random.default_rng(2)
    photos, sources, _ = _photos()
    labels = np.repeat([0, 1], len(photos))
    # Every fake learned from shows one kind of scene, far out on the axis of scenes; its own trace is on the last one.
    fakes = rng.normal(0, 1, photos.shape).astype(np.float32)
    fakes[:, 0] += 12
    fakes[:, -1] += 1.5
    rows = np.concatenate([photos, fakes])
    names = sources + ["made"] * len(fakes)
    elsewhere = rng.normal(0, 1, (2000, N_FEATURES)).astype(np.float32)
    truth = np.arange(2000) % 2
    elsewhere[:, -1] += 1.5 * truth
    elsewhere[:, 0] += rng.normal(0, 12, 2000)
    weight = np.ones(len(rows))
    plain = fit(rows, labels, weight).logits(elsewhere)
    kept_off = fit(rows, labels, weight, names, Scenes(np.array([""] * len(rows)), penalty=10.0)).logits(elsewhere)
    assert auroc(truth, kept_off) > auroc(truth, plain) + 0.05
