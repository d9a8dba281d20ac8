"""Time stamps of the frames: a camera or encoder of constant rate leaves even ones, a removed frame leaves a gap."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]

MIN_FRAMES = 12
"""Fewer time stamps have no rule that one of them could break."""

EVEN_SHARE = 0.95
"""Share of the steps that must be even for a rate to be called constant."""

TOLERANCE = 0.12
"""Deviation from the usual step that still counts as even: 4 ms at 30 frames a second, the jitter of phone clocks."""

GAP_STEPS = 1.7
"""Steps from which frames are missing: with jitter on both sides of one lost frame."""

QUIET_STEPS = 4
"""Even steps needed on both sides of a gap: where the rate itself changes, gaps follow one another."""

END_STEPS = 3
"""Steps at either end that are not judged: many programs give the first or last frame a time of its own."""

MAX_GAP_SHARE = 0.02
"""More gaps than this are how the video was made (a slow recorder), not single frames lost."""


class Rate(StrEnum):
    """How frames follow each other."""

    CONSTANT = "constant"
    VARIABLE = "variable"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Gap:
    """Frames missing between two that are there.

    Attributes:
        before: index of the last frame before it.
        start_s, end_s: time of the frames on both sides.
        n_missing: frames that would have fitted in.
    """

    before: int
    start_s: float
    end_s: float
    n_missing: int


@dataclass(frozen=True)
class Timing:
    """Time stamps in summary.

    Attributes:
        rate: constant, variable, or unknown with too few frames.
        step_s: usual step between frames, 0 when unknown.
        even_share: share of steps close to the usual one, 0..1.
        gaps: single gaps in a constant rate; empty when the rate is variable.
        n_repeated_stamps: frames with the same time stamp as the one before.
    """

    rate: Rate
    step_s: float
    even_share: float
    gaps: tuple[Gap, ...]
    n_repeated_stamps: int


def read_timing(times_s: Times, tick_s: float) -> Timing:
    """Judge the steps between time stamps.

    Args:
        times_s: (n,) float64, rising, of every frame that is shown.
        tick_s: unit that they were rounded to.
    """
    steps = np.diff(np.asarray(times_s, np.float64))
    n_same = int((steps <= tick_s / 2).sum())
    if steps.size < MIN_FRAMES:
        return Timing(Rate.UNKNOWN, float(np.median(steps)) if steps.size else 0.0, 1.0, (), n_same)
    step_s = float(np.median(steps))
    # Rounded to a coarse unit, even steps differ by one unit: 33 and 34 ms in Matroska.
    slack_s = max(TOLERANCE * step_s, 1.01 * tick_s)
    even = np.abs(steps - step_s) <= slack_s
    long = steps >= GAP_STEPS * step_s
    share = float(even.mean())
    constant = share >= EVEN_SHARE and long.mean() <= max(MAX_GAP_SHARE, 1.5 / steps.size)
    if not constant:
        return Timing(Rate.VARIABLE, step_s, share, (), n_same)
    step_s = float(steps[even].mean())  # finer than the unit of the time stamps
    gaps = [_gap(times_s, int(i), step_s) for i in np.flatnonzero(long) if _stands_alone(even, int(i))]
    return Timing(Rate.CONSTANT, step_s, share, tuple(gaps), n_same)


def _stands_alone(even: NDArray[np.bool_], i: int) -> bool:
    if i < END_STEPS or i >= even.size - END_STEPS:
        return False
    around = np.r_[even[max(0, i - QUIET_STEPS) : i], even[i + 1 : i + 1 + QUIET_STEPS]]
    return bool(around.all())


def _gap(times_s: Times, i: int, step_s: float) -> Gap:
    start, end = float(times_s[i]), float(times_s[i + 1])
    return Gap(i, start, end, max(1, round((end - start) / step_s) - 1))
