"""Resampling: a pasted part that was resized carries the period of its interpolation, the rest does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.interpolation import STEP_PX, WINDOW_PX, line_peaks, whole_picture_peak
from forensics.analyzers.base import calibration
from forensics.analyzers.compact import heat_map, outline
from forensics.finding import Claim, Finding, Heat, Trace
from forensics.media import Kind, Media
from forensics.settings import ScanSettings

Plane = NDArray[np.float32]

MIN_SIDE_PX = WINDOW_PX + 2 * STEP_PX
"""Three windows a side, the least with something to compare."""

WHOLE_PEAK = 20.0
"""Power over its surroundings, on both axes, at which the whole picture counts as resized, for the sentence only.
Three made scenes reached 4 as they were, and 18 to 320 enlarged, also after JPEG at quality 85."""

NOISE_STRENGTH = 0.9
"""Geometric mean of two unit exponentials is 0.79 on average; content raises it a little."""

USUAL_SHARE = 0.6
"""Share of the windows that sets what is usual in the photo. On resized training photos a half flagged 12 of 226,
0.6 flagged 8 and 0.7 flagged 4; planted parts flagged fell from 10.6 to 10.2 and 8.8 %."""

EXPLANATION = (
    "Enlarging or turning a picture computes each new pixel from its neighbours with weights that repeat, which leaves "
    "a period. One part with a period of its own was resized apart from the rest. Resizing the whole photo is usual "
    "and no sign of a forgery; regular patterns such as fabric, bricks, grids or screens can look alike."
)


class Resampling:
    """Looks for a part that was resized on its own."""

    name: ClassVar[str] = "resampling"
    trace: ClassVar[Trace] = Trace.GEOMETRY
    title: ClassVar[str] = "Resampling"
    about: ClassVar[str] = (
        "Looks for parts that were enlarged or shrunk apart from the rest; JPEG below about quality 90 hides most of "
        "them, and factors near 8/7, 4/3, 8/5 and 2 coincide with JPEG blocks."
    )

    def __init__(self, settings: ScanSettings) -> None:
        self._settings = settings

    def skip_reason(self, media: Media) -> str | None:
        """Why this file cannot be examined."""
        if media.kind is Kind.VIDEO:
            return "video coding hides the period of interpolation"
        if min(media.luma.shape) < MIN_SIDE_PX:
            return f"needs at least {MIN_SIDE_PX} pixels a side"
        return None

    def examine(self, media: Media) -> Iterable[Finding]:
        """Yield one finding: the part whose period differs most, with the whole picture's period beside it."""
        peaks = line_peaks(media.luma)
        excess, frequency = _local_excess(peaks.strength, peaks.frequencies)
        whole_frequency, whole_peak = whole_picture_peak(media.luma)
        everywhere = float(peaks.strength.mean(axis=(0, 1)).max())
        measures = {
            "local_peak": float(excess.max()),
            "shared_peak": everywhere,
            "local_frequency": frequency,
            "whole_peak": whole_peak,
            "whole_frequency": whole_frequency,
        }
        model = calibration(self.name)
        llr = model.llr(measures) if model is not None else None
        strength = _cover(excess)
        region = outline(strength, STEP_PX, media.luma.shape, label="resized apart")
        summary = _summary(llr)
        if whole_peak >= WHOLE_PEAK:
            summary += "; the whole picture seems to have been enlarged, which is usual"
        yield Finding(
            analyzer=self.name,
            trace=self.trace,
            summary=summary,
            llr=llr,
            claim=Claim.MANIPULATED,
            explanation=EXPLANATION,
            measures=measures,
            regions=(region,) if region is not None and (llr is None or llr > 0) else (),
            heat=Heat(heat_map(strength, 2.0, 16.0), "period of interpolation that the rest lacks"),
        )


def _local_excess(strength: Plane, frequencies: NDArray[np.float64]) -> tuple[Plane, float]:
    """(h, w) excess of the most local frequency over what is usual at it in this picture, and that frequency."""
    pairs = np.stack([cv2.blur(np.ascontiguousarray(strength[..., k]), (2, 2)) for k in range(strength.shape[-1])], -1)
    # A period that most of the photo has is the photo's own, and its strength varies with texture: hence the ratio.
    usual = np.quantile(strength, USUAL_SHARE, axis=(0, 1))
    above = np.maximum(pairs - usual, 0) / np.maximum(usual / NOISE_STRENGTH, 1)
    best = int(above.max(axis=(0, 1)).argmax())
    return np.ascontiguousarray(above[..., best], np.float32), float(frequencies[best])


def _cover(windows: Plane) -> Plane:
    """Values of overlapping windows -> values of STEP_PX cells, each the strongest window over it."""
    span = WINDOW_PX // STEP_PX
    padded = np.pad(windows, ((0, span - 1), (0, span - 1)))
    cover = cv2.dilate(padded, np.ones((span, span), np.uint8), anchor=(span - 1, span - 1), borderValue=0)
    return np.asarray(cover, np.float32)


def _summary(llr: float | None) -> str:
    if llr is None:
        return "The map shows where the period of interpolation differs most; this is for the eye"
    if llr > 0:
        return "One part shows a period of interpolation that the rest lacks, as if it had been resized on its own"
    return "No part shows a period of interpolation of its own"
