"""What several detectors look at goes through the tower once, and comes out the same."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.face_features import BLOCK
from detectors.shared_tower import N_REMEMBERED, RememberingTower, shared_tower, use_tower
from detectors.synthetic import Synthetic
from detectors.temporal import Temporal
from detectors.token_features import BLOCKS
from detectors.tower_reading import look_with_tower
from detectors.vision_tower import SIDE_PX, Tokens, VisionTower
from forensics.settings import Limits
from tests.make_media import photo
from tests.make_tower import ColourTower, random_tower

TENSORS = random_tower(n_blocks=1, seed=1)


class Counted(VisionTower):
    """Counts how often it is asked."""

    n = 0

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """As any tower."""
        self.n += 1
        return super().tokens(pixels)


def pictures(n: int) -> NDArray[np.uint8]:
    """(n, SIDE_PX, SIDE_PX, 3) of noise."""
    return np.random.default_rng(n).integers(0, 256, (n, SIDE_PX, SIDE_PX, 3), np.uint8)


@pytest.fixture
def tower() -> tuple[RememberingTower, Counted]:
    """A tower, and the one that it asks."""
    counted = Counted(TENSORS, (1,), n_threads=1)
    return RememberingTower(counted), counted


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


def test_what_nobody_asks_for_twice_pushes_nothing_out(tower: tuple[RememberingTower, Counted]) -> None:
    whole, *faces = pictures(N_REMEMBERED + 1)
    seen = tower[0].tokens(whole[None])
    for face in faces:
        assert np.array_equal(tower[0].tokens_at(1, face[None]), tower[1].tokens(face[None])[0])
    asked = tower[1].n
    assert tower[0].tokens(whole[None])[0] is seen[0] and tower[1].n == asked


def test_a_tower_that_cannot_stop_early_is_asked_for_all() -> None:
    elsewhere, seen = ColourTower(), pictures(1)
    use_tower(elsewhere)
    try:
        found = look_with_tower(seen)
    finally:
        use_tower(None)
    assert elsewhere.n_calls == 1 and np.array_equal(found, ColourTower().tokens(seen)[BLOCKS.index(BLOCK)])


def test_a_clip_that_two_detectors_look_at_goes_through_once() -> None:
    elsewhere, frames = ColourTower(), [photo(seed, width=96, height=72) for seed in range(Limits().n_frames)]
    use_tower(elsewhere)
    try:
        Synthetic().score(frames)
        Temporal().score_clip(frames)
    finally:
        use_tower(None)
    assert elsewhere.n_calls == len(frames)


def test_what_is_remembered_cannot_be_written_to(tower: tuple[RememberingTower, Counted]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        tower[0].tokens(pictures(1))[0][0] = 0


def test_batches_and_wrong_pictures_are_treated_as_by_any_tower(tower: tuple[RememberingTower, Counted]) -> None:
    batch = pictures(2)
    assert np.array_equal(tower[0].tokens(batch)[0], VisionTower(TENSORS, (1,), n_threads=1).tokens(batch)[0])
    with pytest.raises(ValueError, match="pixels must be"):
        tower[0].tokens(batch[:, :8])


def test_pictures_of_all_sides_go_through_one_tower(tower: tuple[RememberingTower, Counted]) -> None:
    whole, small = pictures(1), pictures(1)[:, :128, :128]
    for seen in (whole, small, whole, small):
        tower[0].tokens(seen)
    assert tower[1].n == 2


@pytest.mark.parametrize("side_px", [SIDE_PX, 128])
def test_a_process_that_is_told_of_another_tower_asks_that_one(side_px: int) -> None:
    elsewhere, seen = ColourTower(), pictures(1)[:, :side_px, :side_px]
    use_tower(elsewhere)
    try:
        found = [shared_tower().tokens(seen) for _ in range(2)]
    finally:
        use_tower(None)
    assert elsewhere.n_calls == 1 and np.array_equal(found[0][0], ColourTower().tokens(seen)[0])
