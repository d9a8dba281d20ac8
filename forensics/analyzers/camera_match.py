"""Sensor fingerprints of enrolled cameras: which one took this photo, and which part of it that sensor never saw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.fingerprint import MATCH_PCE
from forensics.analyzers.compact import heat_map, outline
from forensics.camera import BLOCK_PX, CameraMatch, enrolled, load, match, missing
from forensics.finding import Finding, Heat, Trace
from forensics.media import Media

ABSENT_DEVIATIONS = 8.0
"""Shortfall that a part needs to be pointed out. A photo has thousands of windows and the predictor is coarse, so the
usual three deviations would point at something in every photo: five untouched ones of 18 megapixels, strongly
compressed by a website, reached 4.3 to 6.2."""

EXPLANATION = (
    "Each pixel of a sensor is a little more or less sensitive than its neighbours; that pattern is in every photo. "
    "A match says that this sensor took most of the picture, not that nothing was changed in it. Rescaled photos, and "
    "those that software stabilised or corrected for the lens, do not match even their own camera."
)


def camera_findings(media: Media, folder: Path) -> Iterator[Finding]:
    """Yield one finding for every enrolled camera that matches, or one that says none does.

    Args:
        media: an image.
        folder: with enrolled cameras.
    """
    names = enrolled(folder)
    best = 0.0
    n_matches = 0
    for name in names:
        fingerprint = load(name, folder)
        found = match(fingerprint, media)
        best = max(best, found.pce)
        if found.is_match:
            n_matches += 1
            yield _matching(found, missing(fingerprint, media, found), media)
    if not n_matches:
        cameras = "enrolled camera" if len(names) == 1 else "enrolled cameras"
        summary = f"None of the {len(names)} {cameras} matches this photo (PCE {best:.0f}, {MATCH_PCE:.0f} needed)"
        yield Finding(
            analyzer="noise",
            trace=Trace.SENSOR,
            summary=summary if names else "No camera is enrolled in the folder given",
            explanation=EXPLANATION,
            measures={"camera_pce": best, "n_cameras": float(len(names))},
        )


def _matching(found: CameraMatch, short: NDArray[np.float32] | None, media: Media) -> Finding:
    cropped = f", cropped at {found.x_px}, {found.y_px}" if found.x_px or found.y_px else ""
    summary = f"The photo carries the sensor fingerprint of camera {found.name} (PCE {found.pce:,.0f}{cropped})"
    measures = {"camera_pce": found.pce, "camera_x_px": float(found.x_px), "camera_y_px": float(found.y_px)}
    region, heat = None, None
    if short is not None:
        measures["missing_deviations"] = max(float(short.max()), 0.0)
        heat = Heat(heat_map(short, 2.0, 2.0 * ABSENT_DEVIATIONS), "sensor fingerprint missing")
        if short.max() >= ABSENT_DEVIATIONS:
            strength = np.maximum(short, 0).astype(np.float32)
            region = outline(strength, BLOCK_PX, media.luma.shape, label="fingerprint missing")
    if region is not None:
        summary += "; in one part it is missing"
    return Finding(
        analyzer="noise",
        trace=Trace.SENSOR,
        summary=summary,
        explanation=EXPLANATION,
        measures=measures,
        regions=(region,) if region is not None else (),
        heat=heat,
    )
