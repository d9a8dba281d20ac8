"""A real face and what is made of it, in one loose cut: cut out at a width that is drawn, because some pictures hold
nothing but a face and others a whole room.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from detectors.data import Example
from detectors.face_blends import mirrored_swap, of_poor_origin
from detectors.face_crops import located, longer_side
from detectors.washed_views import number_of
from generators.attributes.generator import AttributeEditor
from generators.faces import Face
from generators.images import Pixels, to_float, to_uint8
from generators.launder import Fit
from generators.selfblend import self_blend

WINDOWS = (0.9, 2.2)
"""Side of the loose cut over the longer side of the face."""

WINDOW_PX = 512
"""Larger ones are shrunk before they are washed."""

REAL, BLEND, MIRROR, EDIT, LISTED = "real", "selfblend", "mirrored", "attributes", "listed"
"""What a version is: a real face, what was made of it here, or a fake that the list names."""

N_AS_THEY_ARE = 2
"""Views of faces as their pictures show them, one washed hard and one mildly; in further ones their origin is poor."""

OF_ORIGIN = 76
"""Added to the seed, so that an origin is not drawn as the window is."""


@dataclass(frozen=True, eq=False)
class Version:
    """One picture of a face.

    Attributes:
        kind: REAL, BLEND, MIRROR, EDIT or LISTED.
        pixels: (H, W, 3) uint8.
        mask: (H, W) where it was blended, nowhere for a real one; None where that is not known.
    """

    kind: str
    pixels: Pixels
    mask: NDArray[np.bool_] | None


def versions_of(pixels: Pixels, example: Example, view: int, seed: int, *, is_aligned: bool) -> list[Version]:
    """The largest face as it is, then what is made of it; of a listed fake the picture itself.

    Args:
        pixels: (H, W, 3) uint8, the picture or a frame.
        example: whose it is.
        view: which one; from N_AS_THEY_ARE on, the face is of a poor origin.
        seed: of all that is drawn.
        is_aligned: whether an edit in age and gender can be made; it is in odd views.

    Returns:
        Nothing if no face is large enough.
    """
    if example.label:
        return [Version(LISTED, Fit(2 * WINDOW_PX)(pixels), None)]
    faces = located(pixels)
    if not faces:
        return []
    number = number_of(example.path.name)
    rng = np.random.default_rng((seed, view, number))
    window, face = _window(pixels, faces[0], rng)
    shown = _origin(window, face, view, seed, number)
    blends = self_blend(*shown, rng), mirrored_swap(*shown, rng)
    made = [Version(kind, blend.pixels, blend.mask) for kind, blend in zip((BLEND, MIRROR), blends, strict=True)]
    if is_aligned and view % 2:
        edited = _edit(pixels, faces[0], seed, view, number)
        made.append(Version(EDIT, _origin(edited, face, view, seed, number)[0], None))
    return [Version(REAL, shown[0], np.zeros(shown[0].shape[:2], bool)), *made]


def _origin(window: Pixels, face: Face, view: int, seed: int, number: int) -> tuple[Pixels, Face]:
    """The window as it is, or as a poor source shows it: a real face and its edit alike."""
    if view < N_AS_THEY_ARE:
        return window, face
    return of_poor_origin(window, face, np.random.default_rng((seed + OF_ORIGIN, view, number)))


def _window(pixels: Pixels, face: Face, rng: np.random.Generator) -> tuple[Pixels, Face]:
    """A loose cut around a face, and the face in it."""
    left, top, right, bottom = face.box
    half = rng.uniform(*WINDOWS) * longer_side(face) / 2
    x, y = (left + right) / 2 + rng.uniform(-0.1, 0.1) * half, (top + bottom) / 2 + rng.uniform(-0.1, 0.1) * half
    x0, y0 = max(int(x - half), 0), max(int(y - half), 0)
    part = pixels[y0 : max(int(y + half), y0 + 8), x0 : max(int(x + half), x0 + 8)]
    scale = min(1.0, WINDOW_PX / max(part.shape[:2]))
    small = np.ascontiguousarray(Fit(WINDOW_PX)(part))
    shift = np.array([x0, y0], np.float32)
    box = ((left - x0) * scale, (top - y0) * scale, (right - x0) * scale, (bottom - y0) * scale)
    return small, Face(box, ((face.points - shift) * np.float32(scale)).astype(np.float32), face.confidence)


def _edit(pixels: Pixels, face: Face, seed: int, view: int, number: int) -> Pixels:
    """The same loose cut of an edit; the window is drawn as for the real face."""
    fakes = _editor().forge(to_float(pixels), seed=seed + view + number % 10_000)
    edited = np.ascontiguousarray(to_uint8(fakes.images)[0])
    return _window(edited, face, np.random.default_rng((seed, view, number)))[0]


@cache
def _editor() -> AttributeEditor:
    return AttributeEditor()
