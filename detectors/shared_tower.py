"""The shipped tower, once a process: detectors that read the same blocks share its memory and the time to load it.

What it saw last is remembered, so that a picture that several detectors look at whole goes through it once. A process
that is told of a tower elsewhere (see `served_tower`) asks that one and loads none.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from detectors.synthetic import TOWER, ZOO
from detectors.token_features import BLOCKS, Tower
from detectors.vision_tower import SIDE_PX, Tokens, VisionTower
from generators.weights import load

N_REMEMBERED = 4
"""Pictures, of 3 MB each: the whole one, and a few faces that another detector looks at in between."""


class RememberingTower:
    """Remembers the tokens of single pictures, which must not be written to.

    Args:
        tower: gives them.
    """

    def __init__(self, tower: Tower) -> None:
        self._tower = tower
        self._remembered = lru_cache(maxsize=N_REMEMBERED)(self._seen)

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """See `VisionTower.tokens`."""
        if pixels.shape != (1, SIDE_PX, SIDE_PX, 3) or pixels.dtype != np.uint8:
            return self._tower.tokens(pixels)
        return self._remembered(pixels.tobytes())

    def _seen(self, data: bytes) -> tuple[Tokens, ...]:
        found = self._tower.tokens(np.frombuffer(data, np.uint8).reshape(1, SIDE_PX, SIDE_PX, 3))
        for tokens in found:
            tokens.flags.writeable = False
        return found


@cache
def shared_tower() -> RememberingTower:
    """Tokens after each of `token_features.BLOCKS`.

    Raises:
        FileNotFoundError, ValueError: the weights are missing, or not those of their card.
    """
    return RememberingTower(VisionTower(load(TOWER, ZOO)[0], BLOCKS) if _Elsewhere.tower is None else _Elsewhere.tower)


def use_tower(tower: Tower | None) -> None:
    """Let all detectors of this process ask another tower from now on; None takes the shipped one again."""
    _Elsewhere.tower = tower
    shared_tower.cache_clear()


class _Elsewhere:
    """The tower that this process was told of, if it was."""

    tower: Tower | None = None
