"""An earlier compression of the whole video, and places where its beat is broken.

Rests on key frames: an encoder starts afresh at each, which the eye sees as a faint pulse. The pulse outlives another
encode, whose own key frames lie elsewhere (after Wang & Farid 2006 and Vázquez-Padín et al. 2012). Where frames were
taken out or put in between both encodes, the pulse is late or early from there on.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from forensics.analyzers.video.reel import Reel

Plane = NDArray[np.float64]

PERIODS = range(9, 73)
"""Frames from key frame to key frame: below, encoders have beats of their own; above, clips are too short."""

BEATS = 8
"""Beats in one window."""

REACH = 4
"""Frames of the same type on either side that a pulse is compared with."""

CLEAR, MARGIN = 0.8, 0.4
"""Height of the pulse (lower third of a window, robust standard deviations), and over the second highest place."""

MIN_WINDOWS = 3
"""Windows in a row that must agree on the place of the pulse: by chance once in ten thousand videos."""

MIN_CLEAR = 0.5
"""Share of the windows in which the pulse must be clear."""

MIN_AFTER = 2
"""Windows in a row that must agree on another place for a break."""

CALM = 0.05
"""Grey levels added to a change before its logarithm: rounding."""


@dataclass(frozen=True)
class Break:
    """A place where the pulse is out of step.

    Attributes:
        after, before: frames between which it lies.
        n_off: frames by which the pulse is late, modulo the period.
    """

    after: int
    before: int
    n_off: int


@dataclass(frozen=True)
class Earlier:
    """An earlier compression.

    Attributes:
        period: frames from key frame to key frame of it.
        height: of the pulse, in standard deviations.
        clear_share: share of the windows in which the pulse is clear, 0..1.
        breaks: where it is out of step.
    """

    period: int
    height: float
    clear_share: float
    breaks: tuple[Break, ...]


@dataclass(frozen=True)
class _Run:
    """Windows that agree on the place of the pulse: first and last window, how many are clear, place in the period."""

    first: int
    last: int
    n_clear: int
    place: int


def find_earlier(reel: Reel) -> Earlier | None:
    """The pulse of an earlier compression; None if there is none."""
    pulse = pulses(reel)
    found = [e for period in PERIODS if (e := _at(pulse, period)) is not None]
    # A period shows in its multiples as well: the shortest of about the same height is the one.
    best = max((e.height * e.clear_share for e in found), default=0.0)
    return next((e for e in found if e.height * e.clear_share >= 0.7 * best), None)


def pulses(reel: Reel) -> Plane:
    """(n,) float64, how much more each frame changes than those of its type around it, robust standard deviations."""
    level = np.log(reel.fine_change.astype(np.float64) + CALM)
    pulse = np.zeros(len(reel))
    types = np.array(reel.types)
    for kind in set(reel.types) - {"I"}:
        own = np.flatnonzero(types == kind)
        own = own[own > 0]
        if own.size <= 2 * REACH:
            continue
        padded = np.pad(level[own], REACH, mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * REACH + 1)
        pulse[own] = level[own] - np.median(windows, axis=1)
    spread = 1.4826 * float(np.median(np.abs(pulse))) + 1e-3
    return np.asarray(np.clip(pulse / spread, -2, 4), np.float64)


def _at(pulse: Plane, period: int) -> Earlier | None:
    n = len(pulse) // (BEATS * period)
    if n < MIN_WINDOWS:
        return None
    windows = np.sort(pulse[: n * BEATS * period].reshape(n, BEATS, period), axis=1)
    heights = windows[:, BEATS // 3]  # (n, period)
    place = heights.argmax(axis=1)
    rest = heights.copy()
    for i, at in enumerate(place):
        rest[i, [(at - 1) % period, at, (at + 1) % period]] = -np.inf
    best = heights.max(axis=1)
    clear = (best >= CLEAR) & (best - rest.max(axis=1) >= MARGIN)
    runs = _runs(place, clear)
    if clear.mean() < MIN_CLEAR or not any(run.n_clear >= MIN_WINDOWS for run in runs):
        return None
    width = BEATS * period
    steady = [run for run in runs if run.n_clear >= MIN_AFTER]
    breaks = tuple(
        Break((a.last + 1) * width - 1, b.first * width, (b.place - a.place) % period)
        for a, b in pairwise(steady)
        if a.place != b.place
    )
    return Earlier(period, float(best[clear].mean()), float(clear.mean()), breaks)


def _runs(place: NDArray[np.intp], clear: NDArray[np.bool_]) -> list[_Run]:
    """Clear windows in a row that agree; unclear ones in between neither count nor part them."""
    runs: list[_Run] = []
    for i in np.flatnonzero(clear).tolist():
        at = int(place[i])
        if runs and runs[-1].place == at:
            runs[-1] = _Run(runs[-1].first, i, runs[-1].n_clear + 1, at)
        else:
            runs.append(_Run(i, i, 1, at))
    return runs
