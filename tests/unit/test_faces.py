"""Faces: found where there is one, in the right place at any size, and not in noise; weights are read, never run."""

from __future__ import annotations

import io
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut, chelsea

from benchmarks.torch_files import _view, read_pickle, read_tensors
from generators import mtcnn
from generators.faces import face_share, find_faces
from generators.images import Pixels
from tests.make_media import photo

EYES_NOSE_MOUTH = np.array([[203, 101], [247, 104], [225, 128], [204, 140], [244, 142]])
"""In skimage's photo of an astronaut, by eye."""


@pytest.fixture(scope="module")
def portrait() -> Pixels:
    """(256, 256, 3): the head and shoulders."""
    return np.ascontiguousarray(astronaut()[:256, 100:356])


def resized(pixels: Pixels, side_px: int) -> Pixels:
    return np.asarray(cv2.resize(pixels, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)


def test_points_are_where_eyes_nose_and_mouth_are(portrait: Pixels) -> None:
    (face,) = find_faces(portrait)
    assert np.abs(face.points - (EYES_NOSE_MOUTH - [100, 0])).max() < 4
    left, top, right, bottom = face.box
    assert (face.points > (left, top)).all() and (face.points < (right, bottom)).all()
    assert face.confidence > 0.99


@pytest.mark.parametrize("side_px", [64, 128])
def test_a_smaller_picture_has_the_face_in_the_same_place(side_px: int, portrait: Pixels) -> None:
    (large,), (small,) = find_faces(portrait), find_faces(resized(portrait, side_px), min_side_px=12)
    scale = 256 / side_px
    assert np.abs((small.points + 0.5) * scale - 0.5 - large.points).max() < 6


def test_a_face_at_the_edge_has_its_points_in_the_same_place(portrait: Pixels) -> None:
    (whole,) = find_faces(portrait)
    left, top, right, bottom = (round(edge) for edge in whole.box)
    corner = np.array([left + 4, top + 4])
    (cut,) = find_faces(np.ascontiguousarray(portrait[top + 4 : bottom, left + 4 : right - 4]))
    assert cut.box[0] < 0 and np.abs(cut.points + corner - whole.points).max() < 4


def test_the_same_picture_gives_the_same_faces(portrait: Pixels) -> None:
    two = np.hstack([portrait, resized(portrait, 128).repeat(2, axis=0).repeat(2, axis=1)])
    first, second = find_faces(two), find_faces(two.copy())
    assert len(first) == 2
    for a, b in zip(first, second, strict=True):
        assert a.box == b.box and a.confidence == b.confidence and np.array_equal(a.points, b.points)
    assert first[0].area_px >= first[1].area_px


def test_inside_a_picture_the_cascade_is_that_of_facenet(portrait: Pixels) -> None:
    from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
    from facenet_pytorch.models.utils.detect_face import detect_face

    theirs, exact = [kind(pretrained=False) for kind in (PNet, RNet, ONet)], {}
    for network in theirs:
        name = type(network).__name__.lower()
        tensors = read_tensors(Path(str(files("facenet_pytorch") / "data" / f"{name}.pt")))
        network.load_state_dict({key: torch.from_numpy(values) for key, values in tensors.items()})
        exact |= {f"{name}.{number:02}": values for number, values in enumerate(tensors.values())}
    with torch.inference_mode():
        wanted, places = detect_face(portrait, 30, *theirs, [0.6, 0.7, 0.7], 0.709, torch.device("cpu"))
    # What ships has two networks in float16.
    for networks, error_px in ((mtcnn.stages(exact), 1e-2), (None, 0.2)):
        boxes, points = mtcnn.detect(portrait, 30, networks)
        assert len(boxes) == 1
        assert np.allclose(boxes, wanted[0].astype(np.float32), atol=error_px)
        assert np.allclose(points, places[0].astype(np.float32), atol=error_px)


@pytest.mark.parametrize("size", [(64, 64), (200, 150), (1, 1), (5, 300)])
def test_there_is_no_face_in_noise(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (*size, 3)).astype(np.uint8)
    assert find_faces(noise, min_side_px=12) == () == find_faces(np.full_like(noise, 128))


def test_the_share_counts_pictures_not_faces(portrait: Pixels) -> None:
    none, two = photo(1, width=160, height=120), np.hstack([portrait, portrait])
    cat = np.ascontiguousarray(chelsea())
    found = face_share([two, none, portrait, cat])
    assert (found.n_found, found.n) == (2, 4)
    assert str(found).startswith("2 of 4 (50.0%, 95 % interval 15.0% to 85.0%)")


def test_wrong_pictures_are_named() -> None:
    with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8"):
        find_faces(np.zeros((64, 64), np.uint8))
    with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8"):
        find_faces(np.zeros((0, 64, 3), np.uint8))


def test_a_state_dict_is_read_as_torch_writes_it(tmp_path: Path) -> None:
    layers = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict()
    layers["turned"] = torch.arange(6.0).view(2, 3).T  # not contiguous
    torch.save(layers, tmp_path / "weights.pt", _use_new_zipfile_serialization=False)
    found = read_tensors(tmp_path / "weights.pt")
    assert list(found) == list(layers)
    assert all(np.array_equal(found[name], layers[name].numpy()) for name in layers)
    assert all(found[name].dtype == layers[name].numpy().dtype for name in layers)


def test_a_pickle_that_calls_something_is_only_looked_at(tmp_path: Path) -> None:
    trap = b"\x80\x02cos\nsystem\nX\x05\x00\x00\x00false\x85R."
    assert read_pickle(io.BytesIO(trap)) == ("os system", ("false",))
    (tmp_path / "trap.pt").write_bytes(trap * 4)
    with pytest.raises(ValueError, match=r"trap\.pt holds no tensors"):
        read_tensors(tmp_path / "trap.pt")


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(64)}, tmp_path / "w.pt", _use_new_zipfile_serialization=False)
    whole = (tmp_path / "w.pt").read_bytes()
    for end in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.pt").write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"cut\.pt holds no tensors"):
            read_tensors(tmp_path / "cut.pt")
    with pytest.raises(FileNotFoundError):
        read_tensors(tmp_path / "none.pt")


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(0, (3,), (1,)), (1, (2,), (1,)), (-1, (1,), (1,)), (0, (9, 9), (0, 0)), (0, (2, 2), (1, 1))],
)
def test_a_tensor_that_reaches_beyond_its_storage_is_refused(
    offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    assert _view(np.arange(2.0), 1, (1,), (1,)).tolist() == [1.0]
    with pytest.raises(ValueError, match="beyond its storage"):
        _view(np.arange(2.0), offset, size, stride)


def test_sums_of_a_picture_with_more_brightness_than_their_numbers_hold_are_right() -> None:
    white = np.full((3000, 3000, 3), 250, np.uint8)  # 2.25e9 in all
    (small,) = mtcnn._Image(white).resized(7, 5)
    assert np.allclose(small, (250 - 127.5) / 128)
    boxes = np.array([[2990, 2990, 3009, 3009, 1]], np.float32)
    _, (corner,) = mtcnn._Image(white).crops(boxes, 24)
    assert np.allclose(corner[:, :12, :12], (250 - 127.5) / 128) and np.allclose(corner[:, 14:], -127.5 / 128)


def test_faces_are_found_without_torch() -> None:
    program = """
import sys, numpy as np
from generators.faces import find_faces
find_faces(np.zeros((200, 200, 3), np.uint8))
assert "generators.mtcnn" in sys.modules and "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
