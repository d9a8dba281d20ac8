"""Where a trained detector looks: the patches of its map that read most like a fake, as rectangles on the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forensics.finding import Region

N_PATCHES = 3
"""More rectangles hide the picture."""

N_CELLS = 8
"""Along the longer side: the shipped tower sees 8 or 14 patches there, and maps are smoothed over three of them."""

LEAST = 0.5
"""Of heat: a patch that reads less like a fake than that is not pointed at."""


def top_patches(
    heat: NDArray[np.float32], size: tuple[int, int], label: str, time_s: float | None = None
) -> tuple[Region, ...]:
    """The hottest patches that do not touch each other.

    Args:
        heat: (h, w) 0..1 over the whole picture.
        size: width and height of the picture in pixels.
        label: what hot means.
        time_s: moment in a video.

    Returns:
        At most N_PATCHES regions, the hottest first; none where nothing is as hot as LEAST.
    """
    if heat.max(initial=0.0) < LEAST:
        return ()
    width, height = size
    side = max(width, height) / N_CELLS
    columns, rows = max(1, round(width / side)), max(1, round(height / side))
    cells = _means(heat, rows, columns)
    found: list[Region] = []
    for _ in range(N_PATCHES):
        row, column = (int(i) for i in np.unravel_index(int(cells.argmax()), cells.shape))
        score = float(cells[row, column])
        if score < LEAST:
            break
        left, right = (round(width * edge / columns) for edge in (column, column + 1))
        top, bottom = (round(height * edge / rows) for edge in (row, row + 1))
        if right > left and bottom > top:
            found.append(Region(left, top, right - left, bottom - top, label, min(score, 1.0), time_s))
        cells[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = -1.0
    return tuple(found)


def _means(heat: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float64]:
    """Mean heat of (rows, columns) equal cells."""
    row_edges, column_edges = (
        np.arange(n + 1) * side // n for n, side in zip((rows, columns), heat.shape, strict=True)
    )
    cells = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = min(row_edges[i], heat.shape[0] - 1), min(column_edges[j], heat.shape[1] - 1)
            bottom, right = max(row_edges[i + 1], top + 1), max(column_edges[j + 1], left + 1)
            cells[i, j] = float(heat[top:bottom, left:right].mean())
    return cells
