"""How a TIFF (TIFF 6.0, BigTIFF) or an Exif block lies in its bytes: its directories, as tables of entries."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from forensics.errors import MediaError

MAX_ENTRIES = 200_000
"""Of a directory, and over all that are walked. A page has tens; directories that overlap could claim billions."""

LONG, IFD, LONG8, IFD8 = 4, 13, 16, 18
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
WHOLE_NUMBERS = frozenset({1, 3, 4, 13, 16, 18})
"""Types that are counts, sizes and offsets."""


class Sliced(Protocol):
    """Bytes, or what is sliced like them."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


class FileBytes:
    """A file that is sliced like its bytes, so that it need not lie in memory.

    Args:
        file: seekable; its place moves.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, 2)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(self._size)
        self._file.seek(start)
        return self._file.read(max(stop - start, 0))


@dataclass(frozen=True)
class Entry:
    """One tag of a directory.

    Attributes:
        tag, kind, count: number of the tag, its type and how many values it has.
        at, n_bytes: where the values begin in the file, and their length; 0 of an unknown type.
        field: the last bytes of the entry as stored: the values themselves where they fit, or where they begin.
    """

    tag: int
    kind: int
    count: int
    at: int
    n_bytes: int
    field: bytes

    @property
    def is_inline(self) -> bool:
        """Whether the values lie in the entry."""
        return self.n_bytes <= len(self.field)


@dataclass(frozen=True)
class Table:
    """One directory.

    Attributes:
        at, n_bytes: where it begins, and its length without the values elsewhere.
        entries: in their order.
        following: where the next directory begins; 0 after the last.
    """

    at: int
    n_bytes: int
    entries: tuple[Entry, ...]
    following: int


class Layout:
    """A file or block by its header.

    Args:
        data: all of it; eight bytes at least are looked at.

    Attributes:
        data: the same.
        order, is_big: byte order, and whether it is a BigTIFF.
        word_bytes: of an offset.
        first: where the first directory begins.
    """

    def __init__(self, data: Sliced) -> None:
        head = data[:16]
        self.data = data
        self.order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
        self.is_big = head[2:4] in (b"+\0", b"\0+")
        self.word_bytes = 8 if self.is_big else 4
        self._entry = struct.Struct(f"{'<' if self.order == 'little' else '>'}HH{'Q8s' if self.is_big else 'I4s'}")
        self.first = self.number(head[8:16] if self.is_big else head[4:8])

    @property
    def count_bytes(self) -> int:
        """Of the number of entries that a directory begins with."""
        return 8 if self.is_big else 2

    @property
    def entry_bytes(self) -> int:
        """Of one entry."""
        return 4 + 2 * self.word_bytes

    def number(self, stored: bytes) -> int:
        """A whole number as it is stored."""
        return int.from_bytes(stored, self.order)

    def table(self, at: int) -> Table | None:
        """The directory that begins there; None where it is empty or the file ends before it does.

        Raises:
            MediaError: more than MAX_ENTRIES entries.
        """
        start = at + self.count_bytes
        n = self.number(self.data[at:start])
        end = start + n * self.entry_bytes
        if n == 0 or end > len(self.data):
            return None
        if n > MAX_ENTRIES:
            raise too_many_entries()
        stored, word = self.data[start:end], self.word_bytes
        entries = []
        for i, (tag, kind, count, field) in enumerate(self._entry.iter_unpack(stored)):
            n_bytes = TYPE_BYTES.get(kind, 0) * count
            value_at = start + (i + 1) * self.entry_bytes - word if n_bytes <= word else self.number(field)
            entries.append(Entry(tag, kind, count, value_at, n_bytes, field))
        return Table(at, end + word - at, tuple(entries), self.number(self.data[end : end + word]))

    def first_number(self, entry: Entry) -> int:
        """The first value of an entry of whole numbers."""
        size = TYPE_BYTES[entry.kind]
        return self.number(entry.field[:size] if entry.is_inline else self.data[entry.at : entry.at + size])

    def numbers(self, entry: Entry) -> NDArray[np.uint64]:
        """(count,) the values of an entry of whole numbers.

        Raises:
            MediaError: they are no whole numbers, or the file ends before they do.
        """
        if entry.kind not in WHOLE_NUMBERS:
            raise MediaError("broken", f"the TIFF file is broken: its tag {entry.tag} holds no whole numbers")
        stored = entry.field[: entry.n_bytes] if entry.is_inline else self.data[entry.at : entry.at + entry.n_bytes]
        if len(stored) < entry.n_bytes:
            raise MediaError(
                "truncated", f"the file is cut off: the TIFF data ends before the values of tag {entry.tag}"
            )
        kind = np.dtype(f"u{TYPE_BYTES[entry.kind]}").newbyteorder("<" if self.order == "little" else ">")
        return np.frombuffer(stored, kind).astype(np.uint64)


class Chain:
    """The directories that follow one another from the first one on.

    Attributes:
        is_looped, is_cut: how it ended, when it has: it leads back into itself, or to what is no directory.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.is_looped = self.is_cut = False

    def __iter__(self) -> Iterator[Table]:
        """Each once.

        Raises:
            MediaError: a directory of more than MAX_ENTRIES entries.
        """
        at, seen = self._layout.first, set[int]()
        while at:
            if at in seen:
                self.is_looped = True
                return
            seen.add(at)
            table = self._layout.table(at)
            if table is None:
                self.is_cut = True
                return
            yield table
            at = table.following


def too_many_entries() -> MediaError:
    """Directories hold more than any file needs."""
    return MediaError("broken", f"the TIFF directories hold more than {MAX_ENTRIES:,} entries")
