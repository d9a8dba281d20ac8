"""Pictures of a run that look alike: perceptual hashes (PDQ) that differ in few bits, in groups around a first one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from detectors.hash_index import HashIndex
from detectors.perceptual_hash import MAX_DISTANCE_BITS, packed


@dataclass(frozen=True)
class Group:
    """Files that look like the first of them.

    Attributes:
        paths: two at least, in the order in which they came; hostile text.
    """

    paths: tuple[str, ...]


class Groups:
    """Sorts files into groups as they come: each joins the nearest first file within the distance, or is a first one.

    Every member of a group lies within the distance of its first, which chains of pairs would not promise.
    """

    def __init__(self, max_distance_bits: int = MAX_DISTANCE_BITS) -> None:
        self._max_distance_bits = max_distance_bits
        self._firsts = HashIndex()
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
        places, bits = self._firsts.close(pdq, self._max_distance_bits)
        if places.size:
            nearest = int(places[bits.argmin()])
            self._members[nearest].append(path)
        else:
            nearest = len(self._members)
            self._firsts.add(packed(pdq)[None])
            self._members.append([path])
        self._exact[pdq] = nearest

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
