"""Whether two answers of an analyzer or a detector are the same answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from detectors.base import Scores
from forensics.finding import Finding

TOLERANCE = 1e-4
"""Largest difference of numbers that count as the same: networks add up in another order in another batch."""


def comparable(finding: Finding) -> tuple[object, ...]:
    """Everything a finding says, for `same`."""
    heat = finding.heat
    regions = [(r.label, r.group, r.x, r.y, r.width, r.height, r.score, r.time_s) for r in finding.regions]
    shown = None if heat is None else (heat.label, heat.time_s, heat.values)
    words = (finding.summary, finding.claim, finding.said_by, finding.explanation, finding.details)
    return (*words, finding.llr, dict(finding.measures), regions, shown, finding.times_s)


def rows(scores: Scores, chosen: Iterable[int]) -> list[object]:
    """What a detector says of some pictures of a batch, for `same`.

    Args:
        scores: of N pictures.
        chosen: places in the batch.
    """
    return [
        (
            float(scores.fake[i]),
            None if scores.llr is None else float(scores.llr[i]),
            None if scores.heat is None else np.asarray(scores.heat[i]),
            scores.reasons[i],
            None
            if scores.spots is None
            else [(s.label, s.x, s.y, s.width, s.height, s.score) for s in scores.spots[i]],
        )
        for i in chosen
    ]


def same(one: Any, other: Any) -> bool:
    """Equal in text and structure, numbers to TOLERANCE."""
    if isinstance(one, np.ndarray):
        alike = isinstance(other, np.ndarray) and one.shape == other.shape
        return alike and np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)
    if isinstance(one, Mapping):
        return isinstance(other, Mapping) and same(sorted(one.items()), sorted(other.items()))
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == other)
