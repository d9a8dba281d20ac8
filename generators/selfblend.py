"""Self-blended faces: two versions of one face are blended inside its outline, as every face swap ends with a blend.

No second person, no network: what is left to find is the border and the disagreement of colour, sharpness and place
between inside and outside.

Source:
    Shiohara, Yamasaki, "Detecting deepfakes with self-blended images", CVPR 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from generators import forgeries
from generators.base import FakeBatch, Family
from generators.faces import Face, find_faces
from generators.forgeries import Forgery
from generators.images import Images, Pixels

Floats = NDArray[np.float32]

SMALLEST_FACE = 0.1
"""Of the shorter side; smaller faces are not looked for."""

N_OUTLINE = 64
"""Points on the outline of a face."""

HALF_WIDTH, HALF_HEIGHT, BELOW_EYES = 1.1, 1.15, 0.75
"""Of a face from brows to chin, and its middle below the eyes, over the distance of the pupils: these are about 65 mm
apart, cheekbones 140 mm, root of the nose and chin 120 mm (Gordon et al., Anthropometric Survey of U.S. Army Personnel,
1989)."""
MOUTH_BELOW_EYES = 1.1
"""Over the same; in a half profile the eyes come closer, the mouth does not."""

Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Ranges:
    """What the second version and the blend are drawn from; the defaults are the paper's, or close to it.

    Attributes:
        shift: of each colour, in steps of 8 bits.
        contrast, saturation: factors.
        light: of all colours alike, in steps of 8 bits.
        softened: share of versions that are shrunk and blown up again, 0..1; the others are sharpened.
        sharpening: how much of the detail is added again.
        scale: of the sides.
        down, right: how far it is moved, over the height and the width.
        edge: softness of the border, over the side of the face.
        strengths: weights of the blend, one of them drawn.
    """

    shift: Range = (-20.0, 20.0)
    contrast: Range = (0.9, 1.1)
    saturation: Range = (0.7, 1.3)
    light: Range = (-10.0, 10.0)
    softened: float = 0.5
    sharpening: Range = (0.2, 0.5)
    scale: Range = (0.95, 1 / 0.95)
    down: Range = (-0.015, 0.015)
    right: Range = (-0.03, 0.03)
    edge: Range = (0.01, 0.06)
    strengths: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)


PAPER = Ranges()

LEAST_WEIGHT = 0.02
"""A smaller weight moves no pixel by a step; it counts as none, so that the mask covers no untouched pixels."""


class SelfBlend:
    """Blends a face with a changed version of itself.

    Args:
        ranges: what the changes are drawn from.
    """

    name: ClassVar[str] = "selfblend"
    about: ClassVar[str] = (
        "A face is blended with a second version of itself (colour, sharpness, place, scale) inside its outline, as a "
        "face swap would be; where no face is found, in an ellipse in the middle."
    )
    family: ClassVar[Family] = Family.FACE
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = forgeries.MIN_SIDE
    card: ClassVar[None] = None

    def __init__(self, ranges: Ranges = PAPER) -> None:
        self._ranges = ranges

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        """See `Generator.forge`. The largest face of a source is taken; a recipe says where none was found."""

        def blend(photo: Pixels, place: int, rng: np.random.Generator) -> Forgery:
            faces = find_faces(photo, min_side_px=max(20, int(min(photo.shape[:2]) * SMALLEST_FACE)))
            return self_blend(photo, faces[0] if faces else None, rng, self._ranges)

        return forgeries.forge_each(self.name, sources, blend, seed=seed)


def self_blend(photo: Pixels, face: Face | None, rng: np.random.Generator, ranges: Ranges = PAPER) -> Forgery:
    """Blend a photo with another version of itself inside a face.

    Args:
        photo: (H, W, 3) uint8 RGB, left as it is.
        face: where; None for an ellipse in the middle.
        rng: decides the version, the outline and the weight.
        ranges: what they are drawn from.

    Returns:
        Its mask is True where the weight of the blend is above 0; outside the photo is as it was, bit for bit.
    """
    version, changes = _version(photo, rng, ranges)
    weight = soft_inside(photo.shape[:2], outline(photo.shape[:2], face, rng), rng, ranges.edge)
    strength = float(rng.choice(ranges.strengths))
    mask = weight > 0
    blended = photo + strength * weight[..., None] * (version - photo)
    pixels = np.where(mask[..., None], np.clip(np.rint(blended), 0, 255), photo).astype(np.uint8)
    where = "face at " + ", ".join(f"{edge:.0f}" for edge in face.box) if face else "no face found, the middle taken"
    recipe = f"self-blend, {where}; {changes}; weight {strength:g}, {mask.mean():.1%} of the area"
    return Forgery(pixels, mask, np.zeros_like(mask), recipe)


def outline(size: tuple[int, int], face: Face | None, rng: np.random.Generator) -> NDArray[np.float64]:
    """The outline of a face from brows to chin, smaller or larger by a little and wobbling.

    Args:
        size: height and width of the picture.
        face: whose; None for one that would fill about half of the height, upright in the middle.
        rng: decides size and wobble.

    Returns:
        (N_OUTLINE, 2) x, y in pixels; may reach beyond the picture.
    """
    if face is None:
        unit = min(size) / 4 / HALF_HEIGHT
        middle, down = np.array([size[1] / 2, size[0] / 2]), np.array([0.0, 1.0])
    else:
        points = face.points.astype(np.float64)
        eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
        length = float(np.linalg.norm(mouth - eyes))
        unit = max(float(np.linalg.norm(points[1] - points[0])), length / MOUTH_BELOW_EYES)
        down = (mouth - eyes) / length
        middle = eyes + down * BELOW_EYES * unit
    angle = np.linspace(0, 2 * np.pi, N_OUTLINE, endpoint=False)
    wobble = 1 + sum(rng.normal(0, 0.06 / k) * np.cos(k * angle + rng.uniform(0, 2 * np.pi)) for k in range(2, 6))
    radius = rng.uniform(0.8, 1.1) * unit * wobble
    right = np.array([down[1], -down[0]])
    across, along = HALF_WIDTH * radius * np.cos(angle), HALF_HEIGHT * radius * np.sin(angle)
    return np.asarray(middle + across[:, None] * right + along[:, None] * down)


def soft_inside(size: tuple[int, int], corners: NDArray[np.float64], rng: np.random.Generator, edge: Range) -> Floats:
    """The weight of a blend: 1 well inside an outline, 0 outside, and a soft edge of random width between.

    Args:
        size: height and width of the picture.
        corners: (N, 2) x, y in pixels.
        rng: decides the width.
        edge: what it is drawn from, over the side of the outline.

    Returns:
        (H, W) float32, 0..1.
    """
    filled = np.zeros(size, np.uint8)
    cv2.fillPoly(filled, [np.rint(corners).astype(np.int32)], 1)
    spread = float(np.sqrt(np.ptp(corners[:, 0]) * np.ptp(corners[:, 1])))
    weight = cv2.GaussianBlur(filled.astype(np.float32), (0, 0), rng.uniform(*edge) * spread)
    weight[weight < LEAST_WEIGHT] = 0
    return np.asarray(weight, np.float32)


def _version(photo: Pixels, rng: np.random.Generator, ranges: Ranges) -> tuple[Floats, str]:
    """(H, W, 3) float32 0..255: other colours, sharper or softer, moved and scaled a little; and what was done."""
    height, width = photo.shape[:2]
    shift = rng.uniform(*ranges.shift, 3)
    contrast, saturation, light = (rng.uniform(*of) for of in (ranges.contrast, ranges.saturation, ranges.light))
    version = photo.astype(np.float32)
    grey = version.mean(axis=2, keepdims=True)
    version = (grey + (version - grey) * saturation - 128) * contrast + 128 + light + shift
    version = np.asarray(np.clip(version, 0, 255), np.float32)
    if rng.random() < ranges.softened:
        factor = int(rng.choice((2, 4)))
        small = cv2.resize(version, (max(1, width // factor), max(1, height // factor)), interpolation=cv2.INTER_AREA)
        version = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
        sharpness = f"shrunk by {factor}"
    else:
        amount = rng.uniform(*ranges.sharpening)
        version = version + amount * (version - cv2.GaussianBlur(version, (0, 0), 1.0))
        sharpness = f"sharpened by {amount:.2f}"
    scale = rng.uniform(*ranges.scale)
    down, right = rng.uniform(*ranges.down) * height, rng.uniform(*ranges.right) * width
    move = cv2.getRotationMatrix2D((width / 2, height / 2), 0, scale)
    move[:, 2] += (right, down)
    moved = cv2.warpAffine(version, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    colour = f"colours by {', '.join(f'{step:+.0f}' for step in shift + light)}, contrast {contrast:.2f}"
    changes = (
        f"{colour}, saturation {saturation:.2f}, {sharpness}, scaled {scale:.3f}, moved {right:+.1f}, {down:+.1f} px"
    )
    return np.asarray(np.clip(moved, 0, 255), np.float32), changes
