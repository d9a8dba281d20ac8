"""The shipped tower, once a process: detectors that read the same blocks share its memory and the time to load it.

What it saw last is remembered, so that a picture that several detectors look at whole goes through it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from detectors.synthetic import TOWER, ZOO
from detectors.token_features import BLOCKS
from detectors.vision_tower import SIDE_PX, Tensors, Tokens, VisionTower
from generators.weights import load

N_REMEMBERED = 4
"""Pictures, of 3 MB each: the whole one, and a few faces that another detector looks at in between."""


class RememberingTower(VisionTower):
    """A tower that remembers the tokens of single pictures; see `VisionTower`. What it gives must not be written to."""

    def __init__(self, tensors: Tensors, blocks: Sequence[int], *, n_threads: int | None = None) -> None:
        super().__init__(tensors, blocks, n_threads=n_threads)
        self._remembered = lru_cache(maxsize=N_REMEMBERED)(self._seen)

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """See `VisionTower.tokens`."""
        if pixels.shape != (1, SIDE_PX, SIDE_PX, 3) or pixels.dtype != np.uint8:
            return super().tokens(pixels)
        return self._remembered(pixels.tobytes())

    def _seen(self, data: bytes) -> tuple[Tokens, ...]:
        found = super().tokens(np.frombuffer(data, np.uint8).reshape(1, SIDE_PX, SIDE_PX, 3))
        for tokens in found:
            tokens.flags.writeable = False
        return found


@cache
def shared_tower() -> RememberingTower:
    """Tokens after each of `token_features.BLOCKS`.

    Raises:
        FileNotFoundError, ValueError: the weights are missing, or not those of their card.
    """
    return RememberingTower(load(TOWER, ZOO)[0], BLOCKS)
