"""Runs of frames that are shown twice: a copied frame is closer to its original than to the frames around it.

Rests on motion: in a moving scene a frame resembles its neighbours in time most. Where a far frame is closer still,
and its neighbours are as close to the neighbours of that one, the run was copied (after Wang & Farid 2007). The ratio
of both distances needs no bar in grey levels: where nothing moves it is 1 and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
Plane = NDArray[np.float32]

MIN_APART = 12
"""Frames between a run and its copy: below that, slow motion looks the same."""

MIN_APART_BACKWARDS = 30
"""Frames between a frame and its return for it to count: for a second, any smooth movement turns back on its path."""

MIN_RUN = 6
"""Frames of the shortest run that is looked for."""

QUERY_STEP = 3
"""Every third frame is looked up: two of them fall into the shortest run."""

COARSE_SIDE = 16
"""Long side of the pictures that are looked up before the full ones are compared."""

COARSE_BAR = 0.8
"""Share of the usual motion within which a far frame is worth a closer look."""

NEAR = 0.5
"""Share of the usual motion below which a far frame counts as the same one."""

MAX_FAR_IN_RUN = 3
"""Frames in a row that may miss the bar inside a run: motion pauses, an encoder smears."""

FLOOR = 0.4
"""Grey levels (root mean square) that rounding and coding make of nothing."""

MIN_MOTION = 0.6
"""Grey levels from one frame to the next below which a frame is too still to be looked up."""

MOTION_REACH = 3
"""Frames on either side over which motion is taken: single frames may be held twice."""

RECURRING_BITS = 1.0
"""A movement that comes back by itself (a swing, a wheel) falls between two frames and comes within half a step."""

MIN_BITS = 10.0
"""Evidence from which a run is put forward; swings with a drift, made for this purpose, reach 9.7."""

MAX_PER_FRAME = 4
"""Far frames that get a closer look for each one looked up: a short loop shown for minutes has hundreds."""

ACTIVE_SHARE, ACTIVE_REACH = 0.12, 5
"""Share of the pixels, and frames on either side that say where most happens."""

N_AT_ONCE = 128
"""Frames looked up at once: 5 MB a step against 10,000 frames."""


@dataclass(frozen=True)
class Repeat:
    """A run of frames and its copy.

    Attributes:
        first: index of the first frame of the earlier showing.
        second: index of the frame of the later showing that equals it.
        n_frames: length of the run.
        backwards: whether the later showing runs backwards (then it ends at `second`).
        evidence_bits: how much closer the copies are than neighbours in time, summed over the run, log2.
        closeness: distance between the copies as share of the motion, 0 the same.
    """

    first: int
    second: int
    n_frames: int
    backwards: bool
    evidence_bits: float
    closeness: float

    @property
    def later(self) -> tuple[int, int]:
        """Indices of the first and last frame of the later showing."""
        if self.backwards:
            return self.second - self.n_frames + 1, self.second
        return self.second, self.second + self.n_frames - 1


def find_repeats(pictures: Pictures) -> list[Repeat]:
    """Runs that are shown twice, strongest first; of overlapping ones only the strongest.

    Args:
        pictures: (n, h, w) uint8 small luma.
    """
    if len(pictures) < MIN_APART + MIN_RUN:
        return []
    active = active_pixels(pictures)
    motion = usual_motion(pictures, active)
    found: list[Repeat] = []
    # A loop is a copy of itself at every multiple of its length: what is explained once is not looked up again.
    explained = np.zeros(len(pictures), bool)
    for backwards in (False, True):
        seen: dict[int, list[tuple[int, int]]] = {}
        for i, j in _candidates(pictures, motion):
            line = i + j if backwards else j - i
            if explained[j] or any(a <= i <= b for a, b in seen.get(line, ())):
                continue
            if _distance(pictures[i], pictures[j], active[i]) > NEAR * min(float(motion[i]), float(motion[j])):
                continue
            run = _grow(pictures, active, motion, i, line, backwards)
            seen.setdefault(line, []).append(run)
            if run[1] - run[0] + 1 < MIN_RUN:
                continue
            repeat = _judge(pictures, active, motion, run, line, backwards)
            if repeat.evidence_bits >= MIN_BITS:
                found.append(repeat)
                explained[repeat.later[0] : repeat.later[1] + 1] = True
    return _strongest(found)


def active_pixels(pictures: Pictures) -> NDArray[np.bool_]:
    """(n, h, w) bool, the pixels of each picture where most happens around it: a face in front of a still room."""
    n, size = len(pictures), pictures[0].size
    active = np.empty((n, size), bool)
    rank = int(size * (1 - ACTIVE_SHARE))
    total = np.zeros(size, np.int32)
    for i in range(-ACTIVE_REACH, n):
        for place, sign in ((i + ACTIVE_REACH, 1), (i - ACTIVE_REACH - 1, -1)):
            if 0 <= place < n - 1:
                total += sign * cv2.absdiff(pictures[place], pictures[place + 1]).ravel().astype(np.int32)
        if i >= 0:
            active[i] = total >= np.partition(total, rank)[rank]
    return active.reshape(pictures.shape)


def usual_motion(pictures: Pictures, active: NDArray[np.bool_]) -> Plane:
    """(n,) float32, typical distance between neighbours around each frame, grey levels (root mean square)."""
    steps = np.array([_distance(pictures[i], pictures[i + 1], active[i]) for i in range(len(pictures) - 1)], np.float32)
    padded = np.pad(steps, (MOTION_REACH, MOTION_REACH + 1), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * MOTION_REACH + 1)
    return np.asarray(np.median(windows, axis=1)[: len(pictures)], np.float32)


def _candidates(pictures: Pictures, motion: Plane) -> Iterator[tuple[int, int]]:
    """Pairs (i, j), i earlier, whose coarse pictures are closer than the motion lets expect."""
    coarse = _coarse(pictures)
    square = (coarse**2).sum(axis=1)
    steps = np.sqrt(np.mean(np.diff(coarse, axis=0) ** 2, axis=1))
    usual = np.maximum(np.r_[steps, steps[-1:]], np.r_[steps[:1], steps])
    moving = np.flatnonzero(motion[::QUERY_STEP] >= MIN_MOTION) * QUERY_STEP
    places = np.arange(len(pictures))
    for start in range(0, len(moving), N_AT_ONCE):
        i = moving[start : start + N_AT_ONCE]
        apart = (square[i, None] + square[None] - 2 * coarse[i] @ coarse.T) / coarse.shape[1]  # (k, n)
        bar = (COARSE_BAR * np.maximum(usual[i], FLOOR)) ** 2
        near = (apart <= bar[:, None]) & (places[None] - i[:, None] >= MIN_APART)
        near[:, 1:] &= apart[:, 1:] <= apart[:, :-1]
        near[:, :-1] &= apart[:, :-1] <= apart[:, 1:]
        for row in np.flatnonzero(near.any(axis=1)):
            far = np.flatnonzero(near[row])
            nearest = far[np.argsort(apart[row, far], kind="stable")[: MAX_PER_FRAME - 1]]
            for j in sorted({int(far[0]), *nearest.tolist()}):
                yield int(i[row]), j


def _coarse(pictures: Pictures) -> Plane:
    height, width = pictures.shape[1:]
    scale = min(1.0, COARSE_SIDE / max(height, width))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    small = [cv2.resize(p, size, interpolation=cv2.INTER_AREA).ravel() for p in pictures.astype(np.float32)]
    return np.asarray(small, np.float32)


def _grow(
    pictures: Pictures, active: NDArray[np.bool_], motion: Plane, i: int, line: int, backwards: bool
) -> tuple[int, int]:
    """First and last index of the run through i along one line of equal offset (or equal sum, backwards)."""
    ends = []
    for direction in (-1, 1):
        end, t, n_far = i, i, 0
        while n_far <= MAX_FAR_IN_RUN:
            t += direction
            other = line - t if backwards else t + line
            if not (0 <= t < len(pictures) and 0 <= other < len(pictures)) or other - t < (1 if backwards else 0):
                break
            usual = min(float(motion[t]), float(motion[other]))
            distance = _distance(pictures[t], pictures[other], active[t])
            if distance <= NEAR * usual:
                end, n_far = t, 0
            elif distance > FLOOR:
                n_far += 1  # a still frame that fits says nothing and ends nothing
        ends.append(end)
    return ends[0], ends[1]


def _judge(
    pictures: Pictures, active: NDArray[np.bool_], motion: Plane, run: tuple[int, int], line: int, backwards: bool
) -> Repeat:
    here = np.arange(run[0], run[1] + 1)
    there = line - here if backwards else here + line
    distance = np.array([_distance(pictures[a], pictures[b], active[a]) for a, b in zip(here, there, strict=True)])
    usual = np.minimum(motion[here], motion[there])
    bits = np.log2(np.maximum(usual, FLOOR) / np.maximum(distance, FLOOR)) - RECURRING_BITS
    apart = MIN_APART_BACKWARDS if backwards else MIN_APART
    bits = np.where((usual >= MIN_MOTION) & (there - here >= apart), bits, 0.0)
    closeness = float(distance.mean() / max(float(usual.mean()), FLOOR))
    return Repeat(run[0], int(there[0]), len(here), backwards, float(bits.sum()), closeness)


def _strongest(found: list[Repeat]) -> list[Repeat]:
    kept: list[Repeat] = []
    for repeat in sorted(found, key=lambda r: -r.evidence_bits):
        if not any(_overlap(repeat, other) for other in kept):
            kept.append(repeat)
    return kept


def _overlap(one: Repeat, other: Repeat) -> bool:
    """Whether the later showings share frames: that part is explained already."""
    return one.later[0] <= other.later[1] and other.later[0] <= one.later[1]


def _distance(first: Pictures, second: Pictures, where: NDArray[np.bool_]) -> float:
    difference = first[where].astype(np.float32) - second[where]
    return float(np.sqrt(np.mean(difference * difference)))
