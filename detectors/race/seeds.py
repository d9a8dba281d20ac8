"""What several races with other seeds say together: a mean of each figure and how far it may be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.race.course import Course
from detectors.race.records import RoundRecord
from detectors.race.report import DEFENCES, lost, markdown_table, number, still_lost

LEVEL = 0.95

HOW_TO_READ = (
    "Each figure is a mean over races that differ in their seed alone, with the 95 % interval of Student's t: of three "
    "races it is wide. Attack success is at the threshold for 5 % false positives of the version it is counted on."
)


@dataclass(frozen=True)
class Pooled:
    """A figure over seeds.

    Attributes:
        about: what it is of, such as "gan-face" or "replay".
        name: what it is.
        round: of the races; None where it is a mean over all rounds of each.
        mean: over the races that have it.
        low, high: ends of its 95 % interval; nan of one race.
        n: races.
    """

    about: str
    name: str
    round: int | None
    mean: float
    low: float
    high: float
    n: int


def pooled(courses: Sequence[Course]) -> tuple[Pooled, ...]:
    """Every figure of rounds, attacks and ways of learning; rounds that only some of the races reached count there.

    Raises:
        ValueError: there is no race, or one is named twice.

    Source:
        Student, Biometrika 1908.
    """
    if not courses:
        raise ValueError("no race to pool")
    values: dict[tuple[str, str, int | None], list[float]] = {}
    for course in courses:
        for key, value in _figures(course):
            values.setdefault(key, []).append(value)
    return tuple(_pooled(*key, [v for v in found if math.isfinite(v)]) for key, found in values.items())


def to_markdown(found: Sequence[Pooled]) -> str:
    """A page for people, one table for rounds, one for attacks, one for ways of learning."""
    lines = ["# Arms race, several seeds", "", HOW_TO_READ, ""]
    for heading, own in (
        ("Rounds", [p for p in found if not p.about]),
        ("Attacks", [p for p in found if p.about and p.round is not None]),
        ("Ways of learning, mean over the rounds of each race", [p for p in found if p.about and p.round is None]),
    ):
        if own:
            lines += [f"## {heading}", "", *_table(own), ""]
    return "\n".join(lines)


def with_ends(found: Pooled) -> str:
    """The mean with its interval."""
    ends = f" ({found.low:.3f} to {found.high:.3f})" if math.isfinite(found.low) else ""
    return number(found.mean) + ends


def _figures(course: Course) -> Iterable[tuple[tuple[str, str, int | None], float]]:
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
                    yield (attack.name, name, record.number), value
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
            yield (DEFENCES.get(way, way), name, None), float(np.mean(known)) if known else math.nan


def _of_round(course: Course, record: RoundRecord) -> Iterable[tuple[tuple[str, str, int | None], float]]:
    for name, value in (
        ("mean AUROC of what is learned", record.average),
        ("forgetting", course.forgetting(record)),
        ("forward transfer", course.forward_transfer(record)),
        ("unseen", course.unseen_average(record)),
        ("clean photos taken for fakes", record.false_positives[record.candidate].value),
        ("promoted", float(record.promoted)),
    ):
        yield ("", name, record.number), value


def _pooled(about: str, name: str, round_number: int | None, values: Sequence[float]) -> Pooled:
    n = len(values)
    mean = float(np.mean(values)) if n else math.nan
    if n < 2:
        return Pooled(about, name, round_number, mean, math.nan, math.nan, n)
    from scipy.stats import t

    half = float(t.ppf((1 + LEVEL) / 2, n - 1) * np.std(values, ddof=1) / math.sqrt(n))
    return Pooled(about, name, round_number, mean, mean - half, mean + half, n)


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
        body.append((*head, races, *("-" if p is None else with_ends(p) for p in own)))
    headings = [*(["round"] if rounds else []), *(["of"] if abouts else []), "races", *names]
    return markdown_table(headings, body)
