"""The detector `residual`: is this picture made by a machine? A small network reads its residuals, cell by cell."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.base import Pictures, Scores
from detectors.degradation import too_far_gone
from detectors.reading import probability
from detectors.residual_graph import CELL_PX, ResidualRuntime
from detectors.residual_planes import residual_planes
from detectors.stored_reading import StoredReading
from generators.images import Pixels

READING = "residual-1"

MIN_SIDE_PX = 96
"""What the network sees around each cell; smaller pictures are seen by no cell whole."""

BAND_PX = 1024
"""Rows looked at in one go, so that a large picture takes no more memory than its width asks for."""

HALO_PX = 64
"""Rows looked at besides on either side of a band: no cell sees farther."""

Cells = NDArray[np.float32]
"""(h, w) float32, a reading for each CELL_PX pixels a side."""


class Residual(StoredReading):
    """Scores whole pictures; the score is the probability of a machine-made one at equal odds beforehand."""

    name = "residual"
    stored_as = READING

    def score(self, images: Pictures) -> Scores:
        """Score pictures one by one, so that no neighbour in a batch changes a score."""
        said = [cells_of(self._runtime, pixels) for pixels in images]
        logits = self._reading.logits(np.array([[pooled(cells)] for cells in said], np.float32).reshape(-1, 1))
        reasons = tuple(_refusal(pixels) for pixels in images)
        llr = np.where([reason is None for reason in reasons], self._reading.llr(logits), np.float32(0))
        return Scores(
            fake=probability(logits).astype(np.float32),
            llr=llr.astype(np.float32),
            heat=[self._heat(cells) for cells in said],
            abstained=reasons,
        )

    def _heat(self, cells: Cells) -> Cells:
        low, high = self._stored[0]["heat_range"]
        # One cell says little; a trace covers several.
        return np.asarray(np.clip((cv2.blur(cells, (3, 3)) - low) / (high - low), 0, 1), np.float32)

    @cached_property
    def _runtime(self) -> ResidualRuntime:
        return ResidualRuntime(self._stored[0])


def cells_of(runtime: ResidualRuntime, pixels: Pixels) -> Cells:
    """Readings of the cells of a picture (H, W, 3) uint8, in bands."""
    height = pixels.shape[0]
    bands = []
    for top in range(0, height, BAND_PX):
        above = min(top, HALO_PX)
        cells = runtime.cells(residual_planes(pixels[top - above : top + BAND_PX + HALO_PX]))
        bands.append(cells[above // CELL_PX :][: -(-min(BAND_PX, height - top) // CELL_PX)])
    return np.concatenate(bands)


def pooled(cells: Cells) -> float:
    """The smooth mean of the top of a map: its cells weighed by the softmax of their readings."""
    weight = np.exp(cells - cells.max(), dtype=np.float64)
    return float((weight * cells).sum() / weight.sum())


def _refusal(pixels: Pixels) -> str | None:
    if min(pixels.shape[:2]) < MIN_SIDE_PX:
        return f"it is smaller than {MIN_SIDE_PX} pixels"
    return too_far_gone(pixels)
