"""Judges versions of a detector on every kind of fakes a race has made: pure functions on features and scores.

All versions see the same pictures and the same resamples of sources, so that two of them can be compared by pairs:
what one resample makes harder, it makes harder for both.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.metrics import Interval
from detectors.operating import ENDS, Drawn, Operating, Rate
from detectors.race.records import Cell, Figure

FPR = 0.05
"""False positives at which fakes found are counted."""

CHANCE = 0.5
"""AUROC of a detector that knows nothing."""

Logits: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""Features (N, D) -> (N,) natural log odds of fake; any other rising score does as well."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Pictures of one class.

    Attributes:
        features: (N, D) float32, N at least 1.
        sources: N names; pictures of one source are drawn together, because they resemble each other.
    """

    features: NDArray[np.float32]
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or not len(self.features) or len(self.features) != len(self.sources):
            raise ValueError(
                f"wants features (N, D) of at least one picture and N sources, got {self.features.shape} "
                f"and {len(self.sources)}"
            )


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of fakes, a column of the matrix.

    Attributes:
        name: such as "gan-face, round 2".
        round: in which they were made.
        unseen: whether nothing is ever learned from them.
        fakes: that no version has learned from.
        side_px: of the squares they were made as; says which real photos they are compared with.
    """

    name: str
    round: int
    unseen: bool
    fakes: Rows
    side_px: int


@dataclass(frozen=True, eq=False)
class JudgeSet:
    """All that versions are judged on; no row of it is ever learned from.

    Attributes:
        kinds: of fakes, names unique.
        reals: side in pixels -> real photos, prepared and washed as the fakes of that side.
        clean: real photos as they are, for false positives.
    """

    kinds: tuple[Kind, ...]
    reals: Mapping[int, Rows]
    clean: Rows

    def __post_init__(self) -> None:
        names = [kind.name for kind in self.kinds]
        if len(set(names)) < len(names):
            raise ValueError(f"kinds of fakes need names of their own, got {', '.join(names)}")
        bare = [kind.name for kind in self.kinds if kind.side_px not in self.reals]
        if bare:
            raise ValueError(f"no real photos of the same side to compare with: {', '.join(bare)}")

    @property
    def unseen(self) -> tuple[str, ...]:
        """Kinds that are never learned from."""
        return tuple(kind.name for kind in self.kinds if kind.unseen)


@dataclass(frozen=True, eq=False)
class Version:
    """A version of the detector under judgement.

    Attributes:
        name: such as "1+2".
        logits: what it makes of features.
        threshold: calibrated for 5 % false positives, on the scale of the logits; at or over it a picture is a fake.
    """

    name: str
    logits: Logits
    threshold: float


@dataclass(frozen=True, eq=False)
class Readings:
    """What a version says of the whole set, redrawn.

    Attributes:
        version: its name.
        kinds: name of a kind -> its fakes and the real photos they are compared with.
        clean: real photos as they are.
        threshold: see Version.
    """

    version: str
    kinds: Mapping[str, Operating]
    clean: Drawn
    threshold: float


def read(version: Version, judged: JudgeSet, *, seed: int = 0) -> Readings:
    """Score everything once.

    Args:
        version: under judgement.
        judged: the set.
        seed: of the resamples; must be the same for versions that are compared.

    Raises:
        ValueError: a score is no number.
    """
    reals = {side: _drawn(version, rows, (seed, 0, side)) for side, rows in judged.reals.items()}
    kinds = {
        kind.name: Operating(
            reals[kind.side_px], _drawn(version, kind.fakes, (seed, 1, zlib.crc32(kind.name.encode())))
        )
        for kind in judged.kinds
    }
    return Readings(version.name, kinds, _drawn(version, judged.clean, (seed, 2)), version.threshold)


def cell(readings: Readings, kind: str) -> Cell:
    """One cell of the matrix: AUROC, and fakes found at 5 % false positives among the reals of that kind."""
    operating = readings.kinds[kind]
    area, interval = operating.auroc
    n = len(operating.fake)
    return Cell(Figure(area, interval.low, interval.high, n), _figure(operating.tpr(FPR)))


def row(readings: Readings) -> dict[str, Cell]:
    """A row of the matrix: one cell for each kind."""
    return {kind: cell(readings, kind) for kind in readings.kinds}


def false_positives(readings: Readings) -> Figure:
    """Share of clean real photos at or over the version's own threshold; interval as in `Drawn.reached`."""
    (rate,) = readings.clean.reached(readings.threshold)
    return _figure(rate)


def evasion(version: Version, fakes: Rows, *, seed: int = 0) -> Figure:
    """Share of fakes under the version's threshold: what gets past it. Interval as in `Drawn.reached`."""
    (rate,) = _drawn(version, fakes, (seed, 1)).reached(version.threshold)
    return Figure(1.0 - rate.value, 1.0 - rate.interval.high, 1.0 - rate.interval.low, rate.n)


def gain(standing: Readings, candidate: Readings, kind: str) -> Figure:
    """AUROC of the candidate minus that of the standing version, interval over the same resamples of both.

    Source:
        Paired bootstrap: Efron, Tibshirani 1993, chapter 8; clusters as in Field, Welsh, JRSS B 2007.
    """
    old, new = standing.kinds[kind], candidate.kinds[kind]
    return _difference(new.auroc[0] - old.auroc[0], new.areas - old.areas, len(new.fake))


def false_positive_growth(standing: Readings, candidate: Readings) -> Figure:
    """False positives on clean photos of the candidate minus those of the standing version, each at its threshold."""
    hits = [(r.clean.scores >= r.threshold).astype(np.float64) for r in (standing, candidate)]
    change = hits[1] - hits[0]  # (N,)
    counts = candidate.clean.counts
    return _difference(float(change.mean()), counts @ change / counts.sum(1), len(change))


def average(cells: Mapping[str, Cell], kinds: Iterable[str]) -> float:
    """Mean AUROC over some kinds, such as all that were learned so far; nan of none.

    Source:
        Average accuracy: Lopez-Paz, Ranzato, NeurIPS 2017.
    """
    return _mean([cells[kind].auroc.value for kind in kinds])


def forgetting(best: Mapping[str, float], cells: Mapping[str, Cell], kinds: Iterable[str]) -> float:
    """Mean over earlier kinds of the best AUROC so far minus the one now; below 0 it gained, nan of none.

    Args:
        best: kind -> best AUROC of any version that stood before, see `best_so_far`.
        cells: of the version now.
        kinds: learned in earlier rounds.

    Source:
        Chaudhry, Dokania, Ajanthan, Torr, ECCV 2018.
    """
    return _mean([best[kind] - cells[kind].auroc.value for kind in kinds])


def best_so_far(rows: Iterable[Mapping[str, Cell]]) -> dict[str, float]:
    """Kind -> best AUROC in any of these rows, which are those of versions that stood at some time."""
    best: dict[str, float] = {}
    for cells in rows:
        for kind, found in cells.items():
            best[kind] = max(best.get(kind, 0.0), found.auroc.value)
    return best


def forward_transfer(cells: Mapping[str, Cell], kinds: Iterable[str]) -> float:
    """How far over chance a version is on kinds that it has not learned yet: mean AUROC minus 0.5; nan of none.

    Source:
        Lopez-Paz, Ranzato, NeurIPS 2017; what they subtract is an untrained network, whose AUROC is 0.5.
    """
    return average(cells, kinds) - CHANCE


def _drawn(version: Version, rows: Rows, seed: tuple[int, ...]) -> Drawn:
    scores = np.asarray(version.logits(rows.features), np.float64)
    if scores.shape != (len(rows.sources),) or not np.isfinite(scores).all():
        raise ValueError(f"version {version.name} gives no number for some of {len(rows.sources)} pictures")
    return Drawn(scores, rows.sources, seed=seed)


def _figure(rate: Rate) -> Figure:
    return Figure(rate.value, rate.interval.low, rate.interval.high, rate.n)


def _difference(value: float, resampled: NDArray[np.float64], n: int) -> Figure:
    low, high = np.quantile(resampled, ENDS)
    interval = Interval(float(low), float(high))
    return Figure(value, interval.low, interval.high, n)


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
