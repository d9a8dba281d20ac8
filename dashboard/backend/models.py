"""What a detector says of known pictures: tables by generator and wash, calibration, and the price of a threshold."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors import metrics
from detectors.evaluation import Group, groups
from detectors.operating import Drawn, Operating, Rate
from detectors.score_files import ENDING, ScoreFile, parse_scores, read_scores
from detectors.scoring import TRAP, Condition, ScoredSet
from forensics.verdict import probability
from generators.shares import Share, share
from generators.weights import ModelCard

__all__ = ["Bin", "ByCondition", "ByGenerator", "Measured", "Operating", "Rate", "Slice", "shipped", "uploaded"]

MAX_BYTES = 20 << 20
"""A `scores.csv` of a hundred thousand lines."""

N_BINS = 10

WASHES = {
    "original": "the file as it lies there",
    "q90": "JPEG of quality 90",
    "q75": "JPEG of quality 75",
    "half": "half the size, JPEG 90",
    "webp": "WebP 80",
    "screenshot": "screenshot",
    TRAP: "fakes JPEG 50 before, then both JPEG 90",
}
"""Condition -> words; others are shown by their names."""

KINDS = {
    "all": "all pictures",
    "matched": "sources that hold photos and fakes",
    "family": "family",
    "generator": "generator",
    "source": "source",
}


@dataclass(frozen=True)
class Slice:
    """A part of the set.

    Attributes:
        words: what it is.
        group: its pictures.
    """

    words: str
    group: Group


@dataclass(frozen=True)
class ByGenerator:
    """One generator's fakes against all photos.

    Attributes:
        name, family: of the generator.
        n: fakes.
        auroc, low, high: with its 95 % interval.
        missed: share under the threshold.
    """

    name: str
    family: str
    n: int
    auroc: float
    low: float
    high: float
    missed: Rate


@dataclass(frozen=True)
class ByCondition:
    """The whole set after one wash.

    Attributes:
        words: what was done to the pictures.
        auroc, low, high: with its 95 % interval.
        wrong: share of photos at or over the threshold.
        missed: share of fakes under it.
        ece: mean distance of stated probability and frequency; None without probabilities.
    """

    words: str
    auroc: float
    low: float
    high: float
    wrong: Rate
    missed: Rate
    ece: float | None


@dataclass(frozen=True)
class Bin:
    """Pictures of which about the same was said.

    Attributes:
        stated: mean probability of being fake at the set's share of fakes.
        fakes: how many were.
    """

    stated: float
    fakes: Share


@dataclass(frozen=True, eq=False)
class Measured:
    """A set that a detector was measured on.

    Attributes:
        file: its scores.
        card: of the detector; None of an uploaded table.
    """

    file: ScoreFile
    card: ModelCard | None = None
    _drawn: dict[tuple[str, tuple[int, ...]], Drawn] = field(default_factory=dict, repr=False)
    _asked: dict[tuple[str, str, str], Operating] = field(default_factory=dict, repr=False)

    @property
    def scored(self) -> ScoredSet:
        """Pictures and what was said of them."""
        return self.file.scored

    @property
    def is_stale(self) -> bool:
        """Whether the scores are of other weights than the card's."""
        return self.card is not None and self.file.sha256 != self.card.sha256

    @property
    def thresholds(self) -> tuple[tuple[float, float], ...]:
        """Those that the card names, as (false-positive rate, score), the rarest first."""
        return () if self.card is None else self.card.by_rate()

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """(N,) 1 fake, 0 real."""
        return np.array([example.label for example in self.scored.examples], np.int64)

    @cached_property
    def conditions(self) -> dict[str, Condition]:
        """Name of the wash -> what was said after it."""
        return {condition.name: condition for condition in self.scored.conditions}

    @property
    def usual(self) -> str:
        """The wash that puts both classes into one format, where there is one."""
        return "q90" if "q90" in self.conditions else next(iter(self.conditions))

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """Parts of the set that can be looked at alone."""
        return tuple(Slice(_words(group), group) for group in groups(self.scored.examples))

    def operating(self, condition: str, group: Group) -> Operating:
        """A part of the set after one wash, redrawn; kept, as a slider asks again and again."""
        key = condition, group.kind, group.name
        if key not in self._asked:
            real, fake = (tuple(i for i in group.members if self.labels[i] == label) for label in (0, 1))
            self._asked[key] = Operating(self._redrawn(condition, real), self._redrawn(condition, fake))
        return self._asked[key]

    def by_generator(self, condition: str, threshold: float) -> tuple[ByGenerator, ...]:
        """A line for each generator, those with most fakes first."""
        lines = [self._generator(part.group, condition, threshold) for part in self.slices if _is(part, "generator")]
        return tuple(sorted(lines, key=lambda line: (-line.n, line.name)))

    def by_condition(self, threshold: float) -> tuple[ByCondition, ...]:
        """A line for each wash."""
        return tuple(self._condition(name, threshold) for name in self.conditions)

    def calibration(self, condition: str) -> tuple[Bin, ...]:
        """Bins of as many pictures each, from least to most probable; none without probabilities."""
        stated = self._stated(condition)
        if stated is None:
            return ()
        parts = np.array_split(np.argsort(stated, kind="stable"), min(N_BINS, len(stated)))
        return tuple(Bin(float(stated[p].mean()), share(int(self.labels[p].sum()), len(p))) for p in parts)

    def _redrawn(self, condition: str, members: tuple[int, ...]) -> Drawn:
        """All photos are drawn once a wash and not once a generator: they are most of the memory."""
        key = condition, members
        if key not in self._drawn:
            sources = [self.scored.examples[i].source for i in members]
            seed = 0, int(self.labels[members[0]])
            self._drawn[key] = Drawn(self.conditions[condition].fake[np.array(members)], sources, seed=seed)
        return self._drawn[key]

    def _stated(self, condition: str) -> NDArray[np.float64] | None:
        llr = self.conditions[condition].llr
        if llr is None:
            return None
        prior = float(self.labels.mean())
        return np.array([probability(float(value), prior) for value in llr])

    def _generator(self, group: Group, condition: str, threshold: float) -> ByGenerator:
        drawn = self.operating(condition, group)
        area, interval = drawn.auroc
        family = next(e.family for i in group.members if (e := self.scored.examples[i]).label)
        (missed,) = drawn.misses(threshold)
        return ByGenerator(group.name, family, len(drawn.fake), area, interval.low, interval.high, missed)

    def _condition(self, name: str, threshold: float) -> ByCondition:
        drawn = self.operating(name, self.slices[0].group)
        area, interval = drawn.auroc
        (wrong,), (missed,) = drawn.false_positives(threshold), drawn.misses(threshold)
        stated = self._stated(name)
        ece = None if stated is None else metrics.ece(self.labels, stated)
        return ByCondition(WASHES.get(name, name), area, interval.low, interval.high, wrong, missed, ece)


def shipped(card: ModelCard) -> Measured | None:
    """The scores that lie beside the card of a detector; None where none do."""
    path = Path(str(files("detectors") / "zoo" / f"{card.stem}{ENDING}"))
    return Measured(read_scores(path), card) if path.is_file() else None


def uploaded(data: bytes) -> Measured:
    """The `scores.csv` of somebody's own evaluation.

    Raises:
        ValueError: it is none, too large, or holds one class alone.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"a table of scores is not larger than {MAX_BYTES >> 20} MB")
    measured = Measured(parse_scores(data.decode("utf-8", "replace")))
    if not 0 < measured.labels.sum() < len(measured.labels):
        raise ValueError("the table needs photos and fakes; it holds one class alone")
    return measured


def _words(group: Group) -> str:
    n = len(group.members)
    if group.kind in ("all", "matched"):
        return f"{KINDS[group.kind]} ({n})"
    beside = "" if group.against == "own" else f" against {group.against}"
    return f"{KINDS[group.kind]} {group.name}{beside} ({n})"


def _is(part: Slice, kind: str) -> bool:
    return part.group.kind == kind
