"""Faces cut out of pictures, blends beside their own real faces, and a detector that says where."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from detectors.data import Example
from detectors.face import NO_FACE, Face
from detectors.face_crops import MAX_FACES, MIN_FACE_PX, cut_out, located
from detectors.face_features import N_CELL, N_FEATURES, PARTS, REGIONS, cell_features, features, means
from detectors.face_training import FaceSettings, train_face, usable_faces
from detectors.face_versions import BLEND, LISTED, MIRROR, REAL
from detectors.face_views import cut_faces
from detectors.vision_tower import GRID, PATCH_PX, SIDE_PX, WIDTH, Tokens
from generators import faces as found_faces
from generators.images import Pixels
from generators.weights import ModelCard
from tests.make_media import photo


def look(pixels: NDArray[np.uint8]) -> Tokens:
    """Tokens that hold mean colour and sharpness of each patch, spread over the width by a fixed matrix."""
    cells = pixels.reshape(len(pixels), GRID, PATCH_PX, GRID, PATCH_PX, 3).astype(np.float32) / 128 - 1
    values = np.concatenate([cells.mean(axis=(2, 4)), cells.std(axis=(2, 4))], axis=3)  # (N, GRID, GRID, 6)
    spread = np.random.default_rng(0).normal(0, 1, (6, WIDTH)).astype(np.float32)
    patches = values.reshape(len(pixels), GRID * GRID, 6) @ spread
    return np.concatenate([patches.mean(axis=1, keepdims=True), patches], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def portrait() -> Pixels:
    """(256, 256, 3): the head and shoulders, one face of about 110 pixels."""
    return np.ascontiguousarray(astronaut()[:256, 100:356])


@pytest.fixture(scope="module")
def examples(portrait: Pixels, tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    """One portrait in the light and sharpness of eight cameras, and two listed swaps."""
    folder, made = tmp_path_factory.mktemp("faces"), []
    for i in range(10):
        rng = np.random.default_rng(i)
        shot = portrait if i % 2 else np.ascontiguousarray(portrait[:, ::-1])
        shot = np.clip(shot * rng.uniform(0.6, 1.2) + rng.normal(0, 3, shot.shape), 0, 255).astype(np.uint8)
        path = folder / f"{i}.png"
        Image.fromarray(shot).save(path)
        made.append(
            Example(path, int(i >= 8), f"camera {i}" if i < 8 else "swaps", family="faceswap" if i >= 8 else "-")
        )
    return made


@pytest.fixture(scope="module")
def trained(examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelCard]:
    out = tmp_path_factory.mktemp("zoo")
    return out, train_face(examples, out, FaceSettings(n_views=4), look=look)


WITHOUT_TORCH = """
import sys
for name in ("torch", "torchvision", "facenet_pytorch", "timm"):
    sys.modules[name] = None
from forensics import Media, Scanner
findings = Scanner().scan(Media.open(sys.argv[1])).findings
assert [region.label for finding in findings if ("detector", "face") in finding.details for region in finding.regions]
"""


def test_a_portrait_is_judged_where_there_is_no_torch(portrait: Pixels, tmp_path: Path) -> None:
    Image.fromarray(portrait).save(tmp_path / "portrait.png")
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, str(tmp_path / "portrait.png")], check=True)


def test_a_face_is_found_in_a_large_picture_and_cut_out_of_it(portrait: Pixels) -> None:
    wide = np.full((800, 1600, 3), 90, np.uint8)
    wide[200:712, 700:1212] = cv2.resize(portrait, (512, 512), interpolation=cv2.INTER_CUBIC)
    (face,), (small,) = located(wide), found_faces.find_faces(portrait)
    assert np.abs((face.points - [700, 200]) / 2 - small.points).max() < 6
    crop = cut_out(wide, face)
    x, y, side = crop.square
    assert crop.pixels.shape == (SIDE_PX, SIDE_PX, 3)
    assert x < face.box[0] and y < face.box[1] and x + side > face.box[2] and y + side > face.box[3]


def test_faces_under_the_least_size_are_not_judged(portrait: Pixels) -> None:
    (face,) = located(portrait)
    height = face.box[3] - face.box[1]
    for side, n in ((round(256 * 0.8 * MIN_FACE_PX / height), 0), (round(256 * 1.3 * MIN_FACE_PX / height), 1)):
        assert len(located(np.asarray(cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)))) == n


@pytest.mark.parametrize("box", [(-40, -30, 60, 90), (180, 150, 300, 290), (-50, -50, 400, 400), (100, 100, 101, 101)])
def test_a_crop_lies_inside_the_picture_wherever_the_face_is(box: tuple[int, int, int, int]) -> None:
    pixels = photo(1, width=256, height=192)
    crop = cut_out(pixels, found_faces.Face(box, np.zeros((5, 2), np.float32), 1.0))
    x, y, side = crop.square
    assert 0 <= x <= 256 - side and 0 <= y <= 192 - side
    left, top, width, height = crop.box
    assert 0 <= left < left + width <= 256 and 0 <= top < top + height <= 192


def test_the_regions_share_out_every_cell_and_the_inside_is_in_the_middle() -> None:
    assert np.allclose(REGIONS.sum(axis=1), 1) and ((REGIONS > 0).sum(axis=0) == 1).all()
    inside, _, outside = (region.reshape(GRID, GRID) for region in REGIONS)
    assert inside[GRID // 2, GRID // 2] > 0 and outside[0, 0] > 0 and outside[-1, -1] > 0


def test_a_face_that_is_unlike_its_surroundings_has_other_distances() -> None:
    tokens = np.random.default_rng(0).normal(0, 1, (1 + GRID * GRID, WIDTH)).astype(np.float32)
    moved = tokens.copy()
    moved[1:][REGIONS[0] > 0] += 1
    plain, other = features(means(tokens)), features(means(moved))
    assert plain.shape == (N_FEATURES,) and means(tokens).shape == (len(PARTS), WIDTH)
    apart = other.reshape(-1, WIDTH) - plain.reshape(-1, WIDTH)
    assert np.allclose(apart[0], 1, atol=1e-5) and not apart[[1, 2]].any()
    assert apart[3].mean() > 0.5 and apart[4].mean() > 0.5


def test_the_class_token_is_not_read() -> None:
    tokens = np.random.default_rng(0).normal(0, 1, (1 + GRID * GRID, WIDTH)).astype(np.float32)
    other = tokens.copy()
    other[0] += 1
    assert np.array_equal(means(tokens), means(other))


def test_a_cell_like_its_surroundings_has_no_distance_from_them() -> None:
    cells = np.random.default_rng(0).normal(0, 1, (3, WIDTH)).astype(np.float32)
    read = cell_features(cells, cells[1])
    assert read.shape == (3, N_CELL) and np.array_equal(read[:, :WIDTH], cells)
    assert not read[1, WIDTH:].any() and (read[0, WIDTH:] >= 0).all() and read[0, WIDTH:].any()


def test_a_blend_lies_beside_its_own_face_and_its_cells_are_known(examples: list[Example], tmp_path: Path) -> None:
    n_looks = 0

    def counting(pixels: NDArray[np.uint8]) -> Tokens:
        nonlocal n_looks
        n_looks += 1
        return look(pixels)

    first = cut_faces(counting, examples[7:9], n_views=2, seed=1, cache=tmp_path)
    assert first.kinds.count(REAL) == first.kinds.count(BLEND) == first.kinds.count(MIRROR) > 0
    assert LISTED in first.kinds
    blended = np.isin(first.kinds, (BLEND, MIRROR))
    assert first.blended[blended].max() > 0.9 and not first.blended[~blended].any()
    seen = n_looks
    again = cut_faces(counting, examples[7:9], n_views=2, seed=1, cache=tmp_path)
    assert n_looks == seen and np.array_equal(first.features, again.features)
    assert first.kinds == again.kinds and np.array_equal(first.cells, again.cells)


def test_pictures_without_a_face_teach_nothing(tmp_path: Path) -> None:
    Image.fromarray(photo(3, width=256, height=192)).save(tmp_path / "wall.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    two = [Example(tmp_path / name, 0, "camera") for name in ("wall.png", "broken.png")]
    rows = cut_faces(look, two, n_views=2, seed=1)
    assert not rows.kinds and rows.features.shape == (0, N_FEATURES)
    assert len(rows.unread) == 1 and "broken.png" in rows.unread[0]
    with pytest.raises(ValueError, match="no face"):
        train_face(two[:1], tmp_path, look=look)


def test_what_is_looked_at_is_every_real_picture_and_swaps_and_no_source_has_too_many(examples: list[Example]) -> None:
    path = examples[0].path
    scene = Example(path, 0, "scenes", content="landscape")
    made = [Example(path, 1, "made", family="diffusion"), Example(path, 1, "drawn", family="edit")]
    assert usable_faces([*examples, *made, scene], FaceSettings()) == (*examples, scene)
    many = [Example(Path(f"{i}.png"), 0, "one camera") for i in range(30)]
    few = usable_faces(many, FaceSettings(most=7))
    assert len(few) == 7 and usable_faces(many[::-1], FaceSettings(most=7)) == few[::-1]
    with pytest.raises(ValueError, match="nothing can be blended"):
        usable_faces(examples[8:], FaceSettings())


def test_a_trained_detector_boxes_the_face_and_maps_it(trained: tuple[Path, ModelCard], portrait: Pixels) -> None:
    zoo, card = trained
    n_views = sum(n for name, n in card.data.items() if name.startswith("real: "))
    assert card.claim == "manipulated" and 0 < card.n_reals <= 8 < n_views
    assert card.data["selfblend: camera 0"] == card.data["mirrored: camera 0"] == card.data["real: camera 0"]
    assert 0.0 <= card.measures["held-out sources, self-blends, AUROC"] <= 1.0
    detector = Face(zoo, look)
    wide = np.hstack([portrait, photo(5, width=320, height=256)])
    scores = detector.score([wide, photo(6, width=256, height=192)])
    assert scores.reasons == (None, NO_FACE) and scores.spots is not None and scores.heat is not None
    ((spot,), nothing) = scores.spots
    assert nothing == () and spot.x < 256 and spot.score == pytest.approx(scores.fake[0])
    assert scores.heat[0].shape == (50, 112) and not scores.heat[0][:, 60:].any() and not scores.heat[1].any()


def test_the_ratio_of_a_group_is_the_mean_of_its_faces(trained: tuple[Path, ModelCard], portrait: Pixels) -> None:
    detector = Face(trained[0], look)
    pair = np.hstack([portrait, portrait[:, ::-1] // 2])
    alone = detector.score([portrait, np.ascontiguousarray(portrait[:, ::-1] // 2), pair])
    assert alone.spots is not None and [len(spots) for spots in alone.spots] == [1, 1, 2]
    odds = [spot.score / (1 - spot.score) for spot in alone.spots[2]]
    assert alone.fake[2] / (1 - alone.fake[2]) == pytest.approx(np.mean(odds), rel=1e-3)
    assert len(located(np.tile(portrait, (2, 3, 1)))) <= MAX_FACES


def test_a_recipe_is_read_and_a_wrong_one_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"most": 5, "edited": ["aligned"]}))
    assert FaceSettings.load(recipe) == FaceSettings(most=5, edited=("aligned",))
    recipe.write_text('{"n_views": 1}')
    with pytest.raises(ValueError, match="recipe"):
        FaceSettings.load(recipe)
