"""The detector `face`: was a face of this picture swapped or blended? Inside and rim of each face are compared."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.base import Pictures, Scores, Spot
from detectors.face_crops import MIN_FACE_PX, FaceCrop, cut_out, located
from detectors.face_features import cell_features, features, means
from detectors.reading import probability
from detectors.tower_reading import TowerReading
from detectors.vision_tower import GRID
from generators.images import Pixels

READING = "face-3"

HEAT_SIDE = 112
"""Longer side of the heat map, in the picture's proportion."""

SMOOTH_CELLS = 0.8
"""Spread of the blur over readings of single cells."""

NO_FACE = f"no face of at least {MIN_FACE_PX} pixels was found"


class Face(TowerReading):
    """Scores pictures by their faces; the score is the probability of a blended one at equal odds beforehand.

    Of several faces one is taken to be blended, and it might be any: the picture's ratio is the mean of theirs.
    """

    name = "face"
    stored_as = READING

    def score(self, images: Pictures) -> Scores:
        """Score pictures one by one, so that no neighbour in a batch changes a score."""
        said = [self._one(pixels) for pixels in images]
        logits = np.array([logit for logit, _, _ in said], np.float64)
        found = np.array([bool(spots) for _, spots, _ in said], bool)
        return Scores(
            fake=probability(logits).astype(np.float32),
            llr=np.where(found, self._reading.llr(logits), 0).astype(np.float32),
            heat=[heat for _, _, heat in said],
            abstained=tuple(None if spots else NO_FACE for _, spots, _ in said),
            spots=tuple(spots for _, spots, _ in said),
        )

    def _one(self, pixels: Pixels) -> tuple[float, tuple[Spot, ...], NDArray[np.float32]]:
        """Log odds of the picture, 0 without a face; its faces; its map."""
        crops = [cut_out(pixels, face) for face in located(pixels)]
        heat = np.zeros(_heat_size(pixels), np.float32)
        if not crops:
            return 0.0, (), heat
        seen = [self._look(crop.pixels[None])[0] for crop in crops]
        logits = self._reading.logits(np.array([features(means(tokens)) for tokens in seen]))
        for crop, tokens in zip(crops, seen, strict=True):
            _paste(heat, self._map(tokens), crop, pixels)
        spots = tuple(Spot(*crop.box, float(p), "face") for crop, p in zip(crops, probability(logits), strict=True))
        return float(np.logaddexp.reduce(logits) - np.log(len(logits))), spots, heat

    def _map(self, seen: NDArray[np.float32]) -> NDArray[np.float32]:
        """(GRID, GRID) 0..1: how blended each cell looks."""
        tensors = self._stored[0]
        low, high = tensors["heat_range"]
        readings = cell_features(seen[1:], means(seen)[2]) @ tensors["cell_weights"] + tensors["cell_bias"]
        smooth = cv2.GaussianBlur(readings.astype(np.float32).reshape(GRID, GRID), (0, 0), SMOOTH_CELLS)
        return np.asarray(np.clip((smooth - low) / (high - low), 0, 1), np.float32)


def _heat_size(pixels: Pixels) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    return max(1, round(height * HEAT_SIDE / max(height, width))), max(1, round(width * HEAT_SIDE / max(height, width)))


def _paste(heat: NDArray[np.float32], values: NDArray[np.float32], crop: FaceCrop, pixels: Pixels) -> None:
    """Lay a face's map over its place in the picture's; where two overlap, the stronger one shows."""
    scale = max(heat.shape) / max(pixels.shape[:2])
    x, y, side = (round(value * scale) for value in crop.square)
    part = heat[y : y + max(side, 1), x : x + max(side, 1)]
    if part.size:
        grown = cv2.resize(values, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_LINEAR)
        np.maximum(part, grown, out=part)
