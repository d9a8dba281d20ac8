"""The eight ways a picture can lie in its file (Exif 2.32, tag 0x0112), undone and done again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TURNED = frozenset({5, 6, 7, 8})
"""Orientations that swap width and height."""


def turn_upright(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo an EXIF orientation, as a view.

    Args:
        stored: (H, W, ...) of any type, as the file has it.
        orientation: 1..8.

    Returns:
        (H, W, ...) or (W, H, ...) view, upright.
    """
    if orientation in TURNED:
        stored = np.swapaxes(stored, 0, 1)
    if orientation in (2, 3, 6, 7):
        stored = stored[:, ::-1]
    if orientation in (3, 4, 7, 8):
        stored = stored[::-1]
    return stored


def turn_back(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The opposite of `turn_upright`: an upright array as the file would store it, as a view."""
    # All but the quarter turns are their own opposites.
    return turn_upright(upright, {6: 8, 8: 6}.get(orientation, orientation))
