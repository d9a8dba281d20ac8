"""Checks of detectors on a few pictures, in several splits into batches, and on a clip where they look at clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from detectors.base import Detector, Scores, SeesClips
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
    if isinstance(detector, SeesClips):
        _check_clips(name, detector, kind)


def _check_clips(name: str, detector: SeesClips, kind: type[Detector]) -> None:
    """A clip of eight frames, one of two frames, and the first again."""
    wide = picture(10, width=256 + 56, height=192)
    frames = [np.ascontiguousarray(wide[:, 8 * i : 8 * i + 256]) for i in range(8)]
    first = _score_clip(name, detector, frames)
    _score_clip(name, detector, frames[:2])
    other: Any = guarded(name, "no picture", kind)
    for again in (detector, other):
        if not same(rows(_score_clip(name, again, frames), [0]), rows(first, [0])):
            raise ConformanceError(name, Rule.REPEATED, "the same clip gives other scores")


def _check_card(name: str, detector: Detector) -> None:
    card = getattr(detector, "card", None)
    if not isinstance(card, ModelCard):
        raise ConformanceError(name, Rule.CARD, f"card is {card!r}")
    for label in ("task", "limits", "claim"):
        if not getattr(card, label).strip():
            raise ConformanceError(name, Rule.CARD, f"the card's {label} is empty")


def _score(detector: Detector, pictures: Any) -> Scores:
    name, n = detector.name, len(pictures)
    return _checked(name, f"{n} pictures", pictures, n, lambda: detector.score(pictures))


def _score_clip(name: str, detector: SeesClips, frames: Any) -> Scores:
    return _checked(name, f"a clip of {len(frames)} frames", frames, 1, lambda: detector.score_clip(frames))


def _checked(name: str, what: str, pictures: Any, n: int, action: Callable[[], Scores]) -> Scores:
    """Scores of n rows, one a picture or one for all."""
    before = [pixels.tobytes() for pixels in pictures]
    scores = guarded(name, what, action)
    if before != [pixels.tobytes() for pixels in pictures]:
        raise ConformanceError(name, Rule.UNTOUCHED, "the pixels of a picture were changed")
    if not isinstance(scores, Scores) or scores.fake.shape != (n,):
        raise ConformanceError(name, Rule.WELL_FORMED, f"{what} gave {scores!r}")
    for reason in scores.reasons:
        if reason is not None:
            check_reason(name, "a picture", reason)
    for pixels, heat in zip(pictures, scores.heat if scores.heat is not None else (), strict=False):
        if not covers(heat, *pixels.shape[:2]):
            raise ConformanceError(name, Rule.INSIDE, f"heat {heat.shape}, picture {pixels.shape[:2]}")
    for pixels, spots in zip(pictures, scores.spots if scores.spots is not None else (), strict=False):
        for spot in spots:
            if spot.x + spot.width > pixels.shape[1] or spot.y + spot.height > pixels.shape[0]:
                raise ConformanceError(name, Rule.INSIDE, f"{spot}, picture {pixels.shape[:2]}")
    return scores
