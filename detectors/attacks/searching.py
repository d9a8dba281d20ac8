"""What black-box searches ask a detector for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.attacks.base import Target
from generators.images import Pixels

SMALLEST = 1e-6
"""Scores are kept this far from 0 and 1, whose log odds are infinite."""


def mean_logit(target: Target, pictures: Sequence[Pixels]) -> float:
    """Mean natural log odds of fake: unlike scores they still fall where a detector is sure.

    Raises:
        ValueError: a score is no number between 0 and 1.
    """
    scores = np.asarray(target.score(pictures), np.float64)
    if scores.shape != (len(pictures),) or not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError(
            f"a detector gives each of {len(pictures)} pictures a score from 0 to 1, not {scores.tolist()}"
        )
    kept = scores.clip(SMALLEST, 1 - SMALLEST)
    return float(np.log(kept / (1 - kept)).mean())
