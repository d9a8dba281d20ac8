"""Power spectrum of the residual: up-sampling inside generators repeats every 2 or 4 pixels, which shows as peaks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.spectrum import (
    N_RINGS,
    denoising_residual,
    grid_peaks,
    mean_power,
    phase_imbalance,
    radial_profile,
    sample_tiles,
)
from forensics.analyzers.base import calibration
from forensics.finding import Claim, Finding, Trace
from forensics.media import Kind, Media
from forensics.settings import ScanSettings

TILE_PX = (256, 128)
"""The larger one that fits; multiples of 8, so that peaks of JPEG blocks fall on single lines of the spectrum."""

CLEAR_PEAKS = 0.8
"""log10 of power over its surroundings from which the sentence speaks of peaks. None of 606 training photos of 45
sources reached it after JPEG at 75 to 95, 38 of 40 SRGAN enlargements did, and 2 of 315 other generated pictures: one
family is not enough to fit a ratio that would hold for another, so there is none."""

EXPLANATION = (
    "Many generators enlarge their picture twofold several times over, which leaves peaks in the spectrum that optics "
    "do not make. Few modern ones leave them after JPEG, so no peaks say little. Enlarging a photo twice or fourfold "
    "without smoothing, or a screen photographed pixel by pixel, leaves the same peaks. The fall of power towards fine "
    "detail is shown for the eye: it told makers and file formats apart, not generated pictures from photos."
)


class Spectrum:
    """Looks for the peaks of up-sampling in the spectrum of the whole picture."""

    name: ClassVar[str] = "spectrum"
    trace: ClassVar[Trace] = Trace.SENSOR
    title: ClassVar[str] = "Spectrum"
    about: ClassVar[str] = (
        "Looks for periodic peaks that the up-sampling of some generators leaves; most modern generators, and any "
        "resizing afterwards, leave none."
    )

    def __init__(self, settings: ScanSettings) -> None:
        self._settings = settings

    def skip_reason(self, media: Media) -> str | None:
        """Why this file cannot be examined."""
        if media.kind is Kind.VIDEO:
            return "video coding removes the finest detail"
        if min(media.luma.shape) < min(TILE_PX):
            return f"needs at least {min(TILE_PX)} pixels a side"
        return None

    def examine(self, media: Media) -> Iterable[Finding]:
        """Yield one finding about the picture as a whole."""
        tile_px = next(side for side in TILE_PX if side <= min(media.luma.shape))
        tiles = sample_tiles(media.luma, tile_px)
        power = mean_power(denoising_residual(tiles))
        profile = np.log10(radial_profile(mean_power(tiles)) + 1e-9)
        measures = {
            "peaks_2px": grid_peaks(power, 2),
            "peaks_4px": grid_peaks(power, 4),
            "peaks_8px": grid_peaks(power, 8),
            "phase_imbalance": phase_imbalance(tiles),
            "fall": _fall(profile),
            "roll_off": float(profile[-3:].mean() - profile[N_RINGS // 2 - 1 : N_RINGS // 2 + 2].mean()),
        }
        model = calibration(self.name)
        llr = model.llr(measures) if model is not None else None
        yield Finding(
            analyzer=self.name,
            trace=self.trace,
            summary=_summary(llr, measures),
            llr=llr,
            claim=Claim.SYNTHETIC,
            explanation=EXPLANATION,
            measures=measures,
            details=tuple(_rows(profile)),
        )


def _fall(profile: NDArray[np.float64]) -> float:
    """Exponent of the power law that the profile follows in its middle; about -2 to -3 for photographs."""
    middle = np.arange(1, N_RINGS * 3 // 4)
    return float(np.polyfit(np.log10((middle + 0.5) / (2 * N_RINGS)), profile[middle], 1)[0])


def _rows(profile: NDArray[np.float64]) -> Iterable[tuple[str, str]]:
    """The radial profile as a table, in decibels under its first ring."""
    for ring in range(1, N_RINGS):
        frequency = (ring + 0.5) / (2 * N_RINGS)
        yield f"power at {frequency:.3f} cycles a pixel", f"{10 * (profile[ring] - profile[0]):.1f} dB"


def _summary(llr: float | None, measures: dict[str, float]) -> str:
    clear = max(measures["peaks_2px"], measures["peaks_4px"]) >= CLEAR_PEAKS
    counted = "" if llr is not None else "; this is for the eye"
    if clear:
        return f"The spectrum has peaks every 2 or 4 pixels, as up-sampling in generators leaves them{counted}"
    return f"The spectrum has no clear peaks of up-sampling{counted}"
