"""What every step of a round needs at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from detectors.cluster import Here, Spread
from detectors.race.contender import Contender
from detectors.race.defence import Linear
from detectors.race.folder import RaceFolder, read_json, write_json
from detectors.race.kinds import FakeKind, kinds_of
from detectors.race.photos import RacePhoto, RacePhotos, square
from detectors.race.records import read_log
from detectors.race.settings import RaceSettings
from detectors.registry import Registry
from detectors.synthetic import ZOO
from generators.images import Pixels
from generators.weights import ModelCard, load

T = TypeVar("T")

Say: TypeAlias = Callable[[str], None]
"""Called with what goes on, a plain clause."""


@dataclass(frozen=True, eq=False)
class Standing:
    """The version that a round attacks.

    Attributes:
        version: such as "1+2".
        tensors: its weights.
        card: of these.
    """

    version: str
    tensors: dict[str, NDArray[Any]]
    card: ModelCard

    @property
    def threshold(self) -> float:
        """Score that 5 % of real photos reach.

        Raises:
            ValueError: the card states none.
        """
        if "0.05" not in self.card.thresholds:
            raise ValueError(
                f"version {self.version} states no threshold for 5 % false positives, so none can get past"
            )
        return float(self.card.thresholds["0.05"])


def standing(registry: Registry, name: str, version: str) -> Standing:
    """A version with its weights.

    Raises:
        LookupError: there is no such detector or version.
        ValueError: it is damaged.
    """
    found = registry.version(name, version)
    folder = registry.place(name) if found.lineage is not None else ZOO
    tensors, card = load(found.card.stem, folder)
    return Standing(found.version, tensors, card)


@dataclass(frozen=True, eq=False)
class Round:
    """One round of one race.

    Attributes:
        number: 0 is the seed round.
        settings: of the race.
        folder: of the race.
        photos: of the race.
        faces: photos of faces; the same as `photos` where none were given.
        contender: the detector.
        registry: of its versions.
        name: of the race, for lineage.
        say: told what goes on.
        labels: list of pictures that people decided about.
        spread: does the work of many kinds of fakes.
        minutes: that its attacks may take; 0 is no limit.
    """

    number: int
    settings: RaceSettings
    folder: RaceFolder
    photos: RacePhotos
    faces: RacePhotos
    contender: Contender
    registry: Registry
    name: str
    say: Say
    labels: Path | None = None
    spread: Spread = field(default_factory=Here)
    minutes: float = 0.0

    @property
    def path(self) -> Path:
        """Its own folder."""
        return self.folder.round(self.number)

    @property
    def kinds(self) -> tuple[FakeKind, ...]:
        """What is made in it."""
        return kinds_of(self.number, self.settings)

    def photos_for(self, kind: FakeKind) -> RacePhotos:
        """Photos that a kind of fakes is made from."""
        return self.faces if kind.needs_faces else self.photos

    @cached_property
    def standing(self) -> Standing:
        """The version that stood when the round began; whoever promotes another one meanwhile does not change it."""
        noted = self.path / "standing.json"
        if not noted.is_file():
            write_json(noted, {"version": self.registry.promoted(self.contender.name).version})
        return standing(self.registry, self.contender.name, read_json(noted)["version"])

    @cached_property
    def learned_until(self) -> int:
        """Number of the last round before this one whose candidate was let through; -1 where there is none.

        What came after it no standing version has learned: its opinion of that would only keep it from being learned.
        """
        numbers = [r.number for r in read_log(self.folder.root) if r.promoted and r.number < self.number]
        return max(numbers, default=-1)

    @cached_property
    def reading(self) -> Linear:
        """Of the standing version."""
        return self.contender.reading(self.standing.tensors)

    def shared(self, items: Iterable[T]) -> list[tuple[Round, T]]:
        """Items with what another process needs to know of this round."""
        return [(replace(self, say=silent, spread=Here()), item) for item in items]

    def squares(self, photos: tuple[RacePhoto, ...], side_px: int) -> list[tuple[str, Pixels]]:
        """Names and squares of photos."""
        return [(photo.name, square(photo, side_px)) for photo in photos]


def silent(_: str) -> None:
    """Says nothing."""


def threshold_logit(score: float) -> float:
    """The log odds of a score."""
    bounded = min(max(score, 1e-9), 1 - 1e-9)
    return float(np.log(bounded / (1 - bounded)))
