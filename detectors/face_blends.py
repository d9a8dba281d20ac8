"""What a real face becomes for training beside a self-blend: one of a poor origin, one with another face laid on it.

Small, blurred and compressed faces look blended to a reading that saw few of them: so a real face and what is blended
of it both begin as one. And a self-blend never changes the face itself: its mirror image has other features at each
place, lit from the other side, and needs no second person.

Source:
    Li et al., "Face X-ray for more general face forgery detection", CVPR 2020: one real face blended onto another, by
    their landmarks. Here the other is its mirror image.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.face_crops import longer_side
from generators.faces import Face
from generators.forgeries import Forgery
from generators.images import Pixels
from generators.launder import Jpeg
from generators.selfblend import MOUTH_BELOW_EYES, Range, outline, soft_inside

ORIGIN_PX: Range = (56.0, 224.0)
"""Longer side of a face as a poor camera or a small thumbnail shows it: under 64 it is not judged."""
ORIGIN_QUALITY = (30, 96)
ORIGIN_BLUR_PX: Range = (0.3, 1.5)
BLURRED, GROWN = 0.4, 0.6
"""Shares of poor origins that are out of focus, and that were enlarged again."""
LEFT_SMALL_PX = 100
"""Side that a small face is enlarged to where it does not get its old size back: washes shrink it again."""

MADE_PX: Range = (48.0, 256.0)
"""Side of the faces that swaps are made at: 64 to 256 pixels in the tools of the years of DFDC."""
WANDER = 0.025
"""Spread of landmarks over the distance of the eyes."""
CONTRAST, LIGHT = (0.92, 1.08), (-10.0, 10.0)
"""Factor, and steps of 8 bits that each colour is shifted by: what colour transfer leaves."""
BOXED = 0.25
"""Share of swaps whose mask is a box, as early tools had it."""
BOX_ACROSS, BOX_DOWN = (0.75, 1.15), (0.8, 1.2)
"""Half sides of the box over the distance of the eyes."""
BOX_BELOW_EYES = 0.7
"""Its middle, over the same."""
SEAM: Range = (0.004, 0.10)
"""Softness of the border over its side: from pasted to blended away."""
STRENGTHS = (0.75, 1.0, 1.0)

MIRRORED = [1, 0, 2, 4, 3]
"""Places of the landmarks of a face in its mirror image."""


def of_poor_origin(pixels: Pixels, face: Face, rng: np.random.Generator) -> tuple[Pixels, Face]:
    """A face as a poor source shows it: small, perhaps blurred, coded, perhaps enlarged again.

    Args:
        pixels: (H, W, 3) uint8.
        face: in its pixels.
        rng: decides how poor.

    Returns:
        The picture, of its old size or smaller, and the face in it.
    """
    height, width = pixels.shape[:2]
    wanted = _log_uniform(ORIGIN_PX, rng)
    coding = Jpeg(int(rng.integers(*ORIGIN_QUALITY)))
    is_grown = rng.random() < GROWN
    blur_px = float(rng.uniform(*ORIGIN_BLUR_PX)) if rng.random() < BLURRED else 0.0
    scale = min(1.0, wanted / longer_side(face))
    small_size = max(16, round(width * scale)), max(16, round(height * scale))
    small = cv2.resize(pixels, small_size, interpolation=cv2.INTER_AREA)
    if blur_px:
        small = cv2.GaussianBlur(small, (0, 0), blur_px)
    poor: NDArray[np.uint8] = coding(np.ascontiguousarray(small, np.uint8))
    if is_grown or wanted < 0.8 * LEFT_SMALL_PX:
        size = (width, height) if is_grown else tuple(round(side * LEFT_SMALL_PX / wanted) for side in small_size)
        poor = np.asarray(cv2.resize(poor, size, interpolation=_enlarging(rng)), np.uint8)
    across, down = poor.shape[1] / width, poor.shape[0] / height
    left, top, right, bottom = face.box
    points = (face.points * np.array([across, down], np.float32)).astype(np.float32)
    return poor, Face((left * across, top * down, right * across, bottom * down), points, face.confidence)


def mirrored_swap(pixels: Pixels, face: Face, rng: np.random.Generator) -> Forgery:
    """Lay the mirror image of a face on its landmarks, at another resolution and in another light.

    Args:
        pixels: (H, W, 3) uint8, left as it is.
        face: in its pixels.
        rng: decides place, resolution, light, outline and seam.

    Returns:
        Its mask is True where the weight of the blend is above 0.
    """
    made = _lit(_at_resolution(_on_landmarks(pixels, face, rng), face, rng), rng)
    corners = _box(face, rng) if rng.random() < BOXED else outline(pixels.shape[:2], face, rng)
    weight = soft_inside(pixels.shape[:2], corners, rng, SEAM)
    mask, strength = weight > 0, float(rng.choice(STRENGTHS))
    blended = np.clip(np.rint(pixels + strength * weight[..., None] * (made - pixels)), 0, 255)
    swapped = np.where(mask[..., None], blended, pixels).astype(np.uint8)
    return Forgery(swapped, mask, np.zeros_like(mask), f"mirrored face, weight {strength:g}")


def _on_landmarks(pixels: Pixels, face: Face, rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W, 3) 0..255: the mirrored picture, moved so that its landmarks lie near those of the face."""
    height, width = pixels.shape[:2]
    points = face.points.astype(np.float64)
    mirrored = np.column_stack([width - 1 - points[:, 0], points[:, 1], np.ones(len(points))])[MIRRORED]
    near = points + rng.normal(0, WANDER * np.linalg.norm(points[1] - points[0]), points.shape)
    affine = np.linalg.lstsq(mirrored, near, rcond=None)[0].T  # (2, 3)
    flipped = np.ascontiguousarray(pixels[:, ::-1], np.float32)
    moved = cv2.warpAffine(flipped, affine, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.float32)


def _at_resolution(made: NDArray[np.float32], face: Face, rng: np.random.Generator) -> NDArray[np.float32]:
    height, width = made.shape[:2]
    scale = _log_uniform(MADE_PX, rng) / max(face.box[3] - face.box[1], 1)
    if scale >= 1:
        return made
    small = cv2.resize(
        made, (max(4, round(width * scale)), max(4, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=_enlarging(rng)), np.float32)


def _lit(made: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    contrast, shift = rng.uniform(*CONTRAST), rng.uniform(*LIGHT, 3)
    mean = made.mean(axis=(0, 1))
    return np.asarray(np.clip((made - mean) * contrast + mean + shift, 0, 255), np.float64)


def _box(face: Face, rng: np.random.Generator) -> NDArray[np.float64]:
    """(4, 2) corners of a box that lies as the face does."""
    points = face.points.astype(np.float64)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    length = max(float(np.linalg.norm(mouth - eyes)), 1e-6)
    unit = max(float(np.linalg.norm(points[1] - points[0])), length / MOUTH_BELOW_EYES)
    down = (mouth - eyes) / length
    right = np.array([down[1], -down[0]]) * rng.uniform(*BOX_ACROSS) * unit
    middle = eyes + down * BOX_BELOW_EYES * unit
    down = down * rng.uniform(*BOX_DOWN) * unit
    return np.array([middle - right - down, middle + right - down, middle + right + down, middle - right + down])


def _enlarging(rng: np.random.Generator) -> int:
    return int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))


def _log_uniform(between: Range, rng: np.random.Generator) -> float:
    low, high = np.log(between)
    return float(np.exp(rng.uniform(low, high)))
