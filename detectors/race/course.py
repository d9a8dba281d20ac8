"""The course of a race, put together from its records: who was read on what, before and after it was learned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from detectors.race import judge
from detectors.race.records import Cell, DefenceRecord, RoundRecord

KNOWN = ", known"
"""How kinds of fakes end that were known before the race."""


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the matrix: one version.

    Attributes:
        version: its name.
        round: that made it; None for the version the race began with.
        promoted: whether it ever stood.
        cells: kind -> cell, also of kinds that came later, as far as it stood when they did.
        not_learned: kinds among these that it did not learn from: those of later rounds and the unseen ones.
    """

    version: str
    round: int | None
    promoted: bool
    cells: Mapping[str, Cell]
    not_learned: frozenset[str]

    @property
    def title(self) -> str:
        """In words."""
        made = "before the race" if self.round is None else f"after round {self.round}"
        return f"{made}: {self.version}" if self.promoted else f"{made}: {self.version} (refused)"


@dataclass(frozen=True, eq=False)
class Course:
    """A race as far as it went.

    Attributes:
        records: of its rounds, the oldest first; at least one.
    """

    records: tuple[RoundRecord, ...]

    def __post_init__(self) -> None:
        if not self.records:
            raise ValueError("no round of this race has ended yet")

    @cached_property
    def made_in(self) -> dict[str, int]:
        """Kind -> round in which its fakes first appear, -1 for those known before; the unseen ones last."""
        found: dict[str, int] = {}
        for record in self.records:
            for kind in record.matrix[record.candidate]:
                found.setdefault(kind, -1 if kind.endswith(KNOWN) else record.number)
        return dict(sorted(found.items(), key=lambda item: (item[0] in self.unseen, item[1])))

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds of fakes, the columns of the matrix."""
        return tuple(self.made_in)

    @cached_property
    def unseen(self) -> frozenset[str]:
        """Kinds that nothing is ever learned from."""
        return frozenset(kind for record in self.records for kind in record.unseen)

    def new(self, number: int) -> tuple[str, ...]:
        """Kinds that a round made and learned from."""
        return tuple(kind for kind, made in self.made_in.items() if made == number and kind not in self.unseen)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The matrix. A version is read again in every round in which it stands, on what is new then."""
        first = self.records[0].standing
        rounds: dict[str, int | None] = {first: None}
        promoted = {first}
        cells: dict[str, dict[str, Cell]] = {}
        for record in self.records:
            rounds.setdefault(record.candidate, record.number)
            promoted |= {record.standing} | ({record.candidate} if record.promoted else set())
            for version in (record.standing, record.candidate):
                cells.setdefault(version, {}).update(record.matrix.get(version, {}))
        return tuple(
            Row(version, number, version in promoted, cells[version], self._not_learned(number, cells[version]))
            for version, number in rounds.items()
        )

    def forward_transfer(self, record: RoundRecord) -> float:
        """Of the standing version to what the round made; nan where nothing was."""
        return judge.forward_transfer(record.matrix[record.standing], self.new(record.number))

    def unseen_average(self, record: RoundRecord) -> float:
        """Mean AUROC of the candidate on what is never learned from; nan where nothing is held back."""
        return judge.average(record.matrix[record.candidate], record.unseen)

    def forgetting(self, record: RoundRecord) -> float:
        """Of the candidate; nan in a race's first round where nothing was known before."""
        return record.forgetting if self._has_past(record) else math.nan

    def defences(self, record: RoundRecord) -> tuple[DefenceRecord, ...]:
        """Ways of learning; nan for figures of kinds of which there were none."""
        past, unseen = (1.0 if known else math.nan for known in (self._has_past(record), bool(record.unseen)))
        return tuple(
            replace(way, old=way.old * past, forgetting=way.forgetting * past, unseen=way.unseen * unseen)
            for way in record.defences
        )

    def _has_past(self, record: RoundRecord) -> bool:
        """Whether there are kinds from before the round that may be forgotten."""
        return any(made < record.number and kind not in self.unseen for kind, made in self.made_in.items())

    def _not_learned(self, number: int | None, kinds: Sequence[str] | Mapping[str, Cell]) -> frozenset[str]:
        made = -1 if number is None else number
        return frozenset(kind for kind in kinds if kind in self.unseen or self.made_in[kind] > made)
