"""What several detectors look at goes through the tower once, and comes out the same."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.shared_tower import N_REMEMBERED, RememberingTower
from detectors.vision_tower import SIDE_PX, VisionTower
from tests.make_tower import random_tower

TENSORS = random_tower(n_blocks=1, seed=1)


class Counted:
    """Stands for the runtime and counts how often it runs."""

    def __init__(self, tower: VisionTower) -> None:
        self.n, self._session = 0, tower._session

    def run(self, *given: object) -> object:
        """As the runtime does."""
        self.n += 1
        return self._session.run(*given)


def pictures(n: int) -> np.ndarray:  # type: ignore[type-arg]
    """(n, SIDE_PX, SIDE_PX, 3) of noise."""
    return np.random.default_rng(n).integers(0, 256, (n, SIDE_PX, SIDE_PX, 3), np.uint8)


@pytest.fixture
def tower() -> tuple[RememberingTower, Counted]:
    """A tower whose runs are counted."""
    made = RememberingTower(TENSORS, (1,), n_threads=1)
    made._session = counted = Counted(made)
    return made, counted


def test_a_picture_that_was_just_seen_goes_through_once(tower: tuple[RememberingTower, Counted]) -> None:
    first, second = pictures(2)[:1], pictures(2)[1:]
    for seen in (first, second, first, second):
        assert np.array_equal(tower[0].tokens(seen)[0], VisionTower(TENSORS, (1,), n_threads=1).tokens(seen)[0])
    assert tower[1].n == 2


def test_only_the_last_few_are_remembered(tower: tuple[RememberingTower, Counted]) -> None:
    many = pictures(N_REMEMBERED + 1)
    for seen in (*many, many[0]):
        tower[0].tokens(seen[None])
    assert tower[1].n == len(many) + 1


def test_what_is_remembered_cannot_be_written_to(tower: tuple[RememberingTower, Counted]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        tower[0].tokens(pictures(1))[0][0] = 0


def test_batches_and_wrong_pictures_are_treated_as_by_any_tower(tower: tuple[RememberingTower, Counted]) -> None:
    batch = pictures(2)
    assert np.array_equal(tower[0].tokens(batch)[0], VisionTower(TENSORS, (1,), n_threads=1).tokens(batch)[0])
    with pytest.raises(ValueError, match="pixels must be"):
        tower[0].tokens(batch[:, :8])
