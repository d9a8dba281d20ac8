"""Cuts: the picture changes at once and does not change back.

To another scene, as in any edited video, or within one scene, where a piece was taken out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.analyzers.video.reel import Reel, unexplained

REACH = 10
"""Frames on either side that say how much change is usual there."""

MARGIN = 5
"""Frames needed on both sides of a jump: recorders stumble at the start."""

CUT_CHANGE, CUT_TIMES_USUAL = 8.0, 2.5
"""Grey levels of a cut to another scene, and how many times more than around it (the median there)."""

SAME_SCENE = 0.6
"""Correlation from which two pictures show the same scene."""

JUMP_CHANGE, JUMP_TIMES_USUAL, JUMP_TIMES_LARGEST = 4.0, 8.0, 4.0
"""Grey levels of a jump within a scene, times the median around it, times the second largest change around it."""

STILL = 0.75
"""Grey levels that coding changes where nothing moves."""

BACK_SHARE = 0.6
"""Share of the change below which two pictures on both sides are the same one, moved on a little."""

NEARBY = 3
"""Frames on either side among which the old picture is found again if it was only a flash or a broken frame."""


@dataclass(frozen=True)
class Cut:
    """A place where the picture changes at once.

    Attributes:
        frame: index of the first frame after it.
        within_scene: whether both sides show the same scene: a jump, not a change of scene.
        times_usual: how many times the change around it.
    """

    frame: int
    within_scene: bool
    times_usual: float


def find_cuts(reel: Reel) -> list[Cut]:
    """All cuts in order, to other scenes and within a scene. Soft transitions are not found."""
    cuts = []
    for i in np.flatnonzero(reel.change >= min(CUT_CHANGE, JUMP_CHANGE)).tolist():
        around = np.sort(np.r_[reel.change[max(1, i - REACH) : i], reel.change[i + 1 : i + 1 + REACH]])
        if around.size < MARGIN or not _stays(reel.pictures, i):
            continue
        times_usual = float(reel.change[i] / max(float(np.median(around)), STILL))
        if reel.likeness[i] < SAME_SCENE:
            if reel.change[i] >= CUT_CHANGE and times_usual >= CUT_TIMES_USUAL:
                cuts.append(Cut(i, False, times_usual))
        elif MARGIN <= i < len(reel) - MARGIN and _stands_out(float(reel.change[i]), around, times_usual):
            cuts.append(Cut(i, True, times_usual))
    return cuts


def _stands_out(change: float, around: NDArray[np.float32], times_usual: float) -> bool:
    largest = max(float(around[-2]), STILL)
    return change >= JUMP_CHANGE and times_usual >= JUMP_TIMES_USUAL and change >= JUMP_TIMES_LARGEST * largest


def _stays(pictures: NDArray[np.uint8], i: int) -> bool:
    """Whether the pictures just before and just after are all different: after a flash the old ones come back."""
    before, after = pictures[max(0, i - 1 - NEARBY) : i], pictures[i : i + 1 + NEARBY]
    change, _ = unexplained(before[-1], after[0])
    return min(unexplained(a, b)[0] for a in before for b in after) >= BACK_SHARE * change
