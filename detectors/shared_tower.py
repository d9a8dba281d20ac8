"""The shipped tower, once a process: detectors that read the same blocks share its memory and the time to load it.

What it saw last is remembered, so that a picture that several detectors look at whole goes through it once. A process
that is told of a tower elsewhere (see `served_tower`) asks that one and loads none.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from detectors.face_features import BLOCK
from detectors.synthetic import TOWER, ZOO
from detectors.token_features import BLOCKS, Tower
from detectors.vision_tower import Tokens, VisionTower
from generators.weights import load

N_REMEMBERED = 16
"""Pictures, of up to 3 MB each: the frames that a scan takes of a clip unless told otherwise. A detector of clips looks
at half of them once more."""


@runtime_checkable
class StopsEarly(Protocol):
    """A tower that need not go to its end."""

    def tokens_at(self, block: int, pixels: NDArray[np.uint8]) -> Tokens:
        """See `VisionTower.tokens_at`."""
        ...


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
        if len(pixels) != 1 or pixels.dtype != np.uint8:
            return self._tower.tokens(pixels)
        return self._remembered(pixels.tobytes(), pixels.shape)

    def tokens_at(self, block: int, pixels: NDArray[np.uint8]) -> Tokens:
        """Those after one of BLOCKS, of pictures that nobody asks for twice, such as faces: they push out no other."""
        if isinstance(self._tower, StopsEarly):
            return self._tower.tokens_at(block, pixels)
        return self._tower.tokens(pixels)[BLOCKS.index(block)]

    def _seen(self, data: bytes, shape: tuple[int, ...]) -> tuple[Tokens, ...]:
        found = self._tower.tokens(np.frombuffer(data, np.uint8).reshape(shape))
        for tokens in found:
            tokens.flags.writeable = False
        return found


@cache
def shared_tower() -> RememberingTower:
    """Tokens after each of `token_features.BLOCKS`, of pictures of any side.

    Raises:
        FileNotFoundError, ValueError: the weights are missing, or not those of their card.
    """
    return RememberingTower(_Elsewhere.tower or shipped_tower())


def shipped_tower() -> Tower:
    """The tower that ships, read anew; errors as of `shared_tower`."""
    return VisionTower(load(TOWER, ZOO)[0], BLOCKS, stop=BLOCK)


def use_tower(tower: Tower | None) -> None:
    """Let all detectors of this process ask another tower from now on; None takes the shipped one again.

    Args:
        tower: for pictures of any side.
    """
    _Elsewhere.tower = tower
    shared_tower.cache_clear()


class _Elsewhere:
    """The tower that this process was told of, if it was."""

    tower: Tower | None = None
