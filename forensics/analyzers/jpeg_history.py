"""JPEG history of a picture, whole and part by part; rests on quantization in 8 x 8 blocks, which is never undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.analyzers.base import calibration
from forensics.analyzers.compact import heat_map, outline
from forensics.analyzers.evenness import EVEN, is_even
from forensics.analyzers.jpeg.coefficients import (
    Coefficients,
    Stored,
    coefficients_of,
    dct_basis,
    decode_luma,
    frame_header,
    read_coefficients,
)
from forensics.analyzers.jpeg.double_quantization import (
    DoubleQuantization,
    OnceQuantized,
    double_quantization,
    once_quantized,
)
from forensics.analyzers.jpeg.encoder_marks import encoder_marks
from forensics.analyzers.jpeg.ghosts import Ghost, find_ghost
from forensics.analyzers.jpeg.grid import ForeignGrid, Grid, find_grid, foreign_grid
from forensics.analyzers.jpeg.tables import name_tables, nearest_quality
from forensics.errors import MediaError
from forensics.finding import Claim, Finding, Heat, Trace
from forensics.media import Kind, Media
from forensics.settings import ScanSettings

Plane = NDArray[np.float32]

MIN_SIDE_PX = 64
"""Eight blocks a side: below that there is no region and rest to compare."""

PIXEL_FORMATS = ("png", "tiff", "bmp")
"""Formats that keep pixels as they are, and with them the traces of an earlier JPEG."""

N_SMOOTH_BLOCKS = 16_000
"""Blocks on a shifted grid that stand for the picture without gaps in its histograms."""

CLIPPING_MARGIN = 8
"""Grey levels from the ends of the scale: a clipped part comes back this far from them after another save."""

MISSING_BAR = (1.4, 0.15)
"""Strength of a once-quantized part that untouched train photos reach in about one of a hundred; width of the edge."""

MAX_READING = 4.0
"""Readings beyond this are rarer than the examples that the ratio was fitted on can tell apart."""

FOREIGN_BAR = (0.6, 0.05)
"""log10(1 + digits of chance) of a foreign grid: one in a thousand pictures by chance, as few train photos show."""

RESAVED_GAIN = 0.03
"""Log-likelihood per coefficient (nats) from which an earlier save is put into words."""

EXPLANATION = (
    "A photo that was a JPEG before carries a pattern of two quantizations, or the grid of its earlier blocks, all "
    "over. A part pasted in from elsewhere lacks it or brings a grid of its own. Burnt-out or flat areas, text "
    "laid over the photo and local retouching can look alike. A photo that was only saved again is even all over."
)


class JpegHistory:
    """Reads how often and how a picture was saved as JPEG, and whether one part has another history."""

    name: ClassVar[str] = "jpeg_history"
    trace: ClassVar[Trace] = Trace.COMPRESSION
    title: ClassVar[str] = "JPEG history"
    about: ClassVar[str] = (
        "Names the last encoder and earlier saves and looks for parts with another JPEG history; blind when the last "
        "save was much coarser than those before, or the picture was resized."
    )

    def __init__(self, settings: ScanSettings) -> None:
        self._settings = settings

    def skip_reason(self, media: Media) -> str | None:
        """Why this file cannot be examined."""
        if media.kind is Kind.VIDEO:
            return "JPEG traces are looked for in single pictures, video coding covers them"
        if media.format != "jpeg" and media.format not in PIXEL_FORMATS:
            return f"{media.format.upper()} coding covers the traces of earlier JPEG saves"
        if min(media.image.width, media.image.height) < MIN_SIDE_PX:
            return f"needs at least {MIN_SIDE_PX} pixels a side"
        if media.format == "jpeg":
            try:
                frame_header(media.data)
            except MediaError as error:
                return f"its coefficients cannot be read: {error}"
        return EVEN if is_even(media.luma) else None

    def examine(self, media: Media) -> Iterable[Finding]:
        """Yield the finding about parts with another history, then the history in words."""
        traces = _read(media)
        yield _parts(media, traces)
        yield _history(media, traces)


@dataclass(frozen=True, eq=False)
class _Traces:
    stored: Stored | None
    grid: Grid
    foreign: ForeignGrid
    twice: DoubleQuantization
    once: OnceQuantized
    ghost: Ghost
    corner_px: tuple[int, int]


def _read(media: Media) -> _Traces:
    stored = read_coefficients(media.data, media.limits) if media.format == "jpeg" else None
    if stored is not None:
        luma, coefficients = decode_luma(stored.luma), stored.luma
        grid, corner = find_grid(luma, coefficients.steps), (0, 0)
        foreign = foreign_grid(grid, (0, 0))
    else:
        luma = media.luma
        grid = find_grid(luma, np.ones(64, np.float32))
        corner = grid.offset_px or (0, 0)
        coefficients = coefficients_of(luma, corner)
        foreign = foreign_grid(grid, grid.offset_px)
    twice = double_quantization(coefficients, _smooth(luma, corner))
    once = once_quantized(twice, _unclipped(media, luma, corner, coefficients))
    return _Traces(stored, grid, foreign, twice, once, find_ghost(coefficients), corner)


def _smooth(luma: Plane, corner: tuple[int, int]) -> Plane:
    """(n, 64) coefficients half a block off the grid, from evenly spread places."""
    height, width = (luma.shape[0] - 12) // 8, (luma.shape[1] - 12) // 8
    chosen = np.linspace(0, height * width - 1, min(height * width, N_SMOOTH_BLOCKS)).astype(int)
    y, x = (8 * (chosen // width) + (corner[0] + 4) % 8, 8 * (chosen % width) + (corner[1] + 4) % 8)
    reach = np.arange(8)
    blocks = luma[(y[:, None] + reach)[:, :, None], (x[:, None] + reach)[:, None, :]].reshape(-1, 64)
    smooth: Plane = (np.rint(blocks) - np.float32(128)) @ dct_basis()
    return smooth


def _unclipped(media: Media, luma: Plane, corner: tuple[int, int], coefficients: Coefficients) -> NDArray[np.bool_]:
    """(h, w) bool, blocks without pixels at or near the ends of the scale, where clipping broke every pattern."""
    height, width, _ = coefficients.values.shape
    # Strong colours clip in one channel while the luma looks well.
    colour = cv2.inRange(media.pixels, (1, 1, 1), (254, 254, 254))
    if media.format == "jpeg":
        colour = np.ascontiguousarray(_stored(colour, media.image.orientation))
    inside = slice(corner[0], corner[0] + 8 * height), slice(corner[1], corner[1] + 8 * width)
    within = cv2.bitwise_and(cv2.inRange(luma[inside], CLIPPING_MARGIN, 255 - CLIPPING_MARGIN), colour[inside])
    # The mean of a block is 255 only where all of its pixels are.
    return np.asarray(cv2.resize(within, (width, height), interpolation=cv2.INTER_AREA) == 255)


def _stored(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn an upright map back to how the file stores it; the inverse of `Media.upright`."""
    turned = np.rot90(upright, {3: 2, 6: 1, 8: -1}.get(orientation, 0))
    if orientation in (5, 7):
        turned = upright.T if orientation == 5 else np.rot90(upright, 2).T
    return np.flip(turned, axis=1) if orientation == 2 else np.flip(turned, axis=0) if orientation == 4 else turned


def _parts(media: Media, traces: _Traces) -> Finding:
    missing = min(traces.once.strength, MAX_READING)
    foreign = min(float(np.log10(1 + max(-traces.foreign.log10_nfa, 0.0))), MAX_READING)
    readings = _step(missing, *MISSING_BAR), _step(foreign, *FOREIGN_BAR)
    measures = {
        "own_history": max(readings),
        "double_quantization": missing,
        "foreign_grid": foreign,
        "ghost": traces.ghost.contrast,
        "double_quantization_gain": traces.twice.gain,
        "grid_share": traces.grid.share,
    }
    model = calibration(JpegHistory.name)
    llr = model.llr(measures) if model is not None else None
    by_grid = readings[1] > readings[0]
    strength, block_px, label = _map(traces, by_grid)
    upright = media.upright(strength)
    flagged = llr is not None and llr > 0
    region = outline(upright, block_px, (media.image.height, media.image.width), label="another JPEG history")
    return Finding(
        analyzer=JpegHistory.name,
        trace=JpegHistory.trace,
        summary=_summary(llr, by_grid),
        llr=llr,
        claim=Claim.MANIPULATED,
        explanation=EXPLANATION,
        measures=measures,
        regions=(region,) if region is not None and flagged else (),
        heat=Heat(heat_map(upright, 0.0, 1.0), label),
    )


def _step(value: float, bar: float, width: float) -> float:
    """0 below the bar, 1 above, with a soft edge: how far beyond the bar says little about how sure it is."""
    return float(1 / (1 + np.exp(-np.clip((value - bar) / width, -30, 30))))


def _map(traces: _Traces, by_grid: bool) -> tuple[Plane, float, str]:
    """Strength 0..1 in stored orientation from the picture's corner on, pixels a cell, and what bright means."""
    if by_grid:
        density = traces.foreign.density
        return density / max(float(density.max()), 1e-6), float(traces.grid.cell_px), "blocks lie on another grid"
    # Half a block and more in front of the first whole one is a row of its own, so that the map stays in place.
    front = [(int(offset >= 4), 0) for offset in traces.corner_px]
    return np.pad(traces.once.heat, front), 8.0, "lacks the traces of the earlier save"


def _summary(llr: float | None, by_grid: bool) -> str:
    if llr is not None and llr <= 0:
        return "No part shows a JPEG history of its own"
    what = "has blocks on a grid of its own" if by_grid else "lacks the traces of an earlier save that the rest shows"
    if llr is None:
        return f"The part that differs most in JPEG history {what}; this is for the eye"
    return f"One part {what}, as a pasted part does"


def _history(media: Media, traces: _Traces) -> Finding:
    words, details = [], []
    if traces.stored is not None:
        header = traces.stored.header
        tables = name_tables(traces.stored.tables)
        details += [
            ("tables", str(tables)),
            ("coding", f"{header.coding}, {header.subsampling}"),
            ("luma table", " ".join(str(int(step)) for step in traces.stored.tables[0])),
            *encoder_marks(media.data),
        ]
        words.append(f"Saved last as JPEG, {tables}, {header.subsampling}, {header.coding}")
    earlier = _earlier(traces)
    words.append(earlier or ("no earlier save is seen" if traces.stored else "No trace of an earlier JPEG save"))
    offset = traces.grid.offset_px
    if offset is not None:
        y, x = offset
        details.append(("block grid", f"starts {x} px right and {y} px down, {traces.grid.share:.0%} of parts agree"))
        if offset != (0, 0):
            words.append("the older grid does not start in the corner: cropped or moved since")
    if traces.ghost.quality:
        details.append(("strongest ghost", f"quality {traces.ghost.quality}, contrast {traces.ghost.contrast:.2f}"))
    summary, ghost = "; ".join(words), np.asarray(1 - traces.ghost.changes, np.float32)
    return Finding(
        analyzer=JpegHistory.name,
        trace=JpegHistory.trace,
        summary=summary[0].upper() + summary[1:],
        explanation="Saving again, cropping and sending through a messenger are usual and no manipulation.",
        details=tuple(details),
        heat=Heat(heat_map(media.upright(ghost), 0.0, 1.0), "would change least") if traces.ghost.quality else None,
    )


def _earlier(traces: _Traces) -> str:
    steps = traces.twice.steps
    if traces.twice.gain < RESAVED_GAIN or len(steps) < 3:
        if traces.stored is None and traces.grid.offset_px is not None:
            return "The pixels were a JPEG once, of high quality"
        return ""
    quality = nearest_quality(steps)
    if traces.stored is None:
        return f"The pixels were a JPEG once, of about quality {quality}"
    return f"saved before as JPEG of about quality {quality} on the same grid"
