"""Age group and gender of a face, as UTKFace writes them into its file names, and as numbers for networks.

A name reads `age_gender_race_date.jpg`. Age and gender alone are used: the third number is never read into a label.
These are what annotators saw in a picture, in two classes of gender; no statement about the person is meant.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

AGE_GROUPS = ("0-12", "13-24", "25-39", "40-59", "60+")
"""In years; an edit between neighbours is subtle, so there are few."""

GENDERS = ("male", "female")
"""In UTKFace's order: 0 and 1."""

N_CONDITIONS = len(AGE_GROUPS) + len(GENDERS)
"""Width of a condition: one place for each age group, then one for each gender."""

AS_IT_IS = -1
"""In an array of classes: not asked for."""

_STARTS = (13, 25, 40, 60)
"""First year of every age group but the first."""

_OLDEST = 116
"""In UTKFace; a higher number is no age."""

_NAME = re.compile(r"(\d{1,3})_([01])_[0-4]_\d+\.jpe?g(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Attributes:
    """Age group and gender of a face, or what is asked for; None leaves it as it is.

    Raises:
        ValueError: there is no such age group or gender.
    """

    age_group: str | None = None
    gender: str | None = None

    def __post_init__(self) -> None:
        for name, value, known in (("age group", self.age_group, AGE_GROUPS), ("gender", self.gender, GENDERS)):
            if value is not None and value not in known:
                raise ValueError(f"no {name} {value!r}; there is {', '.join(known)}")

    def __str__(self) -> str:
        return " ".join(part for part in (self.gender, self.age_group) if part) or "as it is"

    @property
    def classes(self) -> tuple[int, int]:
        """Numbers of age group and gender; `AS_IT_IS` where it is not asked for."""
        age = AS_IT_IS if self.age_group is None else AGE_GROUPS.index(self.age_group)
        return age, AS_IT_IS if self.gender is None else GENDERS.index(self.gender)

    @classmethod
    def of(cls, age: int, gender: int) -> Attributes:
        """From the numbers of age group and gender."""
        return cls(
            None if age == AS_IT_IS else AGE_GROUPS[age],
            None if gender == AS_IT_IS else GENDERS[gender],
        )


def parse_name(name: str) -> Attributes | None:
    """What UTKFace's file name says; None for a malformed one.

    Args:
        name: such as "25_1_0_20170112213500903.jpg.chip.jpg".
    """
    match = _NAME.fullmatch(name)
    if match is None or int(match[1]) > _OLDEST:
        return None
    return Attributes(AGE_GROUPS[bisect_right(_STARTS, int(match[1]))], GENDERS[int(match[2])])


def label_paths(paths: Sequence[PurePath]) -> tuple[NDArray[np.intp], NDArray[np.int64], Mapping[str, int]]:
    """Labels of those files that have one.

    Returns:
        Places of the labelled files in `paths` (M,), their classes (M, 2) as `Attributes.classes`, and reason ->
        number of files that were left out.
    """
    read = [parse_name(path.name) for path in paths]
    places = [i for i, found in enumerate(read) if found is not None]
    classes = [found.classes for found in read if found is not None]
    skipped = Counter({"without a label in the name": len(read) - len(places)})
    return (
        np.array(places, np.intp),
        np.array(classes, np.int64).reshape(-1, 2),
        {k: n for k, n in skipped.items() if n},
    )


def held_out(paths: Sequence[PurePath], n_most: int, share: float) -> NDArray[np.bool_]:
    """Which files are kept from training: those whose names have the smallest SHA-256, wherever the folder is.

    UTKFace has no numbers of persons, so one person's pictures may lie on both sides.

    Args:
        paths: of the pictures.
        n_most: so many at most.
        share: and at most this share of all, 0..1.
    """
    n = min(n_most, int(len(paths) * share))
    order = sorted(range(len(paths)), key=lambda i: hashlib.sha256(paths[i].name.encode()).digest())
    chosen = np.zeros(len(paths), bool)
    chosen[order[:n]] = True
    return chosen
