"""Classical forgeries with exact masks: splice, copy-move, removal. Real photos in, no training.

Every function leaves the pixels outside its mask exactly as they were, and gives the same result for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from generators.base import FakeBatch, check_sources, keep_outside, randomness
from generators.images import Images, Pixels, to_float, to_uint8

MIN_SIDE = 64
"""Below this there is no room for an object and its surroundings."""


@dataclass(frozen=True, eq=False)
class Forgery:
    """A forged picture and where it was forged.

    Attributes:
        pixels: (H, W, 3) uint8.
        mask: (H, W) bool, True where pixels were replaced.
        origin: (H, W) bool, True where a copied part was taken from; all False for other kinds.
        recipe: what was done, in words and numbers.
    """

    pixels: Pixels
    mask: NDArray[np.bool_]
    origin: NDArray[np.bool_]
    recipe: str


def splice(target: Pixels, donor: Pixels, *, seed: int, area: float = 0.06) -> Forgery:
    """Paste an object-shaped part of another photo.

    Args:
        target, donor: (H, W, 3) uint8; the donor is cropped or tiled to the size needed.
        seed: decides shape and places.
        area: share of the target that is replaced, 0..0.5.
    """
    _check(target, area)
    _check(donor, area)
    rng = np.random.default_rng(seed)
    shape = blob(target.shape[:2], area, rng)
    (y, x), (h, w) = place(target.shape[:2], shape.shape, rng), shape.shape
    dy, dx = place(donor.shape[:2], (min(h, donor.shape[0]), min(w, donor.shape[1])), rng)
    part = donor[dy : dy + h, dx : dx + w]
    part = np.pad(part, ((0, h - part.shape[0]), (0, w - part.shape[1]), (0, 0)), mode="symmetric")
    return _paste(target, part, shape, y, x, np.zeros(target.shape[:2], bool), "splice")


def copy_move(target: Pixels, *, seed: int, area: float = 0.04, angle_deg: float = 0.0, scale: float = 1.0) -> Forgery:
    """Copy a part of the photo to another place in it, turned and scaled.

    Args:
        target: (H, W, 3) uint8.
        seed: decides shape and places.
        area: share of the target that is replaced, 0..0.2.
        angle_deg: turn of the copy, counter-clockwise.
        scale: size of the copy over its original.
    """
    _check(target, area)
    rng = np.random.default_rng(seed)
    height, width = target.shape[:2]
    shape = blob((height, width), area / scale**2, rng)
    h, w = shape.shape
    # An object worth copying has texture: of twelve places the busiest is taken.
    spots = [place((height, width), (h, w), rng) for _ in range(12)]
    sy, sx = max(spots, key=lambda p: float(target[p[0] : p[0] + h, p[1] : p[1] + w].std()))
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), angle_deg, scale)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    new_w, new_h = int(np.ceil(w * cos + h * sin)), int(np.ceil(w * sin + h * cos))
    turn[:, 2] += ((new_w - w) / 2, (new_h - h) / 2)
    new_w, new_h = min(new_w, width), min(new_h, height)
    source = target[sy : sy + h, sx : sx + w]
    part = cv2.warpAffine(source, turn, (new_w, new_h), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    shape_new = cv2.warpAffine(shape.astype(np.uint8), turn, (new_w, new_h), flags=cv2.INTER_NEAREST) > 0
    origin = np.zeros((height, width), bool)
    origin[sy : sy + h, sx : sx + w] = shape
    places = [place((height, width), (new_h, new_w), rng) for _ in range(64)]
    y, x = min(places, key=lambda p: int(origin[p[0] : p[0] + new_h, p[1] : p[1] + new_w][shape_new].sum()))
    recipe = f"copy-move, turned {angle_deg:g} degrees, scaled {scale:g}"
    return _paste(target, np.asarray(part, np.uint8), shape_new, y, x, origin, recipe)


def removal(target: Pixels, *, seed: int, area: float = 0.04) -> Forgery:
    """Remove a part by inpainting it from its surroundings (Telea 2004).

    Args:
        target: (H, W, 3) uint8.
        seed: decides shape and place.
        area: share of the target that is replaced, 0..0.2.
    """
    _check(target, area)
    rng = np.random.default_rng(seed)
    mask = hole(target.shape[:2], area, rng)
    filled = cv2.inpaint(target, mask.astype(np.uint8), 5, cv2.INPAINT_TELEA)
    pixels = np.where(mask[..., None], filled, target).astype(np.uint8)
    return Forgery(pixels, mask, np.zeros_like(mask), "removal by inpainting")


def forge_each(
    name: str, sources: Images, forge: Callable[[Pixels, int, np.random.Generator], Forgery], *, seed: int
) -> FakeBatch:
    """Forge each picture of a batch by itself.

    Args:
        name: written name of the generator.
        sources: (N, 3, H, W) float32 RGB 0..1; they need not be whole steps of 8 bits.
        forge: a photo (H, W, 3) uint8, its place in the batch and its randomness -> its forgery.
        seed: of the first fake.

    Raises:
        ValueError: the sources break the contract or are too small.
    """
    check_sources(sources, MIN_SIDE)
    draws = randomness(seed, len(sources))
    photos = map(np.ascontiguousarray, to_uint8(sources))
    forged = [forge(photo, i, rng) for i, (photo, rng) in enumerate(zip(photos, draws, strict=True))]
    if not forged:
        return FakeBatch(sources.copy(), sources[:, :1].copy(), (), name, seed)
    masks = np.stack([f.mask for f in forged])[:, None].astype(np.float32)  # (N, 1, H, W)
    images = keep_outside(to_float(np.stack([f.pixels for f in forged])), sources, masks)
    return FakeBatch(images, masks, tuple(f.recipe for f in forged), name, seed)


def _check(pixels: Pixels, area: float) -> None:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"pixels must be (H, W, 3) uint8, not {pixels.shape} {pixels.dtype}")
    if min(pixels.shape[:2]) < MIN_SIDE:
        raise ValueError(f"a forgery needs at least {MIN_SIDE} pixels a side, got {pixels.shape[:2]}")
    if not 0.0 < area <= 0.5:
        raise ValueError(f"area must lie between 0 and 0.5, not {area}")


def blob(size: tuple[int, int], area: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A smooth closed outline like an object's, cropped to its own box: (h, w) bool covering about area * H * W."""
    radius = float(np.sqrt(area * size[0] * size[1] / np.pi))
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    wobble = 1 + sum(rng.normal(0, 0.12 / k) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in range(2, 6))
    stretch = rng.uniform(0.75, 1.3)
    points = np.stack([radius * stretch * wobble * np.cos(angle), radius / stretch * wobble * np.sin(angle)], axis=1)
    points -= points.min(axis=0)
    limit = np.array([size[1], size[0]]) * 0.6
    points *= min(1.0, float((limit / points.max(axis=0)).min()))
    corners = np.rint(points).astype(np.int32)
    canvas = np.zeros((int(corners[:, 1].max()) + 1, int(corners[:, 0].max()) + 1), np.uint8)
    return np.asarray(cv2.fillPoly(canvas, [corners], 1) > 0)


def hole(size: tuple[int, int], area: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A blob at a random place: (H, W) bool that covers about `area` of it."""
    shape = blob(size, area, rng)
    y, x = place(size, shape.shape, rng)
    mask = np.zeros(size, bool)
    mask[y : y + shape.shape[0], x : x + shape.shape[1]] = shape
    return mask


def place(size: tuple[int, int], part: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """Where a part of a picture may lie: its (top, left)."""
    return int(rng.integers(0, size[0] - part[0] + 1)), int(rng.integers(0, size[1] - part[1] + 1))


def _paste(
    target: Pixels, part: Pixels, shape: NDArray[np.bool_], y: int, x: int, origin: NDArray[np.bool_], recipe: str
) -> Forgery:
    mask = np.zeros(target.shape[:2], bool)
    mask[y : y + shape.shape[0], x : x + shape.shape[1]] = shape
    pixels = target.copy()
    pixels[mask] = part[: shape.shape[0], : shape.shape[1]][shape]
    return Forgery(pixels, mask, origin, recipe)
