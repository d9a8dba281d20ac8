"""Pictures of a run that look alike: perceptual hashes (PDQ) that differ in few bits, in groups around a first one.

Files go by number here, which takes a tenth of the memory of their paths.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from detectors.hash_index import HashIndex
from detectors.perceptual_hash import MAX_DISTANCE_BITS, packed


class Groups:
    """Sorts files into groups as they come: each joins the nearest first file within the distance, or is a first one.

    Every member of a group lies within the distance of its first, which chains of pairs would not promise. A file that
    looks like no other takes 104 bytes of memory.

    Attributes:
        n_groups, n_files: groups of two and more that are no exact copies throughout, and the files in them.
    """

    def __init__(self, max_distance_bits: int = MAX_DISTANCE_BITS) -> None:
        self._max_distance_bits = max_distance_bits
        self._hashes = HashIndex()
        self._firsts = array("q")
        # By the place of their first.
        self._others: dict[int, array[int]] = {}
        self._alike: set[int] = set()

    def add(self, number: int, pdq: str, *, is_copy: bool = False) -> None:
        """Sort a file in.

        Args:
            number: that stands for it.
            pdq: 64 hex digits, of its first picture.
            is_copy: another file holds the same bytes.
        """
        places, bits = self._hashes.close(pdq, self._max_distance_bits)
        if not places.size:
            self._hashes.add(packed(pdq)[None])
            self._firsts.append(number)
            return
        nearest = int(places[bits.argmin()])
        self._others.setdefault(nearest, array("q")).append(number)
        if not is_copy:
            self._alike.add(nearest)

    @property
    def n_groups(self) -> int:
        return len(self._alike)

    @property
    def n_files(self) -> int:
        return sum(1 + len(self._others[place]) for place in self._alike)

    def found(self) -> Iterator[array[int]]:
        """The numbers in each of these groups, the first file at their head; the largest group comes first."""
        for place in sorted(self._alike, key=lambda place: (-len(self._others[place]), place)):
            yield array("q", [self._firsts[place]]) + self._others[place]
