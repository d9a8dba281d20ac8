"""Scores a set of known pictures as they are and after common washes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.base import Detector, Scores
from detectors.clips import score_clip
from detectors.data import Example, Reader, read_picture
from generators.images import Pixels
from generators.launder import PRESETS, Chain, draw

TRAP = "fakes_q50"
"""JPEG of quality 50 for the fakes alone, then 90 for both: who takes compression for a photo's falls for it."""

CONDITIONS = ("original", "q90", "q75", "half", "webp", "screenshot", TRAP)
"""Presets of `generators.launder`: the file as it lies there, then washes that both classes go through alike; and one
trap."""

N_TOGETHER = 8
"""Pictures decoded at a time: enough for a batch, few enough for memory."""


@dataclass(frozen=True, eq=False)
class Condition:
    """What a detector says of a whole set after one wash.

    Attributes:
        name: preset of the wash.
        fake: (N,) float64 scores.
        llr: (N,) float64 log10 likelihood ratios; None of an uncalibrated detector.
        abstained: N reasons, None where a picture was judged.
    """

    name: str
    fake: NDArray[np.float64]
    llr: NDArray[np.float64] | None
    abstained: tuple[str | None, ...]

    @property
    def usual_reason(self) -> str | None:
        """Why most of those that were not judged were not; None where all were."""
        reasons = [reason for reason in self.abstained if reason is not None]
        return max(dict.fromkeys(reasons), key=reasons.count, default=None)


@dataclass(frozen=True, eq=False)
class ScoredSet:
    """A set with what a detector says of it.

    Attributes:
        examples: N pictures that could be read.
        conditions: one for each wash.
        unread: file -> why it could not be read.
    """

    examples: tuple[Example, ...]
    conditions: tuple[Condition, ...]
    unread: Mapping[Path, str] = field(default_factory=dict)


def score_set(
    detector: Detector,
    examples: Sequence[Example],
    *,
    conditions: Sequence[str] = CONDITIONS,
    seed: int = 0,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
) -> ScoredSet:
    """Score every example under every condition.

    Args:
        detector: any.
        examples: what cannot be read is left out and named.
        conditions: presets of `generators.launder`.
        seed: of washes that draw something; the frames of a clip go through one and the same.
        reader: of examples; of the frames of a clip the middle one in rank counts.
        progress: called with the number of examples done since the last call.

    Raises:
        LookupError: there is no such preset.
        ValueError: not one example could be read.
    """
    for name in conditions:
        _wash(name, 1, seed=(seed,))
    unread: dict[Path, str] = {}
    kept: list[Example] = []
    said: dict[str, list[Scores]] = {name: [] for name in conditions}
    for start in range(0, len(examples), N_TOGETHER):
        part = examples[start : start + N_TOGETHER]
        read: list[tuple[int, Sequence[Pixels]]] = []
        for place, example in enumerate(part, start):
            try:
                read.append((place, reader(example)))
            except ValueError as error:
                unread[example.path] = str(error)
            else:
                kept.append(example)
        for name in conditions if read else ():
            chains = [_wash(name, examples[i].label, seed=(seed, i)) for i, _ in read]
            washed = [[chain(p) for p in pictures] for chain, (_, pictures) in zip(chains, read, strict=True)]
            said[name].extend(_scores(detector, washed))
        if progress is not None:
            progress(len(part))
    if not kept:
        raise ValueError(f"not one file could be read: {next(iter(unread.values()), 'there is none')}")
    return ScoredSet(tuple(kept), tuple(_condition(name, parts) for name, parts in said.items()), unread)


def _wash(name: str, label: int, *, seed: tuple[int, ...]) -> Chain:
    if name not in (*PRESETS, TRAP):
        raise LookupError(f"no preset {name!r}; there is {', '.join((*PRESETS, TRAP))}")
    if name != TRAP:
        return draw(name, seed=seed)
    before = draw("q50" if label else "original", seed=seed)
    return Chain(TRAP, before.steps + draw("q90", seed=seed).steps)


def _scores(detector: Detector, washed: Sequence[Sequence[Pixels]]) -> Iterator[Scores]:
    """One row for each example: pictures in one batch, each clip by itself."""
    if all(len(pictures) == 1 for pictures in washed):
        yield detector.score([pictures[0] for pictures in washed])
        return
    for pictures in washed:
        yield score_clip(detector, pictures)


def _condition(name: str, parts: Sequence[Scores]) -> Condition:
    fake = np.concatenate([scores.fake for scores in parts]).astype(np.float64)
    ratios = [scores.llr for scores in parts if scores.llr is not None]
    llr = np.concatenate(ratios).astype(np.float64) if len(ratios) == len(parts) else None
    return Condition(name, fake, llr, tuple(reason for scores in parts for reason in scores.reasons))
