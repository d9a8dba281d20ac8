"""One bounded pass over the decoded frames: small pictures and how much each differs from the one before."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forensics.media.tracks import GreyFrame

SIDE_PX = 64
"""Long side of the small pictures: enough to tell poses apart, small enough to keep 10,000 of them in 23 MB."""

MAX_FRAMES = 10_000
"""Five and a half minutes at 30 frames a second: comparing all of them costs a few seconds and 250 MB."""


@dataclass(frozen=True, eq=False)
class Reel:
    """The frames that were watched, in order.

    Attributes:
        times_s: (n,) float64.
        pictures: (n, h, w) uint8, small luma.
        change: (n,) float32, grey levels that cannot be explained from the small picture before by another brightness
            or contrast (root mean square); 0 for the first.
        likeness: (n,) float32, correlation with the small picture before, -1..1; 1 for the first.
        fine_change: (n,) float32, mean absolute change at full size, grey levels; 0 for the first. It also holds noise.
        types: picture type of each frame: "I", "P", "B" or "".
        sizes_px: width and height as coded, in order of appearance.
        complete: whether the video was watched to its end.
    """

    times_s: NDArray[np.float64]
    pictures: NDArray[np.uint8]
    change: NDArray[np.float32]
    likeness: NDArray[np.float32]
    fine_change: NDArray[np.float32]
    types: tuple[str, ...]
    sizes_px: tuple[tuple[int, int], ...]
    complete: bool

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def end_s(self) -> float:
        """Time of the last frame that was watched."""
        return float(self.times_s[-1]) if len(self) else 0.0


@dataclass
class _Tape:
    """What is kept of the frames so far."""

    times_s: list[float] = field(default_factory=list)
    pictures: list[NDArray[np.uint8]] = field(default_factory=list)
    changes: list[tuple[float, float, float]] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    sizes_px: dict[tuple[int, int], None] = field(default_factory=dict)
    before: GreyFrame | None = None

    def add(self, frame: GreyFrame) -> None:
        self.sizes_px.setdefault(frame.size_px)
        if self.before is not None and frame.luma.shape != self.before.luma.shape:
            return  # pictures of another shape cannot be compared; sizes_px tells that there are some
        last_s = self.times_s[-1] if self.times_s else 0.0
        self.times_s.append(last_s if frame.time_s is None else frame.time_s)
        self.pictures.append(frame.luma)
        self.changes.append((0.0, 1.0, 0.0) if self.before is None else _compare(self.before, frame))
        self.types.append(frame.picture_type)
        self.before = frame


def watch(frames: Iterable[GreyFrame], *, budget_s: float, max_frames: int = MAX_FRAMES) -> Reel:
    """Watch frames until they end, the time is up or there are too many; the first one in any case.

    Args:
        frames: in order.
        budget_s: time after which it stops.
        max_frames: frames after which it stops.
    """
    stop = time.monotonic() + budget_s
    tape, complete = _Tape(), True
    for frame in frames:
        if tape.before is not None and (len(tape.times_s) >= max_frames or time.monotonic() > stop):
            complete = False
            break
        tape.add(frame)
    change, likeness, fine = np.asarray(tape.changes, np.float32).reshape(-1, 3).T
    return Reel(
        times_s=np.array(tape.times_s, np.float64),
        pictures=np.stack(tape.pictures) if tape.pictures else np.zeros((0, 1, 1), np.uint8),
        change=change,
        likeness=likeness,
        fine_change=fine,
        types=tuple(tape.types),
        sizes_px=tuple(tape.sizes_px),
        complete=complete,
    )


def _compare(before: GreyFrame, after: GreyFrame) -> tuple[float, float, float]:
    fine = 0.0
    if before.rows.shape == after.rows.shape:
        fine = float(np.abs(before.rows.astype(np.int16) - after.rows).mean())
    return *unexplained(before.luma, after.luma), fine


def unexplained(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[float, float]:
    """Grey levels (root mean square) of two pictures that no linear change of brightness explains, and their likeness.

    Args:
        first, second: (h, w) uint8.

    Returns:
        The change, 0 or more, and the correlation, -1..1; 1 for two flat pictures.
    """
    a, b = first.astype(np.float32).ravel(), second.astype(np.float32).ravel()
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt(max(a @ a, b @ b) / a.size))
    norm = float(np.sqrt((a @ a) * (b @ b)))
    if spread < 0.5:
        return 0.0, 1.0  # both flat, such as black and white: a fade, no other content
    likeness = min(max(float(a @ b) / norm, -1.0), 1.0) if norm > 0 else 0.0
    return spread * float(np.sqrt(1.0 - likeness * likeness)), likeness
