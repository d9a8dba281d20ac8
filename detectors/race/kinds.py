"""The kinds of fakes that a race makes: untuned ones in the seed round, then what each attack makes in each round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from detectors.attacks.catalog import ATTACKS
from detectors.race.settings import RaceSettings
from generators.catalog import GENERATORS

SQUARE_PX = 256
"""Side of what an unseen generator alters."""


@dataclass(frozen=True)
class FakeKind:
    """One kind.

    Attributes:
        title: name in the matrix.
        round: in which it is made.
        side_px: of the photos it is made from and compared with.
        attack: name of the attack; "" for an untuned generator.
        generator: name of the generator; "" for attacks on files as they are.
        unseen: whether nothing is ever learned from it.
        needs_faces: whether it is made from, or compared with, photos of faces.
    """

    title: str
    round: int
    side_px: int
    attack: str = ""
    generator: str = ""
    unseen: bool = False
    needs_faces: bool = False

    @property
    def slug(self) -> str:
        """Name of its folder."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def kinds_of(number: int, settings: RaceSettings) -> tuple[FakeKind, ...]:
    """Kinds that are made in a round.

    Raises:
        LookupError: there is no such attack or generator.
    """
    return tuple(_attacking(number, settings) if number else _untuned(settings))


def kinds_until(number: int, settings: RaceSettings) -> tuple[FakeKind, ...]:
    """Kinds that are made up to a round and in it."""
    return tuple(kind for earlier in range(number + 1) for kind in kinds_of(earlier, settings))


def sides(settings: RaceSettings) -> tuple[int, ...]:
    """Sides of all squares that a race cuts of its photos."""
    return tuple(sorted({kind.side_px for number in (0, 1) for kind in kinds_of(number, settings)}))


def _attacking(number: int, settings: RaceSettings) -> Iterator[FakeKind]:
    for name in settings.attacks:
        attack = ATTACKS.load(name)
        yield FakeKind(
            f"{name}, round {number}", number, attack.side_px, name, attack.generator, needs_faces=attack.needs_faces
        )


def _untuned(settings: RaceSettings) -> Iterator[FakeKind]:
    attacked = {attack.generator: attack for attack in map(ATTACKS.load, settings.attacks) if attack.generator}
    if both := sorted({*attacked} & {*settings.unseen}):
        raise ValueError(f"{both[0]} cannot be unseen: an attack makes fakes with it")
    for name, attack in sorted(attacked.items()):
        yield FakeKind(f"{name}, untuned", 0, attack.side_px, generator=name, needs_faces=attack.needs_faces)
    for name in settings.unseen:
        kind = GENERATORS.load(name)
        side_px = SQUARE_PX if kind.needs_sources else kind.min_side_px
        yield FakeKind(f"{name}, unseen", 0, side_px, generator=name, unseen=True)
