"""Finds faces with eyes, nose and mouth, and counts in how many pictures there is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from generators.images import Pixels
from generators.mtcnn import detect
from generators.shares import Share, share

WORKED_SIDE_PX = 160
"""Smaller pictures are blown up to this: a face of 64 px has too few pixels for the third network's 48."""

SMALLEST_PX = 12
"""What the first network sees at once."""

CONFIDENCE = 0.9
"""Least probability of a face; facenet-pytorch's own for picking one."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face.

    Attributes:
        box: left, top, right, bottom in pixels from the middle of the first; may reach beyond the picture.
        points: (5, 2) float32 x, y in the same: eyes, tip of the nose, corners of the mouth, left in the picture first.
        confidence: probability of a face, 0..1, as the last network says; not calibrated.
    """

    box: tuple[float, float, float, float]
    points: NDArray[np.float32]
    confidence: float

    @property
    def area_px(self) -> float:
        """Of the box."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


def find_faces(pixels: Pixels, *, min_side_px: int = 20, min_confidence: float = CONFIDENCE) -> tuple[Face, ...]:
    """Find faces on the CPU; the same picture gives the same faces.

    Args:
        pixels: (H, W, 3) uint8 RGB of any size.
        min_side_px: side of the smallest face looked for. Half of it takes four times as long.
        min_confidence: faces less sure than this are left out, 0..1.

    Returns:
        The largest first; nothing where there is none.

    Raises:
        ValueError: it is no picture, or the weights are not those of their card.
        FileNotFoundError: the weights are missing.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(f"pixels must be (H, W, 3) uint8, not {pixels.shape} {pixels.dtype}")
    scale = max(1.0, WORKED_SIDE_PX / min(pixels.shape[:2]))
    if scale > 1.0:
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    boxes, points = detect(pixels, max(SMALLEST_PX, round(min_side_px * scale)))
    faces = [
        # The networks count the corners of boxes from 1, points from 0.
        Face((*_unscaled(box[:4] - 1, scale).tolist(),), _unscaled(five, scale), float(box[4]))
        for box, five in zip(boxes, points, strict=True)
        if box[4] >= min_confidence
    ]
    return tuple(sorted(faces, key=lambda face: face.area_px, reverse=True))


def face_share(pictures: Iterable[Pixels], *, min_side_px: int = 20) -> Share:
    """In how many pictures there is a face: does a generator make faces at all?

    Args:
        pictures: (H, W, 3) uint8 RGB each.
        min_side_px: see `find_faces`.

    Raises:
        ValueError: there is no picture.
    """
    found = [bool(find_faces(pixels, min_side_px=min_side_px)) for pixels in pictures]
    return share(sum(found), len(found))


def _unscaled(places: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Places in the blown-up picture -> in the picture; both count from the middle of the first pixel."""
    return ((places + 0.5) / scale - 0.5).astype(np.float32)
