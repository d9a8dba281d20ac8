"""What real faces become for training: the rest of the picture stays, the face stays in place, detail is lost alike."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from detectors.data import Example
from detectors.face_blends import ORIGIN_PX, mirrored_swap, of_poor_origin
from detectors.face_crops import longer_side
from detectors.face_versions import BLEND, LISTED, MIRROR, N_AS_THEY_ARE, REAL, versions_of
from generators.faces import Face, find_faces
from generators.images import Pixels
from tests.make_media import photo

SEEDS = range(8)


@pytest.fixture(scope="module")
def portrait() -> Pixels:
    """(320, 320, 3): one face of about 130 pixels."""
    head = np.ascontiguousarray(astronaut()[:256, 100:356])
    return np.asarray(cv2.resize(head, (320, 320), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="module")
def face(portrait: Pixels) -> Face:
    return find_faces(portrait)[0]


def detail(pixels: Pixels) -> float:
    return float(cv2.Laplacian(pixels.mean(axis=2), cv2.CV_64F).var())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mirrored_swap_touches_the_face_alone(seed: int, portrait: Pixels, face: Face) -> None:
    made = mirrored_swap(portrait, face, np.random.default_rng(seed))
    assert np.array_equal(made.pixels[~made.mask], portrait[~made.mask])
    nose = np.rint(face.points[2]).astype(int)
    assert made.mask[nose[1], nose[0]] and 0.02 < made.mask.mean() < 0.6
    assert np.abs(made.pixels.astype(int) - portrait)[made.mask].mean() > 1


def test_a_face_that_is_its_own_mirror_image_changes_least(portrait: Pixels, face: Face) -> None:
    middle = round(float(face.points[:, 0].mean()))
    half = portrait[:, :middle]
    even = np.ascontiguousarray(np.hstack([half, half[:, ::-1]]))
    (own,) = find_faces(even)
    uneven = even.copy()
    uneven[:, middle:] = uneven[:, middle:] // 2

    def change(pixels: Pixels, seed: int) -> float:
        made = mirrored_swap(pixels, own, np.random.default_rng(seed))
        return float(np.abs(made.pixels.astype(int) - pixels)[made.mask].mean())

    assert all(change(even, seed) < change(uneven, seed) for seed in SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_poor_origin_takes_detail_and_leaves_the_face_in_its_place(seed: int, portrait: Pixels, face: Face) -> None:
    poor, own = of_poor_origin(portrait, face, np.random.default_rng(seed))
    assert poor.shape[0] <= portrait.shape[0] and longer_side(own) >= min(ORIGIN_PX[0], longer_side(face)) - 1
    assert np.allclose(own.points / poor.shape[0], face.points / portrait.shape[0], atol=1e-3)
    assert not np.array_equal(poor, portrait)
    back = np.asarray(cv2.resize(poor, portrait.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
    assert detail(back) < detail(portrait)
    shown = portrait.mean(axis=2).ravel()
    assert np.corrcoef(back.mean(axis=2).ravel(), shown)[0, 1] > 0.9


def test_the_same_draws_make_the_same_face(portrait: Pixels, face: Face) -> None:
    one, two = (mirrored_swap(portrait, face, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.pixels, two.pixels) and np.array_equal(one.mask, two.mask)


def test_what_is_made_begins_with_the_origin_of_its_real_face(portrait: Pixels, tmp_path: Path) -> None:
    Image.fromarray(portrait).save(tmp_path / "face.png")
    example = Example(tmp_path / "face.png", 0, "camera")
    sharp, poor = (versions_of(portrait, example, view, 1, is_aligned=False) for view in (0, N_AS_THEY_ARE))
    for made in (sharp, poor):
        assert [version.kind for version in made] == [REAL, BLEND, MIRROR]
        real, *blends = made
        assert real.mask is not None and not real.mask.any()
        for blend in blends:
            assert blend.mask is not None and np.array_equal(blend.pixels[~blend.mask], real.pixels[~blend.mask])
    assert not np.array_equal(sharp[0].pixels, poor[0].pixels)


def test_a_listed_fake_is_itself_and_a_wall_makes_nothing(portrait: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "swap.png"
    (listed,) = versions_of(portrait, Example(path, 1, "swaps"), 0, 1, is_aligned=False)
    assert listed.kind == LISTED and listed.mask is None and np.array_equal(listed.pixels, portrait)
    assert versions_of(photo(3, width=256, height=192), Example(path, 0, "camera"), 0, 1, is_aligned=False) == []
