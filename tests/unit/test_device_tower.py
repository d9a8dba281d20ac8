"""The tower on a device of torch gives what the one of scans gives, and says in one line what device there is not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from detectors.device_tower import DeviceTower, found_device  # noqa: E402
from detectors.vision_tower import SIDE_PX, VisionTower  # noqa: E402
from tests.make_media import photo  # noqa: E402
from tests.make_tower import random_tower  # noqa: E402

WEIGHTS = random_tower(n_blocks=2, seed=1)
BLOCKS = (1, 2)
PICTURES = np.stack([photo(i, width=SIDE_PX, height=SIDE_PX) for i in range(2)])

LEAST_COSINE = 0.999
"""Of single tokens: the tower of scans rounds activations to 8 bits, a graphics card to float16."""


@pytest.mark.parametrize(("half", "side_px"), [(False, SIDE_PX), (True, SIDE_PX), (False, 128), (True, 128)])
def test_tokens_are_those_of_the_tower_of_scans(half: bool, side_px: int) -> None:
    seen = PICTURES[:, :side_px, :side_px]
    scanned = VisionTower(WEIGHTS, BLOCKS, n_threads=1).tokens(seen)
    found = DeviceTower(WEIGHTS, BLOCKS, "cpu", half=half).tokens(seen)
    for own, other in zip(found, scanned, strict=True):
        assert own.shape == other.shape and own.dtype == np.float32
        lengths = np.linalg.norm(own, axis=2) * np.linalg.norm(other, axis=2)
        assert ((own * other).sum(axis=2) / lengths).min() > LEAST_COSINE


def test_a_picture_has_the_tokens_that_it_has_alone() -> None:
    tower = DeviceTower(WEIGHTS, BLOCKS, "cpu")
    (_, together), (_, alone) = tower.tokens(PICTURES), tower.tokens(PICTURES[1:])
    # Sums of products are taken in another order.
    assert np.abs(together[1] - alone[0]).max() < 1e-4 * np.abs(alone).max()


@pytest.mark.parametrize("seen", [PICTURES[:, :8], PICTURES[:, :100, :100], PICTURES.astype(np.float32)])
def test_what_is_no_picture_is_refused(seen: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="pixels must be"):
        DeviceTower(WEIGHTS, BLOCKS, "cpu").tokens(seen)


@pytest.mark.parametrize("name", ["gpu", "cpu:0", "cuda:", "cuda:x", "cuda:0 "])
def test_a_device_has_a_name_of_torch(name: str) -> None:
    with pytest.raises(ValueError, match=r"^a device is called cpu, cuda or cuda:1, not "):
        found_device(name)


@pytest.mark.parametrize(("n_cards", "name", "found"), [(0, "cuda", "no CUDA devices"), (1, "cuda:1", "1 CUDA device")])
def test_a_device_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, n_cards: int, name: str, found: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: n_cards > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_cards)
    with pytest.raises(ValueError, match=rf"^there is no device {name} here: torch \S+ finds {found}$"):
        found_device(name)


def test_a_device_that_is_there_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [found_device(name) for name in ("cuda", "cuda:1", "cpu")] == [
        torch.device("cuda"),
        torch.device("cuda", 1),
        torch.device("cpu"),
    ]
