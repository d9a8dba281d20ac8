"""Pictures of any size through a network piece by piece, with the same result as in one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

TILE_PX = 768
"""Side of a tile of output without its halo: its largest maps take some 20 MB."""


def in_tiles(
    make: Callable[[slice, slice], Tensor],
    n_rows: int,
    n_columns: int,
    *,
    step_px: int,
    halo_px: int,
    tile_px: int = TILE_PX,
) -> Tensor:
    """Put a picture together from tiles.

    Args:
        make: gives the picture of a range of rows and a range of columns of the network's grid: (1, 3, h, w).
        n_rows, n_columns: of the grid.
        step_px: pixels of output from one line of the grid to the next.
        halo_px: pixels that each tile is made larger by on every inner side; at least what a pixel depends on.
        tile_px: side of a tile of output without its halo.

    Returns:
        (3, n_rows * step_px, n_columns * step_px).
    """
    picture = torch.empty(3, n_rows * step_px, n_columns * step_px)
    halo, length = -(-halo_px // step_px), max(1, tile_px // step_px)
    for rows, rows_with_halo in _spans(n_rows, length, halo):
        for columns, columns_with_halo in _spans(n_columns, length, halo):
            tile = make(rows_with_halo, columns_with_halo)[0]
            inside = (_within(rows, rows_with_halo, step_px), _within(columns, columns_with_halo, step_px))
            picture[:, _scaled(rows, step_px), _scaled(columns, step_px)] = tile[:, inside[0], inside[1]]
    return picture


def padding(height: int, width: int, multiple: int) -> tuple[int, int]:
    """Rows and columns that are missing to the next multiple."""
    return -height % multiple, -width % multiple


def _spans(n: int, length: int, halo: int) -> Iterator[tuple[slice, slice]]:
    for start in range(0, n, length):
        stop = min(start + length, n)
        yield slice(start, stop), slice(max(0, start - halo), min(n, stop + halo))


def _within(part: slice, whole: slice, step_px: int) -> slice:
    return slice((part.start - whole.start) * step_px, (part.stop - whole.start) * step_px)


def _scaled(span: slice, step_px: int) -> slice:
    return slice(span.start * step_px, span.stop * step_px)
