"""The detector `temporal`: was this clip made by a machine? Frames are looked at together, and how they change."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Pictures, Scores
from detectors.clip_features import MIN_FRAMES, Look, class_tokens, features
from detectors.face import look_with_tower
from detectors.linear_reading import Reading, probability
from detectors.synthetic import MIN_SIDE_PX, ZOO
from generators.weights import ModelCard, load

READING = "temporal-1"

STILL = "it is a single picture, not a clip"
TOO_FEW = f"it has fewer than {MIN_FRAMES} frames"
TOO_SMALL = f"it is smaller than {MIN_SIDE_PX} pixels"


class Temporal:
    """Scores clips; the score is the probability of a machine-made one at equal odds beforehand.

    Args:
        zoo: folder with the weights and the card.
        look: gives the tokens of a picture; the shipped tower if None.
    """

    name = "temporal"

    def __init__(self, zoo: Path = ZOO, look: Look | None = None) -> None:
        self._zoo = zoo
        self._look = look or look_with_tower

    @property
    def card(self) -> ModelCard:
        """Card of the reading; the tower has one of its own."""
        return self._stored[1]

    def score(self, images: Pictures) -> Scores:
        """Single pictures are not judged."""
        n = len(images)
        return Scores(np.full(n, 0.5, np.float32), np.zeros(n, np.float32), abstained=(STILL,) * n)

    def score_clip(self, frames: Pictures) -> Scores:
        """See `SeesClips.score_clip`."""
        reason = self._refusal(frames)
        if reason is not None:
            return Scores(np.array([0.5], np.float32), np.zeros(1, np.float32), abstained=(reason,))
        logits = self._reading.logits(features(class_tokens(self._look, list(frames)))[None])
        return Scores(probability(logits), self._reading.llr(logits))

    def _refusal(self, frames: Pictures) -> str | None:
        if len(frames) < MIN_FRAMES:
            return TOO_FEW
        return TOO_SMALL if min(min(pixels.shape[:2]) for pixels in frames) < MIN_SIDE_PX else None

    @cached_property
    def _stored(self) -> tuple[dict[str, NDArray[Any]], ModelCard]:
        return load(READING, self._zoo)

    @cached_property
    def _reading(self) -> Reading:
        return Reading.of(self._stored[0])
