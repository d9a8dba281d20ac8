"""The faces of a picture, each cut out as a square with a margin: what is inside a face is judged against its rim."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from detectors.vision_tower import SIDE_PX
from generators.faces import Face, find_faces
from generators.images import Pixels

MIN_FACE_PX = 64
"""Longer side of the smallest face that is judged: below, washes take away what blends leave."""

WORKED_SIDE_PX = 720
"""Larger pictures are shrunk to look for faces; crops are cut from the picture itself."""

MIN_SHARE = 0.08
"""Of the longer side of a picture: smaller faces are not looked for. On 720 pixels it is 58."""

MARGIN = 1.1
"""Side of the square over the longer side of the face: cheeks, ears and hairline of the person who was there before."""

MAX_FACES = 4
"""The largest ones; a crowd must not cost seconds."""


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """One face, cut out.

    Attributes:
        box: left, top, width, height of the face in the picture, whole pixels inside it.
        square: left, top and side of the crop in the picture.
        pixels: (SIDE_PX, SIDE_PX, 3) uint8 the crop, resized.
    """

    box: tuple[int, int, int, int]
    square: tuple[int, int, int]
    pixels: Pixels


def located(pixels: Pixels) -> tuple[Face, ...]:
    """Faces of at least MIN_FACE_PX, the largest first, MAX_FACES at most, in pixels of the picture."""
    scale = min(1.0, WORKED_SIDE_PX / max(pixels.shape[:2]))
    small = pixels
    if scale < 1.0:
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    # A box is less tall than the face looked for by a fifth at most.
    least = round(max(0.8 * MIN_FACE_PX * scale, MIN_SHARE * max(small.shape[:2])))
    found = [_grown(face, 1 / scale) for face in find_faces(small, min_side_px=least)]
    return tuple(face for face in found if longer_side(face) >= MIN_FACE_PX)[:MAX_FACES]


def longer_side(face: Face) -> float:
    """Of the box, in pixels."""
    return max(face.box[2] - face.box[0], face.box[3] - face.box[1])


def cut_out(pixels: Pixels, face: Face) -> FaceCrop:
    """Cut one face out: the square is moved, then shrunk, until it lies inside the picture, so that nothing is made up.

    Args:
        pixels: (H, W, 3) uint8.
        face: in its pixels.
    """
    height, width = pixels.shape[:2]
    left, top, right, bottom = face.box
    side = min(max(round(MARGIN * longer_side(face)), 2), height, width)
    x = int(np.clip(round((left + right - side) / 2), 0, width - side))
    y = int(np.clip(round((top + bottom - side) / 2), 0, height - side))
    part = np.ascontiguousarray(pixels[y : y + side, x : x + side])
    method = cv2.INTER_AREA if side > SIDE_PX else cv2.INTER_CUBIC
    seen = np.asarray(cv2.resize(part, (SIDE_PX, SIDE_PX), interpolation=method), np.uint8)
    return FaceCrop(_inside(face, width, height), (x, y, side), seen)


def _inside(face: Face, width: int, height: int) -> tuple[int, int, int, int]:
    left, right = (int(np.clip(round(edge), 0, width)) for edge in (face.box[0], face.box[2]))
    top, bottom = (int(np.clip(round(edge), 0, height)) for edge in (face.box[1], face.box[3]))
    left, top = min(left, width - 1), min(top, height - 1)
    return left, top, max(right - left, 1), max(bottom - top, 1)


def _grown(face: Face, factor: float) -> Face:
    """A face of a shrunk picture in the picture itself; both count from the middle of the first pixel."""
    left, top, right, bottom = ((edge + 0.5) * factor - 0.5 for edge in face.box)
    points = ((face.points + 0.5) * factor - 0.5).astype(np.float32)
    return Face((left, top, right, bottom), points, face.confidence)
