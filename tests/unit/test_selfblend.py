"""Self-blended faces: inside the face, exact outside, and honest where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from generators.catalog import GENERATORS
from generators.faces import Face, find_faces
from generators.images import Pixels, to_float
from generators.selfblend import SelfBlend, outline, self_blend
from tests.make_media import photo


@pytest.fixture(scope="module")
def portrait() -> Pixels:
    """(240, 240, 3): the head and shoulders."""
    return np.ascontiguousarray(astronaut()[:240, 100:340])


@pytest.fixture(scope="module")
def face(portrait: Pixels) -> Face:
    return find_faces(portrait)[0]


def drawn(angle_rad: float, half_profile: float = 1.0) -> Face:
    """A face at (100, 80), eyes 40 px apart, turned by an angle and away from the camera."""
    upright = np.array([[-20 * half_profile, 0], [20 * half_profile, 0], [0, 22], [-15, 44], [15, 44]])
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    points = upright @ np.array([[cos, sin], [-sin, cos]]) + [100, 80]
    return Face((0, 0, 1, 1), points.astype(np.float32), 1.0)


def test_pixels_outside_the_mask_are_untouched_and_inside_they_change(portrait: Pixels, face: Face) -> None:
    before = portrait.copy()
    for seed in range(12):
        forged = self_blend(portrait, face, np.random.default_rng(seed))
        assert np.array_equal(forged.pixels[~forged.mask], portrait[~forged.mask])
        changed = (forged.pixels != portrait).any(axis=2)
        assert changed[forged.mask].mean() > 0.5
    assert np.array_equal(portrait, before)


def test_the_mask_holds_the_face_and_little_else(portrait: Pixels, face: Face) -> None:
    y, x = np.indices(portrait.shape[:2])
    left, top, right, bottom = face.box
    in_box = (x > left) & (x < right) & (y > top) & (y < bottom)
    for seed in range(12):
        mask = self_blend(portrait, face, np.random.default_rng(seed)).mask
        columns, rows = np.rint(face.points).astype(int).T
        assert mask[rows, columns].all()
        assert mask[in_box].mean() > 0.45 and mask[~in_box].mean() < 0.1


@pytest.mark.parametrize("angle_rad", [0.0, 0.7, -1.5, 3.0])
def test_the_outline_turns_with_the_face(angle_rad: float) -> None:
    upright, turned = (outline((200, 200), drawn(angle), np.random.default_rng(4)) for angle in (0.0, angle_rad))
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    assert np.allclose((upright - [100, 80]) @ np.array([[cos, sin], [-sin, cos]]) + [100, 80], turned, atol=1e-3)


def test_a_half_profile_has_no_narrower_outline() -> None:
    front, half = (outline((200, 200), drawn(0.0, share), np.random.default_rng(4)) for share in (1.0, 0.4))
    assert np.allclose(front, half, atol=1e-3)


def test_forging_takes_the_face_and_says_where(portrait: Pixels, face: Face) -> None:
    none = photo(1, width=240, height=240)
    fakes = SelfBlend().forge(to_float(np.stack([portrait, none])), seed=1)
    said = [float(edge) for edge in fakes.recipes[0].removeprefix("self-blend, face at ").partition(";")[0].split(", ")]
    assert said == pytest.approx(face.box, abs=8)
    assert fakes.recipes[1].startswith("self-blend, no face found, the middle taken")
    mask = fakes.masks[1, 0] > 0
    assert mask[120, 120] and not mask[[0, 0, -1, -1], [0, -1, 0, -1]].any()


def test_the_seed_alone_decides_and_no_neighbour_does(portrait: Pixels) -> None:
    sources = to_float(np.stack([portrait, portrait[:, ::-1]]))
    both, again = (SelfBlend().forge(sources, seed=5) for _ in range(2))
    assert np.array_equal(both.images, again.images) and np.array_equal(both.masks, again.masks)
    alone = SelfBlend().forge(sources[1:], seed=6)
    assert np.array_equal(alone.images[0], both.images[1]) and alone.recipes[0] == both.recipes[1]
    assert not np.array_equal(SelfBlend().forge(sources[1:], seed=7).images, alone.images)


def test_it_is_in_the_catalogue() -> None:
    assert GENERATORS.load("selfblend") is SelfBlend
