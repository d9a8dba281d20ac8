"""One bounded pass over the decoded frames: small pictures and how much each differs from the one before."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.media.tracks import GreyFrame

SIDE_PX = 64
"""Long side of the small pictures: enough to tell poses apart, small enough to keep 20,000 of them in 80 MB."""

MAX_FRAMES = 20_000
"""Eleven minutes at 30 frames a second."""


@dataclass(frozen=True, eq=False)
class Reel:
    """The frames that were looked at, in order.

    Attributes:
        times_s: (n,) float64.
        pictures: (n, h, w) uint8 small luma.
        change: (n,) float32, mean absolute change of the small picture from the frame before, grey levels.
        sizes_px: width and height as coded, in order of appearance.
        complete: whether the video was looked at to its end.
    """

    times_s: NDArray[np.float64]
    pictures: NDArray[np.uint8]
    change: NDArray[np.float32]
    sizes_px: tuple[tuple[int, int], ...]
    complete: bool

    def __len__(self) -> int:
        return len(self.times_s)


def read_reel(frames: Iterable[GreyFrame], *, budget_s: float, max_frames: int = MAX_FRAMES) -> Reel:
    """Watch frames until they end, the time is up or there are too many.

    Args:
        frames: in order.
        budget_s: time after which it stops.
        max_frames: frames after which it stops.
    """
    stop = time.monotonic() + budget_s
    times: list[float] = []
    pictures: list[NDArray[np.uint8]] = []
    change: list[float] = []
    sizes: dict[tuple[int, int], None] = {}
    complete = True
    for frame in frames:
        if len(times) >= max_frames or time.monotonic() > stop:
            complete = False
            break
        sizes.setdefault(frame.size_px)
        same_shape = bool(pictures) and frame.luma.shape == pictures[0].shape
        if pictures and not same_shape:
            continue  # a stream that changes its shape is told from sizes_px
        change.append(_difference(pictures[-1], frame.luma) if pictures else 0.0)
        pictures.append(frame.luma)
        times.append(frame.time_s if frame.time_s is not None else (times[-1] if times else 0.0))
    stack = np.stack(pictures) if pictures else np.zeros((0, 1, 1), np.uint8)
    return Reel(np.array(times, np.float64), stack, np.array(change, np.float32), tuple(sizes), complete)


def _difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    return float(np.abs(first.astype(np.int16) - second).mean())
