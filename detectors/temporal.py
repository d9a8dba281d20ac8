"""The detector `temporal`: was this clip made by a machine? Frames are looked at together, and how they change."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Pictures, Scores
from detectors.clip_features import MIN_FRAMES, features, seen
from detectors.probe import Probe
from detectors.reading import probability
from detectors.shared_tower import shared_tower
from detectors.stored_reading import StoredReading
from detectors.synthetic import MIN_SIDE_PX, ZOO
from detectors.token_features import Tower

READING = "temporal-2"

STILL = "it is a single picture, not a clip"
TOO_FEW = f"it has fewer than {MIN_FRAMES} frames"
TOO_SMALL = f"it is smaller than {MIN_SIDE_PX} pixels"


class Temporal(StoredReading):
    """Scores clips; the score is the probability of a machine-made one at equal odds beforehand.

    Args:
        zoo: folder with the weights and the card.
        tower: gives the tokens; the shipped one if None.
        stored_as: name and version of the weights; those that ship if "".
    """

    name = "temporal"
    stored_as = READING

    def __init__(self, zoo: Path = ZOO, tower: Tower | None = None, stored_as: str = "") -> None:
        super().__init__(zoo, stored_as=stored_as)
        self._given = tower

    def score(self, images: Pictures) -> Scores:
        """Single pictures are not judged."""
        n = len(images)
        return Scores(np.full(n, 0.5, np.float32), np.zeros(n, np.float32), abstained=(STILL,) * n)

    def score_clip(self, frames: Pictures) -> Scores:
        """See `SeesClips.score_clip`."""
        reason = self._refusal(frames)
        if reason is not None:
            return Scores(np.array([0.5], np.float32), np.zeros(1, np.float32), abstained=(reason,))
        row = seen(self._given or shared_tower(), list(frames))
        logits = self._reading.logits(features(row[None], self._pictures))
        return Scores(probability(logits).astype(np.float32), self._reading.llr(logits))

    def _refusal(self, frames: Pictures) -> str | None:
        if len(frames) < MIN_FRAMES:
            return TOO_FEW
        return TOO_SMALL if min(min(pixels.shape[:2]) for pixels in frames) < MIN_SIDE_PX else None

    @cached_property
    def _pictures(self) -> Probe:
        return Probe(self._stored[0]["picture_weights"], self._stored[0]["picture_bias"].item())


def tensors_of(pictures: Probe) -> dict[str, NDArray[Any]]:
    """What is stored of the reading of single pictures."""
    return {"picture_weights": pictures.weights, "picture_bias": np.array(pictures.bias, np.float64)}
