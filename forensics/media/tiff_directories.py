"""The directories of a TIFF (TIFF 6.0, BigTIFF) or an Exif block, walked without decoding: sizes, orientation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from forensics.errors import MediaError

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, ORIENTATION, SAMPLES = 254, 256, 257, 258, 259, 274, 277
TILE_WIDTH, TILE_HEIGHT, DNG_VERSION = 322, 323, 50706

MAX_ENTRIES = 200_000
"""Entries over all directories. A page has tens; directories that overlap in the file could claim billions."""

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE_NUMBERS = frozenset({1, 3, 4, 13, 16})
_NUMBERS = frozenset({3, 4, 5, 8, 9, 10, 11, 12, 13, 16, 17, 18})
_MAX_NUMBERS = 1_000_000
"""Numbers in one entry: decoders turn them into Python integers. One strip a row of the highest picture is far less."""

_KEPT = frozenset(
    {SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, ORIENTATION, SAMPLES, TILE_WIDTH, TILE_HEIGHT, DNG_VERSION}
)

_SMALLER_OR_MASK = 0b101
"""Bits of SUBFILE: a smaller version of another page, a mask of one."""


@dataclass(frozen=True)
class Directory:
    """One page of a TIFF.

    Attributes:
        values: first number of each tag that matters here, by tag. Where a tag occurs twice, the first counts.
    """

    values: dict[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Claimed width and height as stored, 0 where the tag is missing."""
        return self.values.get(WIDTH, 0), self.values.get(HEIGHT, 0)

    @property
    def is_page(self) -> bool:
        """Whether it is a picture of its own."""
        return not self.values.get(SUBFILE, 0) & _SMALLER_OR_MASK

    @property
    def tile_size(self) -> tuple[int, int]:
        """Claimed width and height of a tile, 0 without tiles."""
        return self.values.get(TILE_WIDTH, 0), self.values.get(TILE_HEIGHT, 0)


def tiff_directories(data: bytes, *, checked: bool = True) -> Iterator[Directory]:
    """Directories in the order of their chain; a chain that loops ends where it meets itself.

    Args:
        data: the whole file or block.
        checked: refuse tags that claim more than the file can hold; only a decoder that reads all tags needs that.

    Raises:
        MediaError: cut off inside the first directory, or tags that claim more than the file can hold.
    """
    order = "little" if data[:2] == b"II" else "big"
    big = data[2:4] in (b"+\0", b"\0+")
    word = 8 if big else 4

    def number(at: int, n_bytes: int) -> int:
        return int.from_bytes(data[at : at + n_bytes], order)  # type: ignore[arg-type]

    at, seen, n_entries = number(8 if big else 4, word), set[int](), 0
    while at and at not in seen:
        seen.add(at)
        count_bytes = 8 if big else 2
        n, first, entry_bytes = number(at, count_bytes), at + count_bytes, 20 if big else 12
        end = first + n * entry_bytes
        n_entries += n
        if end > len(data) or n == 0:
            if len(seen) == 1:
                raise MediaError("truncated", "the TIFF ends before its first directory does")
            return
        if n_entries > MAX_ENTRIES:
            raise MediaError("broken", f"the TIFF directories hold more than {MAX_ENTRIES:,} entries")
        values: dict[int, int] = {}
        claimed_bytes = 0
        for entry in range(first, end, entry_bytes):
            tag, kind, count = number(entry, 2), number(entry + 2, 2), number(entry + 4, word)
            if checked:
                claimed_bytes += _checked_bytes(tag, kind, count, len(data))
            if tag in _KEPT and tag not in values and kind in _WHOLE_NUMBERS and count:
                size = _TYPE_BYTES[kind]
                value_at = entry + 4 + word
                values[tag] = number(value_at if size * count <= word else number(value_at, word), size)
        if claimed_bytes > 2 * len(data):
            raise MediaError("broken", "the TIFF tags claim more data than the file holds")
        yield Directory(values)
        at = number(end, word)


def exif_orientation(exif: bytes) -> int:
    """Orientation 1..8 in the first directory of an Exif block; 1 when it is missing, broken or out of range."""
    exif = exif.removeprefix(b"Exif\0\0")
    if exif[:4] not in (b"II*\0", b"MM\0*"):
        return 1
    try:
        first = next(tiff_directories(exif, checked=False), None)
    except MediaError:
        return 1  # broken metadata is the metadata analyzer's matter; the pixels are still there
    return upright_orientation(first)


def upright_orientation(directory: Directory | None) -> int:
    """Orientation 1..8 of a page; 1 when it is missing or out of range."""
    value = 1 if directory is None else directory.values.get(ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def _checked_bytes(tag: int, kind: int, count: int, n_data: int) -> int:
    n_bytes = _TYPE_BYTES.get(kind, 0) * count
    if n_bytes > n_data or (kind in _NUMBERS and count > _MAX_NUMBERS):
        raise MediaError(
            "broken", f"the TIFF file is broken: its tag {tag} claims {count:,} values, more than the file can hold"
        )
    return n_bytes
