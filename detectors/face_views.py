"""Faces to learn from: each real one beside its own blends and edits, washed alike and cut out at the same place.

What is made of a face goes through the very wash of the real one, so that neither content nor quality tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.data import Example, Reader, read_picture
from detectors.face_crops import FaceCrop, cut_out, located
from detectors.face_features import BLOCK, N_CELL, N_FEATURES, Look, cell_features, features, means
from detectors.face_versions import REAL, versions_of
from detectors.kept_views import Arrays, KeptViews
from detectors.vision_tower import GRID
from detectors.washed_views import chain, moved_mask, number_of
from generators.images import Pixels
from generators.launder import Chain

N_CELLS = 8
"""Cells of each face that the reading of places is fitted on: half of them blended, where there are any."""


@dataclass(frozen=True, eq=False)
class FaceRows:
    """Features of M faces.

    Attributes:
        features: (M, N_FEATURES) float32.
        cells: (M, N_CELLS, N_CELL) float16 of single cells, see `cell_features`.
        blended: (M, N_CELLS) float32 share of each cell that was blended.
        kinds: M, see `face_versions.Version`.
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
    """What is kept of a face: mean tokens of its parts, tokens of N_CELLS cells, and how much of these was blended."""

    kind: str
    means: NDArray[np.float16]
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
    keeper = KeptViews(cache, seed, what=f"face versions, block {BLOCK}", ending=".npz")
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
        np.array([features(r.means) for _, _, r in rows], np.float32).reshape(-1, N_FEATURES),
        np.array([cell_features(r.cells, r.means[2]) for _, _, r in rows], np.float16).reshape(-1, N_CELLS, N_CELL),
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
    draws = (seed, view, number_of(example.path.name))
    made = versions_of(pixels, example, view, seed, is_aligned=is_aligned)
    wash = chain(example.path.name, view, seed)
    # The real one decides where; a blend must not betray itself by moving the box.
    places = located(wash(made[0].pixels)) if made else ()
    if not places:
        return
    for i, version in enumerate(made):
        crop = cut_out(wash(version.pixels), places[0])
        tokens = look(crop.pixels[None])[0]
        blended = np.zeros((GRID, GRID), np.float32) if version.mask is None else _cut_mask(wash, version.mask, crop)
        picked = _picked(blended, np.random.default_rng((*draws, i)))
        of_cells = tokens[1:][picked].astype(np.float16)
        yield _Row(version.kind, means(tokens).astype(np.float16), of_cells, blended.ravel()[picked])


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
        "means": np.array([row.means for row in rows], np.float16),
        "cells": np.array([row.cells for row in rows], np.float16),
        "blended": np.array([row.blended for row in rows], np.float32),
    }


def _unpacked(kept: Arrays) -> list[_Row]:
    parts = [kept[name] for name in ("means", "cells", "blended")]
    return [_Row(str(kind), *row) for kind, *row in zip(kept["kinds"], *parts, strict=True)]
