"""What directories of a TIFF (TIFF 6.0, BigTIFF) or an Exif block tell without decoding: sizes, orientation, pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from forensics.errors import MediaError
from forensics.media.tiff_layout import (
    MAX_ENTRIES,
    WHOLE_NUMBERS,
    Chain,
    FileBytes,
    Layout,
    Sliced,
    Table,
    too_many_entries,
)

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION, SAMPLES = 254, 256, 257, 258, 259, 262, 274, 277
TILE_WIDTH, TILE_HEIGHT, SAMPLE_FORMAT, DNG_VERSION = 322, 323, 339, 50706

_NUMBERS = frozenset({3, 4, 5, 8, 9, 10, 11, 12, 13, 16, 17, 18})
_MAX_NUMBERS = 1_000_000
"""Numbers in one entry: decoders turn them into Python integers. One strip a row of the highest picture is far less."""

_KEPT = frozenset({SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION, SAMPLES}) | frozenset(
    {TILE_WIDTH, TILE_HEIGHT, SAMPLE_FORMAT, DNG_VERSION}
)

_SMALLER_OR_MASK = 0b101
"""Bits of SUBFILE: a smaller version of another page, a mask of one."""

_HEADERS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class Directory:
    """One directory of a TIFF.

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
        """Whether it is a picture of its own; one without a size is none, such as that of a signature."""
        has_size = WIDTH in self.values and HEIGHT in self.values
        return has_size and not self.values.get(SUBFILE, 0) & _SMALLER_OR_MASK

    @property
    def tile_size(self) -> tuple[int, int]:
        """Claimed width and height of a tile, 0 without tiles."""
        return self.values.get(TILE_WIDTH, 0), self.values.get(TILE_HEIGHT, 0)


def directory_of(layout: Layout, table: Table) -> Directory:
    """What matters here of a directory."""
    values: dict[int, int] = {}
    for entry in table.entries:
        if entry.tag in _KEPT and entry.tag not in values and entry.kind in WHOLE_NUMBERS and entry.count:
            values[entry.tag] = layout.first_number(entry)
    return Directory(values)


def tiff_directories(data: Sliced, *, checked: bool = True) -> Iterator[Directory]:
    """Directories in the order of their chain; a chain that loops ends where it meets itself.

    Args:
        data: the whole file or block.
        checked: refuse tags that claim more than the file can hold; only a decoder that reads all tags needs that.

    Raises:
        MediaError: cut off inside the first directory, or tags that claim more than the file can hold.
    """
    layout = Layout(data)
    chain, n_entries = Chain(layout), 0
    for table in chain:
        n_entries += len(table.entries)
        if n_entries > MAX_ENTRIES:
            raise too_many_entries()
        if checked:
            check_claims(table, len(data))
        yield directory_of(layout, table)
    if chain.is_cut and not n_entries:
        raise MediaError("truncated", "the TIFF ends before its first directory does")


def is_raw(head: bytes, first: Directory) -> bool:
    """Whether a TIFF is a camera's raw data, by its first bytes and its first directory."""
    return DNG_VERSION in first.values or head[8:10] == b"CR"


def has_pages(file: BinaryIO) -> bool:
    """Whether a file is a TIFF of two or more pages, each a picture of its own; camera raw is not.

    Args:
        file: seekable; it is left anywhere.
    """
    data, n_pages = FileBytes(file), 0
    head = data[:10]
    if not head.startswith(_HEADERS):
        return False
    try:
        for number, directory in enumerate(tiff_directories(data, checked=False)):
            if number == 0 and is_raw(head, directory):
                return False
            n_pages += directory.is_page
            if n_pages > 1:
                return True
    except MediaError:
        # Whoever opens it as a picture tells what is wrong.
        return False
    return False


def check_one_page(file: BinaryIO) -> None:
    """Refuse a TIFF of several pages; who may look into one does (`forensics.containers`).

    Raises:
        MediaError: it has two pages or more.
    """
    if has_pages(file):
        raise MediaError("not-media", "this is a TIFF of several pages, each of them a picture of its own")


def names_more(data: Sliced) -> bool:
    """Whether the chain of a TIFF goes on to a directory that is not there: the file was cut off, most likely."""
    chain = Chain(Layout(data))
    for _ in chain:
        pass
    return chain.is_cut


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


def check_claims(table: Table, n_data: int) -> None:
    """Refuse a directory by what its tags claim.

    Args:
        table: the directory.
        n_data: bytes of the file.

    Raises:
        MediaError: more than the file can hold.
    """
    claimed_bytes = 0
    for entry in table.entries:
        claimed_bytes += entry.n_bytes
        if entry.n_bytes > n_data or (entry.kind in _NUMBERS and entry.count > _MAX_NUMBERS):
            claim = f"its tag {entry.tag} claims {entry.count:,} values, more than the file can hold"
            raise MediaError("broken", f"the TIFF file is broken: {claim}")
    if claimed_bytes > 2 * n_data:
        raise MediaError("broken", "the TIFF tags claim more data than the file holds")
