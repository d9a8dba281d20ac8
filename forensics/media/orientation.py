"""The eight ways a picture can lie in its file (Exif 2.32, tag 0x0112), undone and done again."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from generators.orientation import turn_upright

__all__ = ["turn_back", "turn_upright"]


def turn_back(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The opposite of `turn_upright`: an upright array as the file would store it, as a view."""
    # All but the quarter turns are their own opposites.
    return turn_upright(upright, {6: 8, 8: 6}.get(orientation, orientation))
