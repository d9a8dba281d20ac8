"""What black-box attacks ask a detector for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.attacks.base import Target
from generators.images import Pixels

SMALLEST = 1e-6
"""Scores are kept this far from 0 and 1, whose log odds are infinite."""


def logits(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural log odds (N,) of scores: unlike these they still fall where a detector is sure.

    Raises:
        ValueError: a score is no number between 0 and 1.
    """
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError(f"a detector gives scores from 0 to 1, not {np.asarray(scores).tolist()}")
    kept = np.clip(np.asarray(scores, np.float64), SMALLEST, 1 - SMALLEST)
    return np.asarray(np.log(kept / (1 - kept)))


def mean_logit(target: Target, pictures: Sequence[Pixels]) -> float:
    """Mean natural log odds of fake.

    Raises:
        ValueError: a score is no number between 0 and 1.
    """
    return float(logits(target.score(pictures)).mean())
