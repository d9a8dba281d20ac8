"""Sheets of fakes to look at: many at once, and each beside the training picture nearest to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generators.images import Pixels
from generators.labels import encode
from generators.sheet import contact_sheet
from generators.whole_files import write_whole

N_PAIRS_A_ROW = 4

SAID = "Sheet of pictures made by a generator that was being trained or measured"


def sample_sheet(pixels: NDArray[np.uint8], n_columns: int | None = None) -> Pixels:
    """Fakes in rows.

    Args:
        pixels: (N, S, S, 3) uint8.
        n_columns: None for a square of them.

    Raises:
        ValueError: there are none.
    """
    columns = n_columns or int(np.ceil(np.sqrt(max(len(pixels), 1))))
    return contact_sheet(list(pixels), columns, side_px=max(pixels.shape[1:3]))


def nearest_sheet(fakes: NDArray[np.uint8], nearest: NDArray[np.uint8]) -> Pixels:
    """Pairs in rows: a fake at the left, at its right the training picture nearest to it.

    Args:
        fakes: (N, S, S, 3) uint8.
        nearest: as many real pictures.

    Raises:
        ValueError: the numbers differ, or there are none.
    """
    pairs = [tile for pair in zip(fakes, nearest, strict=True) for tile in pair]
    return contact_sheet(pairs, 2 * N_PAIRS_A_ROW, side_px=max(fakes.shape[1:3]), names=("fake", "nearest"))


def write_sheet(path: Path, sheet: Pixels) -> None:
    """Write a sheet as a PNG that says that its pictures are made; it appears whole or not at all.

    Raises:
        OSError: disk full or folder not writable.
    """
    write_whole(path, encode(sheet, "png", SAID))
