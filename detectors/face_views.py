"""Faces to learn from: each real one beside its own blends and edits, washed alike and cut out at the same place.

A face is first cut loosely out of its picture, at a width that is drawn, because some pictures hold nothing but a face
and others a whole room. What is made of it goes through the very wash of the real one, so that neither content nor
quality tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.data import Example, Reader, read_picture
from detectors.face_crops import FaceCrop, cut_out, located, longer_side
from detectors.face_features import BLOCK, N_CELL, N_FEATURES, Look, cell_features, features
from detectors.kept_views import Arrays, KeptViews
from detectors.vision_tower import GRID
from detectors.washed_views import chain, moved_mask, number_of
from generators.attributes.generator import AttributeEditor
from generators.faces import Face
from generators.images import Pixels, to_float, to_uint8
from generators.launder import Chain, Fit
from generators.selfblend import self_blend

WINDOWS = (0.9, 2.2)
"""Side of the loose cut over the longer side of the face."""

WINDOW_PX = 512
"""Larger ones are shrunk before they are washed."""

N_CELLS = 8
"""Cells of each face that the reading of places is fitted on: half of them blended, where there are any."""

REAL, BLEND, EDIT, LISTED = "real", "selfblend", "attributes", "listed"
"""What a row is: a real face, what was made of it here, or a fake that the list names."""


@dataclass(frozen=True, eq=False)
class FaceRows:
    """Features of M faces.

    Attributes:
        features: (M, N_FEATURES) float32.
        cells: (M, N_CELLS, N_CELL) float16 of single cells, see `cell_features`.
        blended: (M, N_CELLS) float32 share of each cell that was blended.
        kinds: M of REAL, BLEND, EDIT, LISTED.
        views: (M,) int64; odd ones are mild.
        examples: M examples that the faces come from.
        unread: why examples were left out, a line each.
    """

    features: NDArray[np.float32]
    cells: NDArray[np.float16]
    blended: NDArray[np.float32]
    kinds: tuple[str, ...]
    views: NDArray[np.int64]
    examples: tuple[Example, ...]
    unread: tuple[str, ...]

    @property
    def labels(self) -> NDArray[np.int64]:
        """(M,) 1 for what was altered."""
        return np.array([kind != REAL for kind in self.kinds], np.int64)

    @property
    def sources(self) -> list[str]:
        """M names; what was made of a face here has the source of the face."""
        return [example.source for example in self.examples]


@dataclass(frozen=True, eq=False)
class _Row:
    kind: str
    features: NDArray[np.float16]
    cells: NDArray[np.float16]
    blended: NDArray[np.float32]


def cut_faces(
    look: Look,
    examples: Sequence[Example],
    *,
    n_views: int,
    seed: int,
    edited: Sequence[str] = (),
    cache: Path | None = None,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
) -> FaceRows:
    """Cut the faces of every example in n_views ways, the real ones with their blends.

    Args:
        look: gives the tokens of a crop.
        examples: real faces, and listed fakes; pictures without a face large enough give no row.
        n_views: of each; the views of a clip are of frames spread over it.
        seed: of cuts, blends and washes.
        edited: sources of aligned faces, of which edits in age and gender are made as well.
        cache: folder that keeps what was cut; None keeps nothing.
        reader: of examples.
        progress: called with the number of views done since the last call.
    """
    keeper = KeptViews(cache, seed, what=f"face, block {BLOCK}", ending=".npz")
    rows: list[tuple[Example, int, _Row]] = []
    unread = []
    for example in examples:
        try:
            rows.extend((example, v, r) for v, r in _views(look, example, n_views, seed, edited, keeper, reader))
        except ValueError as error:
            unread.append(str(error))
        if progress is not None:
            progress(n_views)
    return FaceRows(
        np.array([r.features for _, _, r in rows], np.float32).reshape(-1, N_FEATURES),
        np.array([r.cells for _, _, r in rows], np.float16).reshape(-1, N_CELLS, N_CELL),
        np.array([r.blended for _, _, r in rows], np.float32).reshape(-1, N_CELLS),
        tuple(r.kind for _, _, r in rows),
        np.array([view for _, view, _ in rows], np.int64),
        tuple(example for example, _, _ in rows),
        tuple(unread),
    )


def _views(
    look: Look, example: Example, n_views: int, seed: int, edited: Sequence[str], keeper: KeptViews, reader: Reader
) -> Iterator[tuple[int, _Row]]:
    pictures: Sequence[Pixels] | None = None
    for view in range(n_views):
        kept = keeper.get(example, view)
        if kept is not None:
            found = _unpacked(kept)
        else:
            pictures = reader(example) if pictures is None else pictures
            pixels = pictures[view * len(pictures) // n_views]
            found = list(_washed(look, pixels, example, view, seed, example.source in edited))
            keeper.put(example, view, _packed(found))
        yield from ((view, row) for row in found)


def _washed(look: Look, pixels: Pixels, example: Example, view: int, seed: int, is_aligned: bool) -> Iterator[_Row]:
    """The face as it is and what is made of it, cut out at one place."""
    rng = np.random.default_rng((seed, view, number_of(example.path.name)))
    wash = chain(example.path.name, view, seed)
    made: list[tuple[str, Pixels, NDArray[np.bool_] | None]] = []
    if example.label:
        made.append((LISTED, Fit(2 * WINDOW_PX)(pixels), None))
    else:
        faces = located(pixels)
        if not faces:
            return
        window, face = _window(pixels, faces[0], rng)
        blend = self_blend(window, face, rng)
        made = [(REAL, window, np.zeros(window.shape[:2], bool)), (BLEND, blend.pixels, blend.mask)]
        if is_aligned and view % 2:
            made.append((EDIT, _edit(pixels, faces[0], example, view, seed), None))
    # The real one decides where; a blend must not betray itself by moving the box.
    places = located(wash(made[0][1]))
    if not places:
        return
    for kind, picture, mask in made:
        crop = cut_out(wash(picture), places[0])
        tokens = look(crop.pixels[None])[0]
        blended = np.zeros((GRID, GRID), np.float32) if mask is None else _cut_mask(wash, mask, crop)
        picked = _picked(blended, rng)
        of_cells = cell_features(tokens)[picked].astype(np.float16)
        yield _Row(kind, features(tokens).astype(np.float16), of_cells, blended.ravel()[picked])


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


def _edit(pixels: Pixels, face: Face, example: Example, view: int, seed: int) -> Pixels:
    """The same loose cut of an edit; the window is drawn as for the real face."""
    rng = np.random.default_rng((seed, view, number_of(example.path.name)))
    fakes = _editor().forge(to_float(pixels), seed=seed + view + number_of(example.path.name) % 10_000)
    return _window(np.ascontiguousarray(to_uint8(fakes.images)[0]), face, rng)[0]


@cache
def _editor() -> AttributeEditor:
    return AttributeEditor()


def _cut_mask(wash: Chain, mask: NDArray[np.bool_], crop: FaceCrop) -> NDArray[np.float32]:
    """Share of each cell that was blended, after the steps of a wash that move pixels."""
    x, y, side = crop.square
    part = moved_mask(mask, wash)[y : y + side, x : x + side]
    return np.asarray(cv2.resize(part, (GRID, GRID), interpolation=cv2.INTER_AREA), np.float32)


def _picked(blended: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.int64]:
    """Places of N_CELLS cells, half of them blended where there are any."""
    order = rng.permutation(GRID * GRID)
    inside = blended.ravel()[order] > 0.5
    n_inside = min(N_CELLS // 2, int(inside.sum()))
    return np.concatenate([order[inside][:n_inside], order[~inside], order[inside][n_inside:]])[:N_CELLS]


def _packed(rows: Sequence[_Row]) -> dict[str, NDArray[Any]]:
    return {
        "kinds": np.array([row.kind for row in rows], "U10"),
        "features": np.array([row.features for row in rows], np.float16),
        "cells": np.array([row.cells for row in rows], np.float16),
        "blended": np.array([row.blended for row in rows], np.float32),
    }


def _unpacked(kept: Arrays) -> list[_Row]:
    parts = [kept[name] for name in ("features", "cells", "blended")]
    return [_Row(str(kind), *row) for kind, *row in zip(kept["kinds"], *parts, strict=True)]
