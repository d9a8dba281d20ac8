"""Parts of a file that are copied into a new one: each byte once, in the same order, and where offsets come to lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Offsets = NDArray[np.int64]


class Ranges:
    """What is copied from a file, parts that overlap or touch as one.

    Args:
        parts: where they start and how long they are, (N,) each, in groups; at most 2^62.
        size: of the file; what lies beyond is not there to be copied.
        first: where the first part begins in the new file, an even number.

    Attributes:
        first: the same.
        n_bytes: that are copied.
    """

    def __init__(self, parts: Sequence[tuple[Offsets, Offsets]], size: int, first: int) -> None:
        self.first, self._size = first, size
        none = np.zeros(0, np.int64)
        begin = np.concatenate([none, *(starts for starts, _ in parts)])
        end = np.minimum(begin + np.concatenate([none, *(lengths for _, lengths in parts)]), size)
        order = np.argsort(begin, kind="stable")
        order = order[end[order] > begin[order]]
        begin, end = begin[order], np.maximum.accumulate(end[order])
        is_new = np.ones(len(begin), bool)
        is_new[1:] = begin[1:] > end[:-1]
        self._begin = begin[is_new]
        self._end = end[np.append(is_new[1:], True)] if len(end) else end
        lengths_here = self._end - self._begin
        # Words begin at even offsets.
        padded = lengths_here + (lengths_here & 1)
        self._new = first + np.cumsum(padded) - padded
        self.n_bytes = int(lengths_here.sum())
        self._new_size = int(self._new[-1] + lengths_here[-1]) if len(padded) else first

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Beginning and end of each part in the old file; in the new one each begins at an even offset."""
        return zip(self._begin.tolist(), self._end.tolist(), strict=True)

    def placed(self, old: Offsets) -> Offsets:
        """(N,) where offsets lie in the new file. 0, which is none, stays; what was not copied is beyond the end."""
        beyond = self._new_size + np.maximum(old - self._size, 0)
        if len(self._begin):
            part = np.searchsorted(self._begin, old, "right") - 1
            is_copied = (part >= 0) & (old < self._end[part])
            beyond = np.where(is_copied, self._new[part] + old - self._begin[part], beyond)
        return np.where(old == 0, 0, beyond)

    def samples(self, n: int, most_bytes: int) -> list[tuple[int, int]]:
        """Beginning and end of n places in the old file, evenly over what is copied; none if that is nothing."""
        if not self.n_bytes:
            return []
        before = np.cumsum(self._end - self._begin) - (self._end - self._begin)
        places = np.arange(n) * self.n_bytes // n
        part = np.searchsorted(before, places, "right") - 1
        begin = self._begin[part] + places - before[part]
        # What is behind a part belongs to others.
        end = np.minimum(begin + most_bytes, self._end[part])
        return list(zip(begin.tolist(), end.tolist(), strict=True))
