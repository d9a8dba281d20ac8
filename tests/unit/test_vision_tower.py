"""The tower against an independent implementation, made with random weights at test time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import vision_tower
from detectors.vision_tower import (
    EPSILON,
    GRID,
    MEAN,
    N_HEADS,
    PATCH_PX,
    QUICK_GELU,
    SIDE_PX,
    STD,
    WIDTH,
    VisionTower,
    places,
    quantize,
)
from generators.onnx_session import cpu_session
from tests.make_tower import random_tower

Array = NDArray[np.float64]


def _norm(x: Array, weight: Array, bias: Array) -> Array:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + EPSILON) * weight + bias


def _tokens_by_the_paper(tensors: dict[str, NDArray[np.generic]], pixels: NDArray[np.uint8], n_blocks: int) -> Array:
    """Dosovitskiy et al. 2021, equations 1 to 3, one picture, in float64 and without any library of networks."""
    t = {name: np.asarray(value, np.float64) for name, value in tensors.items()}
    values = ((pixels / 255.0 - MEAN) / STD).transpose(2, 0, 1)
    grid = len(pixels) // PATCH_PX
    cut = values.reshape(3, grid, PATCH_PX, grid, PATCH_PX).transpose(1, 3, 0, 2, 4).reshape(grid * grid, -1)
    position = np.concatenate([t["position"][:1], places(tensors["position"], grid)])
    x = np.concatenate([t["class"][None], cut @ t["patch.weight"].reshape(WIDTH, -1).T]) + position
    x = _norm(x, t["norm.weight"], t["norm.bias"])

    def linear(y: Array, name: str) -> Array:
        return y @ (t[f"{name}.weight"] * t[f"{name}.scale"]) + t[f"{name}.bias"]

    for i in range(n_blocks):
        y = _norm(x, t[f"{i}.norm1.weight"], t[f"{i}.norm1.bias"])
        query, key, value = (
            linear(y, f"{i}.{name}").reshape(len(y), N_HEADS, -1).transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(WIDTH / N_HEADS)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (weights / weights.sum(-1, keepdims=True)) @ value
        x = x + linear(mixed.transpose(1, 0, 2).reshape(len(y), WIDTH), f"{i}.output")
        up = linear(_norm(x, t[f"{i}.norm2.weight"], t[f"{i}.norm2.bias"]), f"{i}.up")
        x = x + linear(up / (1 + np.exp(-QUICK_GELU * up)), f"{i}.down")
    return x


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (2, SIDE_PX, SIDE_PX, 3), np.uint8)


@pytest.mark.parametrize(("side_px", "rounded"), [(SIDE_PX, True), (SIDE_PX, False), (48, True), (48, False)])
def test_tokens_are_those_of_the_paper(pictures: NDArray[np.uint8], side_px: int, rounded: bool) -> None:
    tensors = random_tower(n_blocks=2, seed=5)
    seen = np.ascontiguousarray(pictures[:1, :side_px, :side_px])
    (first, second) = VisionTower(tensors, (1, 2), n_threads=1, rounded=rounded).tokens(seen)
    for n_blocks, found in ((1, first), (2, second)):
        expected = _tokens_by_the_paper(tensors, seen[0], n_blocks)
        assert found.shape == (1, 1 + (side_px // PATCH_PX) ** 2, WIDTH)
        # Activations may be rounded to 8 bits in blocks; a wrong operation is off by far more.
        assert np.abs(found[0] - expected).max() < (0.01 if rounded else 1e-5) * np.abs(expected).max()
        lengths = np.linalg.norm(found[0], axis=1) * np.linalg.norm(expected, axis=1)
        assert ((found[0] * expected).sum(axis=1) / lengths).min() > 0.9999


def test_a_batch_is_the_same_pictures_one_by_one(pictures: NDArray[np.uint8]) -> None:
    tower = VisionTower(random_tower(n_blocks=1, seed=5), (1,), n_threads=1)
    together, alone = tower.tokens(pictures)[0], [tower.tokens(pictures[i : i + 1])[0][0] for i in range(2)]
    assert np.abs(together - np.stack(alone)).max() < 1e-4
    assert not np.allclose(together[0], together[1])


class CountedSession:
    """A session that says when it runs."""

    def __init__(self, session: Any, runs: list[list[str]]) -> None:
        self._session, self._runs = session, runs

    def run(self, names: list[str], given: dict[str, Any]) -> Any:
        self._runs.append(names)
        return self._session.run(names, given)


@pytest.mark.parametrize("rounded", [True, False])
def test_a_stop_changes_no_bit_and_saves_what_lies_behind_it(
    pictures: NDArray[np.uint8], rounded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors, seen, runs = random_tower(n_blocks=3, seed=5), pictures[:1], list[list[str]]()
    whole = VisionTower(tensors, (1, 2, 3), n_threads=1, rounded=rounded).tokens(seen)
    monkeypatch.setattr(vision_tower, "cpu_session", lambda *a, **k: CountedSession(cpu_session(*a, **k), runs))
    tower = VisionTower(tensors, (1, 2, 3), stop=2, n_threads=1, rounded=rounded)
    assert all(map(np.array_equal, tower.tokens(seen), whole)) and runs == [["block1", "block2"], ["block3"]]
    assert all(np.array_equal(tower.tokens_at(block, seen), whole[block - 1]) for block in (1, 2))
    assert runs[2:] == [["block1", "block2"]] * 2
    assert np.array_equal(tower.tokens_at(3, seen), whole[2])


def test_a_weight_and_its_int8_form_differ_by_half_a_step_at_most() -> None:
    weight = np.random.default_rng(1).normal(0, 0.1, (64, 8)).astype(np.float32)
    stored, scale = quantize(weight)
    assert stored.dtype == np.int8 and scale.shape == (8,)
    assert np.all(np.abs(stored * scale - weight) <= scale / 2 + 1e-7)


def test_places_of_another_side_lie_between_those_there_are() -> None:
    tensors = random_tower(n_blocks=1, seed=5)
    rows, columns = np.mgrid[:GRID, :GRID].astype(np.float32)
    tensors["position"][1:] = (2 * rows + columns).reshape(-1, 1)
    half = places(tensors["position"], GRID // 2)[:, 0].reshape(GRID // 2, GRID // 2)
    # Away from the rim a plane stays that plane: each place lies in the middle of four.
    expected = tensors["position"][1:, 0].reshape(GRID // 2, 2, GRID // 2, 2).mean(axis=(1, 3))
    assert np.allclose(half[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-4)
    assert np.array_equal(places(tensors["position"], GRID), tensors["position"][1:])


def test_a_missing_weight_is_named() -> None:
    tensors = random_tower(n_blocks=1, seed=5)
    del tensors["0.up.bias"]
    with pytest.raises(ValueError, match=r"0\.up\.bias"):
        VisionTower(tensors, (1,))


def test_pictures_of_another_size_are_refused(pictures: NDArray[np.uint8]) -> None:
    tower = VisionTower(random_tower(n_blocks=1, seed=5), (1,), n_threads=1)
    with pytest.raises(ValueError, match="224"):
        tower.tokens(pictures[:, :200])
