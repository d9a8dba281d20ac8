"""A tower in another process of this machine, asked over a line: pictures go there, tokens come back.

Nothing is pickled, and nothing of a file goes there but pixels. A request is one byte, the patches in a row, and whole
pictures of that side; an answer is the tokens of as many. On anything else the line is hung up.
"""

from __future__ import annotations

from multiprocessing import BufferTooShort
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from detectors.token_features import BLOCKS
from detectors.vision_tower import PATCH_PX, SIDE_PX, WIDTH, Tokens, grid_seen

MAX_PICTURES = 16
"""Of one request: 2.4 MB there, 48 MB back."""

MAX_BYTES = 1 + MAX_PICTURES * SIDE_PX * SIDE_PX * 3
"""Of one request."""

LOST = 75
"""Exit code of a process whose tower is gone; EX_TEMPFAIL of sysexits.h."""


class TowerLostError(SystemExit):
    """The tower is gone, and this process can examine nothing more.

    It ends the process, past all that catches an Exception: a file without findings, because no network could be asked,
    would have a wrong result.
    """

    def __init__(self) -> None:
        super().__init__(LOST)


class ServedTower:
    """Asks a tower elsewhere; see `vision_tower.VisionTower`. One thread at a time may use it.

    Args:
        line: to a `tower_server.TowerServer`.
    """

    def __init__(self, line: Connection) -> None:
        self._line = line

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """Tokens after each of `token_features.BLOCKS` of pictures of any side; see `VisionTower.tokens`.

        Raises:
            TowerLostError: there is no whole answer.
        """
        n, grid = len(pixels), grid_seen(pixels)
        parts = [self._asked(pixels[start : start + MAX_PICTURES], grid) for start in range(0, n, MAX_PICTURES)]
        return tuple(parts[0] if n <= MAX_PICTURES else np.concatenate(parts, axis=1))

    def _asked(self, pixels: NDArray[np.uint8], grid: int) -> NDArray[np.float32]:
        answer = np.empty((len(BLOCKS), len(pixels), 1 + grid * grid, WIDTH), np.float32)
        try:
            self._line.send_bytes(bytes([grid]) + pixels.tobytes())
            n_bytes = self._line.recv_bytes_into(answer.reshape(-1))
        except (EOFError, OSError, BufferTooShort) as error:
            raise TowerLostError from error
        if n_bytes != answer.nbytes:
            raise TowerLostError
        return answer


def pictures_of(request: bytes) -> NDArray[np.uint8] | None:
    """The pictures (N, s, s, 3) of a request; None of what is none."""
    side_px = request[0] * PATCH_PX if request else 0
    if not 0 < side_px <= SIDE_PX:
        return None
    n, rest = divmod(len(request) - 1, side_px * side_px * 3)
    if rest or not 1 <= n <= MAX_PICTURES:
        return None
    return np.frombuffer(request, np.uint8, offset=1).reshape(n, side_px, side_px, 3)
