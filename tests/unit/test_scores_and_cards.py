"""Scores and cards that contradict themselves are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from detectors.base import Scores
from tests.unit.asked_detectors import CARD


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"abstained": (None,)}, "1 rows for 2"),
        ({"llr": [1.0, 0.5], "abstained": (None, "too small")}, "has no ratio"),
        ({"llr": [np.nan, 0.0]}, "finite"),
        ({"heat": [np.zeros((2, 2)), np.full((2, 2), 2.0)]}, "within 0 and 1"),
    ],
)
def test_scores_that_contradict_themselves_are_refused(values: dict[str, Any], words: str) -> None:
    if "llr" in values:
        values = values | {"llr": np.array(values["llr"], np.float32)}
    with pytest.raises(ValueError, match=words):
        Scores(np.array([0.1, 0.9], np.float32), **values)


@pytest.mark.parametrize(
    "bad", [{"claim": "fake"}, {"thresholds": {"0.01": 0.2, "0.05": 0.6}}, {"thresholds": {"5": 0.6}}]
)
def test_a_card_that_makes_no_sense_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"claims|thresholds|rates"):
        replace(CARD, **bad)
