"""Stills in a moving scene: a frame that was held, or frames that are repeated in a beat by a change of rate.

Rests on noise: even a scene without motion changes a little from frame to frame, as sensors are noisy. A held frame
does not. Where an encoder has removed the noise, both look alike and nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.analyzers.video.reel import Reel

MIN_FRAMES, MIN_LENGTH_S = 5, 0.2
"""Shortest run that is called held; shorter ones are dropped frames of a live stream."""

AROUND = 25
"""Frames on either side that say how much changes in this scene, about a second."""

MIN_USUAL = 0.3
"""Mean change in grey levels that the scene needs around the run: less is left of noise by strong compression."""

HELD_SHARE, HELD_FLOOR = 0.1, 0.02
"""Change inside the run, as share of the usual one or in grey levels: what an encoder still refines."""

EDGE_SHARE = 0.4
"""Change next to the run as share of the usual one: a scene that comes to rest by itself slows down first."""

BEATS = range(2, 9)
"""Lengths of a beat: 24 to 30 frames a second repeats one in five, 25 to 30 one in six."""

BEAT_SHARE = 0.25
"""Change of the repeated frame of each beat, as share of the largest in it."""

BEAT_PERCENT = 80.0
"""Beats that must keep to it; cuts and pauses break some."""

MIN_BEATS = 8
"""Beats needed to call it one."""


@dataclass(frozen=True)
class Still:
    """A frame that is held.

    Attributes:
        first, last: indices of the first and last frame that equal the one before.
        usual: mean change around it, grey levels.
    """

    first: int
    last: int
    usual: float

    @property
    def n_frames(self) -> int:
        """Frames that repeat the one before."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Beat:
    """A regular pattern of repeated frames.

    Attributes:
        length: frames after which it starts again.
        n_repeated: frames of each that repeat the one before.
    """

    length: int
    n_repeated: int


def find_stills(reel: Reel) -> list[Still]:
    """Runs in which the picture stands still at once and moves on at once; not at the very end of the video."""
    change = reel.fine_change
    stills: list[Still] = []
    i = 3
    while i < len(change) - MIN_FRAMES:
        before = change[max(1, i - AROUND) : i]
        usual = float(np.median(before))
        bar = max(HELD_FLOOR, HELD_SHARE * usual)
        if usual < MIN_USUAL or change[i] > bar:
            i += 1
            continue
        last = i
        while last + 1 < len(change) and change[last + 1] <= bar:
            last += 1
        still = Still(i, last, usual)
        if _long(reel, still) and _abrupt(reel, still):
            stills.append(still)
        i = last + 1
    return stills


def _long(reel: Reel, still: Still) -> bool:
    length_s = float(reel.times_s[still.last] - reel.times_s[still.first - 1])
    return still.n_frames >= MIN_FRAMES and length_s >= MIN_LENGTH_S


def _abrupt(reel: Reel, still: Still) -> bool:
    after = reel.fine_change[still.last + 1 : still.last + 1 + AROUND]
    if after.size < 3:
        return False
    usual_after = float(np.median(after))
    # A key frame refreshes the whole picture and looks like motion where there is none: the frame after it decides.
    edge = min(float(after[0]), float(after[1]))
    starts = float(min(reel.fine_change[still.first - 2 : still.first])) >= EDGE_SHARE * still.usual
    return starts and usual_after >= MIN_USUAL and edge >= EDGE_SHARE * usual_after


def find_beat(reel: Reel) -> Beat | None:
    """The beat in which frames repeat the one before; None if there is none."""
    # Key frames refresh the picture in a beat of their own.
    own = np.array([kind == "I" for kind in reel.types], bool)[1:]
    fine, coarse = (np.where(own, np.nan, c[1:]) for c in (reel.fine_change, reel.change))
    for length in BEATS:
        if len(fine) // length < MIN_BEATS:
            break
        repeated = _repeated(fine, length) & _repeated(coarse, length)
        if repeated.any():
            return Beat(length, int(repeated.sum()))
    return None


def _repeated(change: NDArray[np.floating], length: int) -> NDArray[np.bool_]:
    """(length,) places in the beat where hardly anything changes while something moves at the others."""
    beats = change[: len(change) // length * length].reshape(-1, length)
    beats = beats[~np.isnan(beats).any(axis=1)]
    beats = beats[beats.max(axis=1, initial=0.0) >= MIN_USUAL]
    if len(beats) < MIN_BEATS:
        return np.zeros(length, bool)
    shares = beats / beats.max(axis=1, keepdims=True)
    return np.asarray(np.percentile(shares, BEAT_PERCENT, axis=0) <= BEAT_SHARE, bool)
