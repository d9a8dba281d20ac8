"""The detector `temporal`: was this clip made by a machine? Frames are looked at together, and how they change."""

from __future__ import annotations

import numpy as np

from detectors.base import Pictures, Scores
from detectors.clip_features import MIN_FRAMES, class_tokens, features
from detectors.reading import probability
from detectors.synthetic import MIN_SIDE_PX
from detectors.tower_reading import TowerReading

READING = "temporal-1"

STILL = "it is a single picture, not a clip"
TOO_FEW = f"it has fewer than {MIN_FRAMES} frames"
TOO_SMALL = f"it is smaller than {MIN_SIDE_PX} pixels"


class Temporal(TowerReading):
    """Scores clips; the score is the probability of a machine-made one at equal odds beforehand."""

    name = "temporal"
    stored_as = READING

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
        return Scores(probability(logits).astype(np.float32), self._reading.llr(logits))

    def _refusal(self, frames: Pictures) -> str | None:
        if len(frames) < MIN_FRAMES:
            return TOO_FEW
        return TOO_SMALL if min(min(pixels.shape[:2]) for pixels in frames) < MIN_SIDE_PX else None
