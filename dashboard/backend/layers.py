"""The views of a picture that a moderator switches between, drawn from kept pictures and the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.finding import Finding, Heat, Region
from forensics.hostile_text import one_line
from forensics.overlay import color_map, draw_heat, draw_regions, to_jpeg
from forensics.pictures import Pictures, decoded
from forensics.report import ScanReport
from forensics.report_page import MAX_REGIONS
from forensics.report_words import numbered, title

Pixels = NDArray[np.uint8]

MASK_BAR = 0.5
"""Heat from which a spot belongs to the mask: half of the strongest there can be."""

QUALITY = 85

_FOR_THE_EYE = ("ela",)
"""Analyzers whose map is a view of its own: it is bright on every picture, so it marks nothing."""

_ABOUT = {
    "original": "The picture as it was examined.",
    "ela": "How much each part changes when it is saved again. Edges and texture are always bright.",
    "noise": "What a small median takes away, strengthened 16 times. A part with another texture of noise stands out.",
    "spectrum": "Strength of each frequency, the lowest in the middle. Generators may leave a grid of bright points.",
    "masks": "White: what analyzers that speak for manipulation or synthesis mark.",
}
_TITLES = {"original": "Original", "ela": "Error levels", "noise": "Noise", "spectrum": "Spectrum", "masks": "Masks"}


@dataclass(frozen=True)
class Layer:
    """One view.

    Attributes:
        name: short and stable.
        title: for the switch.
        about: what is seen, in a sentence; labels in it are hostile text made visible.
        jpeg: the picture.
        is_heat: whether the colour scale belongs below it.
    """

    name: str
    title: str
    about: str
    jpeg: bytes
    is_heat: bool = False


def layers(report: ScanReport, pictures: Pictures, time_s: float | None = None) -> tuple[Layer, ...]:
    """Every view that there is of a picture, the picture itself first; nothing without kept pictures.

    Args:
        report: of the file.
        pictures: kept ones.
        time_s: moment of a video; the nearest kept frame is shown. None for images.
    """
    if not pictures.frames:
        return ()
    moment = min(pictures.frames, key=lambda t: abs(t - (time_s or 0.0)))
    jpeg = pictures.frames[moment]
    pixels = decoded(jpeg)
    here = [f for f in _by_weight(report.findings) if time_s is None or _is_at(f, moment, pictures)]
    found = [Layer("original", _TITLES["original"], _ABOUT["original"], jpeg)]
    found += _heat_layer(here, pixels)
    found += [_ela_layer(f.heat, pixels) for f in here if f.analyzer == "ela" and f.heat is not None][:1]
    found += [Layer(n, _TITLES[n], _ABOUT[n], pictures.layers[n], n == "spectrum") for n in _views(pictures)]
    found += _mask_layer(here, pixels, (report.width, report.height))
    found += _box_layer(here, pixels, (report.width, report.height))
    return tuple(found)


def _views(pictures: Pictures) -> Iterable[str]:
    return (name for name in ("noise", "spectrum") if name in pictures.layers)


def _by_weight(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (f.llr is None, -(f.llr or 0.0)))


def _is_at(finding: Finding, moment: float, pictures: Pictures) -> bool:
    times = [r.time_s for r in finding.regions] + ([finding.heat.time_s] if finding.heat is not None else [])
    return any(t is not None and min(pictures.frames, key=lambda k: abs(k - t)) == moment for t in times)


def _heat_layer(findings: list[Finding], pixels: Pixels) -> list[Layer]:
    hot = [f for f in findings if f.heat is not None and f.analyzer not in _FOR_THE_EYE]
    if not hot or hot[0].heat is None:
        return []
    finding, heat = hot[0], hot[0].heat
    about = f"Bright means: {one_line(heat.label, 120)} ({title(finding.analyzer)})."
    return [Layer("heat", "Heat map", about, to_jpeg(draw_heat(pixels, heat), QUALITY), is_heat=True)]


def _ela_layer(heat: Heat, pixels: Pixels) -> Layer:
    height, width = pixels.shape[:2]
    values = cv2.resize(heat.values, (width, height), interpolation=cv2.INTER_LINEAR)
    drawn = color_map()[np.rint(values * 255).astype(np.uint8)]
    return Layer("ela", _TITLES["ela"], _ABOUT["ela"], to_jpeg(drawn, QUALITY), is_heat=True)


def _mask_layer(findings: list[Finding], pixels: Pixels, size: tuple[int, int]) -> list[Layer]:
    mask = np.zeros(pixels.shape[:2], bool)
    for finding in findings:
        if (finding.llr or 0.0) <= 0:
            continue
        own = np.zeros_like(mask)
        if finding.heat is not None:
            own = cv2.resize(finding.heat.values, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR) >= MASK_BAR
        for region in finding.regions[:MAX_REGIONS] if not own.any() else ():
            left, top, right, bottom = _scaled(region, pixels, size)
            own[top:bottom, left:right] = True
        mask |= own
    if not mask.any():
        return []
    drawn = np.repeat((mask * np.uint8(255))[..., None], 3, axis=2)
    return [Layer("masks", _TITLES["masks"], _ABOUT["masks"], to_jpeg(drawn, QUALITY))]


def _scaled(region: Region, pixels: Pixels, size: tuple[int, int]) -> tuple[int, int, int, int]:
    x, y = pixels.shape[1] / size[0], pixels.shape[0] / size[1]
    left, top = int(region.x * x), int(region.y * y)
    return (
        left,
        top,
        max(left + 1, int((region.x + region.width) * x)),
        max(top + 1, int((region.y + region.height) * y)),
    )


def _box_layer(findings: list[Finding], pixels: Pixels, size: tuple[int, int]) -> list[Layer]:
    marked = [(f, r) for f in findings for r in f.regions][:MAX_REGIONS]
    if not marked:
        return []
    drawn = draw_regions(pixels, [region for _, region in marked], size)
    labels = numbered(f"{one_line(region.label, 60)} ({title(finding.analyzer)})".strip() for finding, region in marked)
    return [Layer("boxes", "Boxes", f"Marked parts: {labels}.", to_jpeg(drawn, QUALITY))]
