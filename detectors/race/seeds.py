"""What several races with other seeds say together: a mean of each figure and how far it may be trusted."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import numpy as np

from detectors.race.course import Course, Row
from detectors.race.folder import RACE, RaceFolder, read_json
from detectors.race.records import Cell, Figure, RoundRecord
from detectors.race.report import DEFENCES, lost, markdown_table, matrix_tables, still_lost, with_ends
from detectors.race.settings import MAY_CHANGE

LEVEL = 0.95

HOW_TO_READ = (
    "Each figure is a mean over races that differ in their seed alone, with the 95 % interval of Student's t: of three "
    "races it is wide. Attack success is at the threshold for 5 % false positives of the version it is counted on."
)


AREA, FOUND, PROMOTED = "AUROC", "TPR at 5 % FPR", "promoted"


class Part(StrEnum):
    """What a figure belongs to."""

    ROUNDS = "rounds"
    MATRIX = "matrix"
    ATTACKS = "attacks"
    WAYS = "ways of learning"


@dataclass(frozen=True)
class Pooled:
    """A figure over seeds.

    Attributes:
        part: what it belongs to.
        about: what it is of: a kind of fakes, an attack, a way of learning; "" of a round.
        name: what it is.
        round: that made the version, or in which it was measured; None for the version that a race began with, and
            for ways of learning, where each race counts with its mean over all rounds.
        mean: over the races that have it.
        low, high: ends of its 95 % interval; nan of one race.
        n: races.
    """

    part: Part
    about: str
    name: str
    round: int | None
    mean: float
    low: float
    high: float
    n: int

    @property
    def figure(self) -> Figure:
        """Mean and interval."""
        return Figure(self.mean, self.low, self.high, self.n)


UNBOUNDED = ("FD", "forgetting", "forward transfer", "detection lost", "still lost")
"""Beginnings of the names of figures that are no shares: all others lie within 0 and 1, and so do their intervals."""

Key: TypeAlias = tuple[Part, str, str, int | None]


def check_distinct(folders: Sequence[Path]) -> None:
    """Complain about races that are one: it would agree with itself, and its interval would have no width.

    Args:
        folders: of the races; one that does not say its settings is known by its place alone.

    Raises:
        ValueError: a folder is given twice, or two races have the same settings and the same seed.
    """
    known: dict[str, Path] = {}
    for folder in folders:
        place = str(folder.resolve())
        if place in known:
            raise ValueError(f"the race {folder} is given twice; races that are pooled differ in their seed")
        known[place] = folder
        if not RaceFolder(folder).exists:
            continue
        settings = read_json(folder / RACE).get("settings", {})
        drawn = json.dumps({key: value for key, value in settings.items() if key not in MAY_CHANGE}, sort_keys=True)
        if drawn in known:
            raise ValueError(
                f"{known[drawn]} and {folder} are races of the same settings with the same seed {settings.get('seed')}"
                "; races that are pooled differ in their seed"
            )
        known[drawn] = folder


def pooled(courses: Sequence[Course]) -> tuple[Pooled, ...]:
    """Every figure of all parts; rounds that only some of the races reached count there.

    Raises:
        ValueError: there is no race.

    Source:
        Student, Biometrika 1908.
    """
    if not courses:
        raise ValueError("no race to pool")
    values: dict[Key, list[float]] = {}
    for course in courses:
        for key, value in _figures(course):
            values.setdefault(key, []).append(value)
    return tuple(_pooled(*key, [v for v in found if math.isfinite(v)]) for key, found in values.items())


def rows(found: Sequence[Pooled], courses: Sequence[Course]) -> tuple[Row, ...]:
    """The matrix: a row for what each round made, whatever its version is called in each race."""
    own = {(p.round, p.about, p.name): p.figure for p in found if p.part is Part.MATRIX}
    passed = {p.round: p for p in found if p.part is Part.ROUNDS and p.name == PROMOTED}
    made = []
    for at in dict.fromkeys(round_number for round_number, _, _ in own):
        cells = {
            kind: Cell(figure, own[at, kind, FOUND])
            for (number_, kind, name), figure in own.items()
            if number_ == at and name == AREA
        }
        unlearned = frozenset().union(*(r.not_learned for course in courses for r in course.rows if r.round == at))
        gate = (
            f"{len(courses)} races"
            if at is None
            else f"{passed[at].mean * passed[at].n:.0f} of {passed[at].n} promoted"
        )
        made.append(Row(gate, at, True, cells, unlearned))
    return tuple(made)


def kinds(courses: Sequence[Course]) -> tuple[str, ...]:
    """Kinds of fakes of all races, in the order of the longest one."""
    longest = sorted(courses, key=lambda course: -len(course.kinds))
    return tuple(dict.fromkeys(kind for course in longest for kind in course.kinds))


def to_markdown(found: Sequence[Pooled], courses: Sequence[Course]) -> str:
    """A page for people: rounds, the matrix, attacks and ways of learning."""
    lines = ["# Arms race, several seeds", "", HOW_TO_READ, ""]
    for part in Part:
        own = [p for p in found if p.part is part]
        if own:
            heading = part.value.capitalize() + (", mean over the rounds of each race" if part is Part.WAYS else "")
            body = matrix_tables(rows(found, courses), kinds(courses)) if part is Part.MATRIX else _table(own)
            lines += [f"## {heading}", "", *body, ""]
    return "\n".join(lines)


def _figures(course: Course) -> Iterable[tuple[Key, float]]:
    for row in course.rows:
        for kind, cell in row.cells.items():
            yield (Part.MATRIX, kind, AREA, row.round), cell.auroc.value
            yield (Part.MATRIX, kind, FOUND, row.round), cell.tpr.value
    for record in course.records:
        yield from _of_round(course, record)
        for attack in record.attacks:
            for name, value in (
                ("gets past without", attack.plain.value),
                ("gets past", attack.before.value),
                ("gets past after learning", attack.after.value),
                ("detection lost", lost(attack)),
                ("still lost", still_lost(attack)),
                ("FD-lite0 without", attack.fd_plain),
                ("FD-lite0", attack.fd),
            ):
                if value is not None:
                    yield (Part.ATTACKS, attack.name, name, record.number), value
    compared = [defence for record in course.records for defence in course.defences(record)]
    for way in dict.fromkeys(defence.name for defence in compared):
        own = [defence for defence in compared if defence.name == way]
        for field, name in (
            ("new", "this round's fakes"),
            ("old", "earlier fakes"),
            ("forgetting", "forgetting"),
            ("unseen", "unseen"),
            ("false_positives", "clean photos taken for fakes"),
        ):
            known = [value for defence in own if math.isfinite(value := getattr(defence, field))]
            yield (Part.WAYS, DEFENCES.get(way, way), name, None), float(np.mean(known)) if known else math.nan


def _of_round(course: Course, record: RoundRecord) -> Iterable[tuple[Key, float]]:
    for name, value in (
        ("mean AUROC of what is learned", record.average),
        ("forgetting", course.forgetting(record)),
        ("forward transfer", course.forward_transfer(record)),
        ("unseen", course.unseen_average(record)),
        ("clean photos taken for fakes", record.false_positives[record.candidate].value),
        (PROMOTED, float(record.promoted)),
    ):
        yield (Part.ROUNDS, "", name, record.number), value


def _pooled(part: Part, about: str, name: str, at: int | None, values: Sequence[float]) -> Pooled:
    n = len(values)
    mean = float(np.mean(values)) if n else math.nan
    if n < 2:
        return Pooled(part, about, name, at, mean, math.nan, math.nan, n)
    from scipy.stats import t

    half = float(t.ppf((1 + LEVEL) / 2, n - 1) * np.std(values, ddof=1) / math.sqrt(n))
    low, high = mean - half, mean + half
    if not name.startswith(UNBOUNDED):
        low, high = max(low, 0.0), min(high, 1.0)
    return Pooled(part, about, name, at, mean, low, high, n)


def _table(found: Sequence[Pooled]) -> list[str]:
    """Figures as columns, what they are of as lines."""
    names = list(dict.fromkeys(p.name for p in found))
    by_place = {(p.round, p.about, p.name): p for p in found}
    lines = list(dict.fromkeys((p.round, p.about) for p in found))
    rounds, abouts = any(p.round is not None for p in found), any(p.about for p in found)
    body = []
    for at, about in lines:
        own = [by_place.get((at, about, name)) for name in names]
        head = [*([str(at)] if rounds else []), *([about] if abouts else [])]
        races = max(p.n for p in own if p is not None)
        body.append((*head, races, *("-" if p is None else _told(p) for p in own)))
    headings = [*(["round"] if rounds else []), *(["of"] if abouts else []), "races", *names]
    return markdown_table(headings, body)


def _told(p: Pooled) -> str:
    return with_ends(p.figure) if p.n else "-"
