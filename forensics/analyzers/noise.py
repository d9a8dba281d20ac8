"""Local noise level: a part with the noise of another sensor or another processing does not fit the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from detectors.residuals import MIN_FITTED_BLOCKS, noise_blocks, noise_deviation
from forensics.analyzers.base import calibration
from forensics.analyzers.camera_match import camera_findings
from forensics.analyzers.compact import heat_map, outline, window_contrast
from forensics.finding import Claim, Finding, Heat, Trace
from forensics.media import Kind, Media
from forensics.settings import ScanSettings

BLOCK_PX = 8
"""The JPEG block: noise survives compression block by block, so a finer or shifted raster mixes two histories."""

MIN_SIDE_PX = 128
"""Sixteen blocks a side: below that there is no region and rest to compare."""

SHARES = (0.02, 0.1)
"""Areas looked for, of the picture: a face in a group, a person."""

EXPLANATION = (
    "Noise depends on the sensor, its sensitivity and everything done to the picture later; a part from another photo "
    "or a generator brings its own. Brightness and texture are accounted for, but smooth skin or sky, blurred "
    "backgrounds, local retouching and night modes of phones also change the noise."
)


class Noise:
    """Compares the noise level of each part with the rest of the photo, and the sensor with enrolled cameras."""

    name: ClassVar[str] = "noise"
    trace: ClassVar[Trace] = Trace.SENSOR
    title: ClassVar[str] = "Noise"
    about: ClassVar[str] = (
        "Looks for parts whose noise does not fit the rest, and for the fingerprint of enrolled cameras; strong "
        "compression and shrinking remove both."
    )

    def __init__(self, settings: ScanSettings) -> None:
        self._settings = settings

    def skip_reason(self, media: Media) -> str | None:
        """Why this file cannot be examined."""
        if media.kind is Kind.VIDEO:
            return "the noise of single pictures is compared, video coding leaves none"
        if min(media.luma.shape) < MIN_SIDE_PX:
            return f"needs at least {MIN_SIDE_PX} pixels a side"
        if int(noise_blocks(media.luma, BLOCK_PX).valid.sum()) < MIN_FITTED_BLOCKS:
            return "the picture is flat or clipped nearly everywhere, there is no noise to measure"
        return None

    def examine(self, media: Media) -> Iterable[Finding]:
        """Yield the finding about local noise, then one for every enrolled camera that matches."""
        yield _local_noise(media)
        if self._settings.cameras is not None:
            yield from camera_findings(media, self._settings.cameras)


def _local_noise(media: Media) -> Finding:
    blocks = noise_blocks(media.luma, BLOCK_PX)
    deviation, spread = noise_deviation(blocks)
    contrasts = [window_contrast(deviation, blocks.valid, share) for share in SHARES]
    best = max(contrasts, key=lambda c: c.value)
    measures = {
        "contrast_small": contrasts[0].value,
        "contrast_large": contrasts[1].value,
        "spread": spread,
        "sigma": float(np.median(blocks.sigma[blocks.valid])),
    }
    model = calibration(Noise.name)
    llr = model.llr(measures) if model is not None else None
    strength = np.abs(best.means)
    y, x = np.unravel_index(int(strength.argmax()), strength.shape)
    more = "more" if best.means[y, x] > 0 else "less"
    region = outline(strength, BLOCK_PX, media.luma.shape, label=f"{more} noise")
    return Finding(
        analyzer=Noise.name,
        trace=Noise.trace,
        summary=_summary(more, llr),
        llr=llr,
        claim=Claim.MANIPULATED,
        explanation=EXPLANATION,
        measures=measures,
        regions=(region,) if region is not None and (llr is None or llr > 0) else (),
        heat=Heat(heat_map(strength, 0.5, 3.0), "noise differs from the rest"),
    )


def _summary(more: str, llr: float | None) -> str:
    if llr is None:
        return f"The part that differs most from the rest in noise has {more} noise; this is for the eye"
    if llr > 0:
        return f"One part has clearly {more} noise than its brightness and texture let expect"
    return "The noise is about as even as in untouched photos"
