"""Contact sheets: many small pictures as one, to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from generators.images import Pixels

GAP_PX = 2

FONT_PX = 12


def contact_sheet(tiles: Sequence[Pixels], n_columns: int, *, side_px: int = 128, names: Sequence[str] = ()) -> Pixels:
    """Lay pictures out in rows on white.

    Args:
        tiles: (H, W, 3) uint8 of any sizes, row by row; larger ones are shrunk into a square of `side_px`.
        n_columns: tiles a row.
        side_px: of a square; less where all tiles are smaller.
        names: written above the columns, and again from the first where there are more columns. Columns grow to hold
            the longest; none are written without names.

    Returns:
        (rows * (side + 2) - 2, columns * (side + 2) - 2, 3) uint8, and the line of names above it.

    Raises:
        ValueError: there is nothing to show.
    """
    if not tiles or n_columns < 1:
        raise ValueError(f"a sheet needs tiles and columns, got {len(tiles)} and {n_columns}")
    small = [_fitted(tile, side_px) for tile in tiles]
    words = [_written(name) for name in names]
    side = max(max(tile.shape[:2]) for tile in small)
    wide = max(side, *(word.shape[1] for word in words)) if words else side
    n_rows = -(-len(small) // n_columns)
    down, right, top_px = side + GAP_PX, wide + GAP_PX, words[0].shape[0] if words else 0
    sheet = np.full((top_px + n_rows * down - GAP_PX, n_columns * right - GAP_PX, 3), 255, np.uint8)
    for i in range(n_columns if words else 0):
        word = words[i % len(words)]
        _lay(sheet, word, 0, i * right + (wide - word.shape[1]) // 2)
    for i, tile in enumerate(small):
        height, width = tile.shape[:2]
        top, left = top_px + i // n_columns * down, i % n_columns * right
        _lay(sheet, tile, top + (side - height) // 2, left + (wide - width) // 2)
    return sheet


def _lay(sheet: Pixels, tile: Pixels, top: int, left: int) -> None:
    sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile


def _written(name: str) -> Pixels:
    """A word in black on white, as high for every word."""
    font = ImageFont.load_default(FONT_PX)
    line = Image.new("RGB", (math.ceil(font.getlength(name)) + 2 * GAP_PX, FONT_PX + 5), "white")
    ImageDraw.Draw(line).text((GAP_PX, 1), name, fill="black", font=font)
    return np.asarray(line)


def _fitted(tile: Pixels, side_px: int) -> Pixels:
    scale = side_px / max(tile.shape[:2])
    if scale >= 1:
        return tile
    size = (max(1, round(tile.shape[1] * scale)), max(1, round(tile.shape[0] * scale)))
    return np.asarray(cv2.resize(tile, size, interpolation=cv2.INTER_AREA), np.uint8)
