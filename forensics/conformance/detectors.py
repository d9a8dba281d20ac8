"""Checks of detectors on a few pictures, in several splits into batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from detectors.base import Detector, Scores
from forensics.conformance.rules import ConformanceError, Rule, check_reason, check_words, covers, guarded
from forensics.sameness import rows, same
from forensics.specimens import picture
from generators.weights import ModelCard


def check_detector(kind: type[Detector]) -> None:
    """Check a detector on a few pictures, in several splits into batches.

    Args:
        kind: the class, made without arguments.

    Raises:
        ConformanceError: it breaks a rule.
        ImportError: it needs a library that is not installed.
    """
    name = check_words(kind, ())
    detector = guarded(name, "no picture", kind)
    _check_card(name, detector)
    pictures = [picture(seed, width=256, height=192) for seed in range(4)]
    together = _score(detector, pictures)
    splits: Mapping[str, Iterable[list[int]]] = {
        "one by one": [[0], [1], [2], [3]],
        "in two batches of another order": [[3, 1], [0, 2]],
        "as one array of the same size": [[0, 1, 2, 3]],
    }
    for how, batches in splits.items():
        for batch in batches:
            chosen: Any = [pictures[i] for i in batch]
            scores = _score(detector, np.stack(chosen) if "array" in how else chosen)
            if not same(rows(together, batch), rows(scores, range(len(batch)))):
                raise ConformanceError(name, Rule.REPEATED, f"other scores {how}")
    mixed = [*pictures[:2], picture(8, width=130, height=310), picture(9, width=64, height=64)]
    if not same(rows(_score(detector, mixed), [0, 1]), rows(together, [0, 1])):
        raise ConformanceError(name, Rule.REPEATED, "other scores beside pictures of other sizes")
    if not same(rows(_score(guarded(name, "no picture", kind), pictures), range(4)), rows(together, range(4))):
        raise ConformanceError(name, Rule.REPEATED, "a second object gives other scores")


def _check_card(name: str, detector: Detector) -> None:
    card = getattr(detector, "card", None)
    if not isinstance(card, ModelCard):
        raise ConformanceError(name, Rule.CARD, f"card is {card!r}")
    for label in ("task", "limits", "claim"):
        if not getattr(card, label).strip():
            raise ConformanceError(name, Rule.CARD, f"the card's {label} is empty")


def _score(detector: Detector, pictures: Any) -> Scores:
    name, n = detector.name, len(pictures)
    before = [pixels.tobytes() for pixels in pictures]
    scores = guarded(name, f"{n} pictures", lambda: detector.score(pictures))
    if before != [pixels.tobytes() for pixels in pictures]:
        raise ConformanceError(name, Rule.UNTOUCHED, "the pixels of a picture were changed")
    if not isinstance(scores, Scores) or scores.fake.shape != (n,):
        raise ConformanceError(name, Rule.WELL_FORMED, f"{n} pictures gave {scores!r}")
    for reason in scores.reasons:
        if reason is not None:
            check_reason(name, "a picture", reason)
    for pixels, heat in zip(pictures, scores.heat if scores.heat is not None else (), strict=False):
        if not covers(heat, *pixels.shape[:2]):
            raise ConformanceError(name, Rule.INSIDE, f"heat {heat.shape}, picture {pixels.shape[:2]}")
    return scores
