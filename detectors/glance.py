"""The detector `glance`: what `synthetic` asks, of a much smaller picture, in a third of the time."""

from __future__ import annotations

from typing import ClassVar

from detectors.synthetic import Synthetic

SIDE_PX = 128
"""64 patches instead of 196. On held-out sources of the large list, AUROC of a reading of the same blocks: 0.905 at 224
pixels, 0.869 at 128, 0.833 at 112, 0.816 at 96."""

READING = "glance-1"


class Glance(Synthetic):
    """Scores whole pictures at a glance; see `Synthetic`, which is the better judge and takes three times as long."""

    name = "glance"
    stored_as: ClassVar[str] = READING
    side_px: ClassVar[int] = SIDE_PX
