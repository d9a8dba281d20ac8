"""Contact sheets: many small pictures as one, to look at."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from generators.images import Pixels

GAP_PX = 2


def contact_sheet(tiles: Sequence[Pixels], n_columns: int, *, side_px: int = 128) -> Pixels:
    """Lay pictures out in rows on white.

    Args:
        tiles: (H, W, 3) uint8 of any sizes, row by row; larger ones are shrunk into a square of `side_px`.
        n_columns: tiles a row.
        side_px: of a square; less where all tiles are smaller.

    Returns:
        (rows * (side + 2) - 2, columns * (side + 2) - 2, 3) uint8.

    Raises:
        ValueError: there is nothing to show.
    """
    if not tiles or n_columns < 1:
        raise ValueError(f"a sheet needs tiles and columns, got {len(tiles)} and {n_columns}")
    small = [_fitted(tile, side_px) for tile in tiles]
    side = max(max(tile.shape[:2]) for tile in small)
    n_rows = -(-len(small) // n_columns)
    step = side + GAP_PX
    sheet = np.full((n_rows * step - GAP_PX, n_columns * step - GAP_PX, 3), 255, np.uint8)
    for i, tile in enumerate(small):
        height, width = tile.shape[:2]
        top = i // n_columns * step + (side - height) // 2
        left = i % n_columns * step + (side - width) // 2
        sheet[top : top + height, left : left + width] = tile
    return sheet


def _fitted(tile: Pixels, side_px: int) -> Pixels:
    scale = side_px / max(tile.shape[:2])
    if scale >= 1:
        return tile
    size = (max(1, round(tile.shape[1] * scale)), max(1, round(tile.shape[0] * scale)))
    return np.asarray(cv2.resize(tile, size, interpolation=cv2.INTER_AREA), np.uint8)
