"""What there is to learn of a new generator, from few of its pictures or from all, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from detectors.race import judge
from detectors.race.added import Step
from detectors.race.context import Round
from detectors.race.defence import Linear, Standard
from detectors.race.gathering import NEW, PHOTOS, Block, Part
from detectors.race.ground import Ground
from detectors.race.judge import JudgeSet, Kind, Rows, Version
from detectors.race.newcomer import looked_at
from detectors.race.photos import CALIBRATE, JUDGE, LEARN
from detectors.race.records import Cell, Figure
from detectors.race.retraining import Calibrated, by, calibrated_on, standard_of

BESIDE = 1_000_000
"""Key of real photos of the pictures' sizes; no square has such a side."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """A generator to learn.

    Attributes:
        name: of the generator.
        ground: what came before.
        round_: that the ground was read from.
        images, beside: features of its pictures, and of real photos of the same sizes.
    """

    name: str
    ground: Ground
    round_: Round
    images: Path
    beside: Path

    @property
    def title(self) -> str:
        """Name of its fakes in the matrix."""
        return f"{self.name}, added"

    @cached_property
    def new(self) -> Block:
        """All of its pictures that may be learned from."""
        return _block(self.title, NEW, self.images, self.name)

    @cached_property
    def photos(self) -> Block:
        """Real photos of the same sizes."""
        return _block(f"photos beside {self.name}", PHOTOS, self.beside, "-")

    def learned(self, new: Block) -> Linear:
        """A reading that has learned from some of its pictures, and again from what came before."""
        settings, start = self.round_.settings, self.start
        return by(settings.defence, settings, start, [new, self.photos, *self.ground.blocks], self._standard)

    @property
    def start(self) -> Linear:
        """The reading that stands."""
        return self.round_.contender.reading(self.ground.stands.tensors)

    def calibrated(self, reading: Linear) -> Calibrated:
        """The reading with thresholds, from pictures that nothing was learned from."""
        own: list[Part] = []
        for label, name, path in ((1, self.title, self.images), (0, self.photos.name, self.beside)):
            features, sources = looked_at(path, CALIBRATE)
            own.append((name, label, features.astype(np.float32), sources))
        low, high = self.ground.stands.tensors["llr_range"].tolist()
        return calibrated_on([*self.ground.parts, *own], reading, (low, high))

    @cached_property
    def judged(self) -> JudgeSet:
        """Its pictures to judge by, and earlier kinds."""
        earlier, alone = self.ground.judged, self._alone
        return JudgeSet((*earlier.kinds, *alone.kinds), {**earlier.reals, **alone.reals}, earlier.clean)

    def curve(self, numbers: Sequence[int], n_draws: int) -> Iterator[Step]:
        """What comes of learning from fewer pictures than there are, drawn several times."""
        for n in sorted(number for number in set(numbers) if number < len(self.new)):
            cells = []
            for draw in range(n_draws):
                rng = np.random.default_rng((self.round_.settings.seed, n, draw))
                few = self.new.only(np.sort(rng.permutation(len(self.new))[:n]))
                cells.append(self._cell(self.learned(few)))
            yield _step(n, cells)

    def whole(self, reading: Linear) -> Step:
        """The same of what has learned from all."""
        return _step(len(self.new), [self._cell(reading)])

    def rows(self) -> Rows:
        """Its pictures to judge by."""
        return self._alone.kinds[0].fakes

    @cached_property
    def _alone(self) -> JudgeSet:
        fakes, photos = (
            Rows(features.astype(np.float32), sources)
            for features, sources in (looked_at(path, JUDGE) for path in (self.images, self.beside))
        )
        kind = Kind(self.title, self.ground.number, False, fakes, BESIDE)
        return JudgeSet((kind,), {BESIDE: photos}, photos)

    @cached_property
    def _standard(self) -> Standard:
        return standard_of(self.round_, [self.new, self.photos, *self.ground.blocks])

    def _cell(self, reading: Linear) -> Cell:
        # Only the order of scores counts here, so that nothing need be calibrated.
        version = Version("-", reading.logits, 0.0)
        return judge.cell(judge.read(version, self._alone, seed=self.round_.settings.seed), self.title)


def _step(n: int, cells: Sequence[Cell]) -> Step:
    return Step(n, len(cells), _pooled([cell.tpr for cell in cells]), _pooled([cell.auroc for cell in cells]))


def _pooled(figures: Sequence[Figure]) -> Figure:
    """Mean of several draws; from the lowest end to the highest."""
    value = float(np.mean([figure.value for figure in figures]))
    return Figure(value, min(f.low for f in figures), max(f.high for f in figures), figures[0].n)


def _block(name: str, role: str, path: Path, generator: str) -> Block:
    features, sources = looked_at(path, LEARN)
    n = len(sources)
    labels = np.full(n, int(role == NEW), np.int64)
    return Block(name, role, features, labels, (name,) * n, (generator,) * n, path)
