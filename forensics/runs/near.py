"""Pictures of a run that look alike: perceptual hashes (PDQ) that differ in few bits, in groups around a first one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.perceptual_hash import MAX_DISTANCE_BITS, distances, packed

_GROWTH = 1024


@dataclass(frozen=True)
class Group:
    """Files that look like the first of them.

    Attributes:
        paths: two at least, in the order in which they came; hostile text.
    """

    paths: tuple[str, ...]


class Groups:
    """Sorts files into groups as they come: each joins the nearest first file within the distance, or is a first one.

    Every member of a group lies within the distance of its first, which chains of pairs would not promise. A file costs
    one look at all first ones.
    """

    def __init__(self, max_distance_bits: int = MAX_DISTANCE_BITS) -> None:
        self._max_distance_bits = max_distance_bits
        self._firsts: NDArray[np.uint8] = np.zeros((_GROWTH, 32), np.uint8)
        self._members: list[list[str]] = []
        self._exact: dict[str, int] = {}

    def add(self, path: str, pdq: str) -> None:
        """Sort a file in.

        Args:
            path: hostile text.
            pdq: 64 hex digits, of its first picture.
        """
        if pdq in self._exact:
            self._members[self._exact[pdq]].append(path)
            return
        n_firsts = len(self._members)
        bits = distances(self._firsts[:n_firsts], pdq)  # (n_firsts,)
        nearest = int(bits.argmin()) if n_firsts else -1
        if nearest >= 0 and bits[nearest] <= self._max_distance_bits:
            self._members[nearest].append(path)
            self._exact[pdq] = nearest
            return
        if n_firsts == len(self._firsts):
            self._firsts = np.concatenate([self._firsts, np.zeros_like(self._firsts)])
        self._firsts[n_firsts] = packed(pdq)
        self._members.append([path])
        self._exact[pdq] = n_firsts

    def found(self) -> list[Group]:
        """Groups of two and more, the largest first."""
        groups = [Group(tuple(paths)) for paths in self._members if len(paths) > 1]
        return sorted(groups, key=lambda group: -len(group.paths))


def grouped(files: Iterable[tuple[str, str]]) -> list[Group]:
    """Groups among files, given as path and hash."""
    groups = Groups()
    for path, pdq in files:
        groups.add(path, pdq)
    return groups.found()
