"""What a ZIP archive holds (APPNOTE 6.3.10), by its table of contents, or by the headers before files where that fails.

`zipfile` gives up an archive for one odd entry. Here an entry costs itself at most: what is not needed to unpack it,
such as its date or the version that it asks for, is not looked at.
"""

from __future__ import annotations

import struct
import zipfile
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

_LOCAL = struct.Struct("<4s5H3I2H")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_LOCATOR = struct.Struct("<4sIQI")
_END_64 = struct.Struct("<4sQ2H2I4Q")
"""Sections 4.3.7, 4.3.12, 4.3.16, 4.3.15 and 4.3.14."""

LOCAL_HEADER_BYTES = _LOCAL.size

_LOCAL_MARK, _ENTRY_MARK = b"PK\x03\x04", b"PK\x01\x02"
_END_MARK, _LOCATOR_MARK, _END_64_MARK = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"

_MAX_COMMENT_BYTES = (1 << 16) - 1

_UTF_8, _DESCRIPTOR = 0x800, 0x8
"""Flags (section 4.4.4): the name is UTF-8; checksum and sizes follow the file."""

_MAX_DESCRIPTOR_BYTES = 24
"""Section 4.3.9, with its signature and sizes of 64 bits."""

_EXTRA_64, _FULL = 0x0001, 0xFFFFFFFF
"""The extra field that holds numbers of 64 bits, and what stands in their places (section 4.5.3)."""


@dataclass(frozen=True)
class Table:
    """What an archive holds.

    Attributes:
        entries: files and folders.
        lost: name, code and words of files whose bytes cannot be found.
        is_found: whether there is a table of contents.
        is_whole: whether it can be read to its end, and no files that it does not name lie before those that it does.
    """

    entries: Sequence[zipfile.ZipInfo]
    lost: Sequence[tuple[str, str, str]]
    is_found: bool
    is_whole: bool


@dataclass(frozen=True)
class _Place:
    """Where the table of contents lies, its bytes, and how much further files lie than it says."""

    start: int
    n_bytes: int
    shift: int


def table_of(file: BinaryIO, most: int) -> Table:
    """Find out what an archive holds.

    Args:
        file: that can seek.
        most: entries that are looked at.
    """
    size = file.seek(0, 2)
    place = _place(file, size)
    listed, is_whole = _listed(file, place, most) if place else ([], False)
    entries = [entry for entry in listed if _is_known(entry)]
    words = "the table of contents does not say where it lies"
    lost = [(entry.filename, "broken", words) for entry in listed if not _is_known(entry)]
    known = {entry.header_offset: entry for entry in listed}
    if is_whole and min(known, default=place.start if place else 0) == 0:
        return Table(entries, lost, True, True)
    for entry, end in _unlisted(file, known, most):
        is_whole = False
        if not _is_known(entry):
            lost.append((entry.filename, "truncated", "its size stands in the table of contents, which is lost"))
        elif end > size:
            lost.append((entry.filename, "truncated", "its end is missing"))
        else:
            entries.append(entry)
    return Table(entries, lost, place is not None, is_whole)


@dataclass(frozen=True)
class Content:
    """Where the packed bytes of a file lie.

    Attributes:
        start: in the archive.
        room: bytes from there to the end of the archive.
        sizes: packed and unpacked, by the header before the file; none if they follow the file.
    """

    start: int
    room: int
    sizes: tuple[int, ...]


def content_of(file: BinaryIO, entry: zipfile.ZipInfo) -> Content:
    """Find the packed bytes of a file.

    Raises:
        EOFError: no header is there.
    """
    head = _head(file, entry.header_offset)
    if head is None:
        raise EOFError("the table of contents leads to no file")
    _, _, flags, _, _, _, _, packed, unpacked, n_name, n_extra = head
    start = entry.header_offset + _LOCAL.size + n_name + n_extra
    file.seek(start - n_extra)
    sizes = () if flags & _DESCRIPTOR else _full((unpacked, packed), file.read(n_extra))
    return Content(start, max(file.seek(0, 2) - start, 0), tuple(sizes))


def _place(file: BinaryIO, size: int) -> _Place | None:
    first = max(size - _MAX_COMMENT_BYTES - _END.size, 0)
    file.seek(first)
    tail = file.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        return None
    *_, n_bytes, start, _ = _END.unpack_from(tail, at)
    end = first + at
    if (before := end - _LOCATOR.size - _END_64.size) >= 0:
        file.seek(before)
        end_64, locator = file.read(_END_64.size), file.read(_LOCATOR.size)
        if locator.startswith(_LOCATOR_MARK) and end_64.startswith(_END_64_MARK):
            *_, n_bytes, start = _END_64.unpack(end_64)
            end = before
    return _Place(end - n_bytes, n_bytes, end - n_bytes - start) if n_bytes <= end else None


def _listed(file: BinaryIO, place: _Place, most: int) -> tuple[list[zipfile.ZipInfo], bool]:
    """What a table of contents names, and whether that is all of it, or as much as is looked at."""
    file.seek(place.start)
    data = file.read(place.n_bytes)
    entries: list[zipfile.ZipInfo] = []
    at = 0
    while len(entries) < most and data.startswith(_ENTRY_MARK, at) and at + _ENTRY.size <= len(data):
        _, made_by, _, flags, method, _, _, *numbers, external, offset = _ENTRY.unpack_from(data, at)
        crc, packed, unpacked, n_name, n_extra, n_comment, _, _ = numbers
        at += _ENTRY.size
        name, extra = data[at : at + n_name], data[at + n_name : at + n_name + n_extra]
        at += n_name + n_extra + n_comment
        unpacked, packed, offset = _full((unpacked, packed, offset), extra)
        entry = _entry(name, flags, method, (crc, packed, unpacked))
        entry.create_system, entry.external_attr = made_by >> 8, external
        entry.header_offset = offset if offset == _FULL else offset + place.shift
        entries.append(entry)
    return entries, at == len(data) or len(entries) == most


def _unlisted(file: BinaryIO, known: Mapping[int, zipfile.ZipInfo], most: int) -> Iterator[tuple[zipfile.ZipInfo, int]]:
    """Files that the table does not name, from the first on as far as one follows another, each with where it ends."""
    places = sorted(known)
    at = n_met = 0
    while n_met < most and (head := _head(file, at)) is not None:
        _, _, flags, method, _, _, *numbers, n_name, n_extra = head
        name, extra = file.read(n_name), file.read(n_extra)
        start, n_met = at + _LOCAL.size + n_name + n_extra, n_met + 1
        entry = known.get(at)
        is_listed = entry is not None
        if entry is None:
            crc, packed, unpacked = numbers
            unpacked, packed = _full((unpacked, packed), extra)
            is_open = flags & _DESCRIPTOR and not packed
            entry = _entry(name, flags, method, (crc, _FULL if is_open else packed, unpacked))
            entry.header_offset = at
        end = start + entry.compress_size
        # What the table names within another file comes out as the table says.
        if not is_listed and bisect_right(places, at) == bisect_right(places, end - 1):
            yield entry, end
        if not _is_known(entry):
            return
        at = _behind_descriptor(file, end) if flags & _DESCRIPTOR else end


def _head(file: BinaryIO, at: int) -> tuple[int, ...] | None:
    """Fields of the header of a file; the next bytes are its name."""
    file.seek(at)
    data = file.read(_LOCAL.size)
    return _LOCAL.unpack(data) if len(data) == _LOCAL.size and data.startswith(_LOCAL_MARK) else None


def _behind_descriptor(file: BinaryIO, at: int) -> int:
    """Where the next file begins, as descriptors are of several sizes."""
    file.seek(at)
    return at + max(file.read(_MAX_DESCRIPTOR_BYTES + len(_LOCAL_MARK)).find(_LOCAL_MARK), 0)


def _entry(name: bytes, flags: int, method: int, numbers: tuple[int, int, int]) -> zipfile.ZipInfo:
    text = name.decode("utf-8", "backslashreplace") if flags & _UTF_8 else name.decode("cp437")
    entry = zipfile.ZipInfo(text)
    entry.flag_bits, entry.compress_type = flags, method
    entry.CRC, entry.compress_size, entry.file_size = numbers
    entry.create_system = 0
    return entry


def _full(numbers: Sequence[int], extra: bytes) -> list[int]:
    """Numbers, those of 64 bits from the extra field; what is odd in that is passed over."""
    at, held = 0, b""
    while at + 4 <= len(extra) and not held:
        kind, n_bytes = struct.unpack_from("<HH", extra, at)
        held = extra[at + 4 : at + 4 + n_bytes] if kind == _EXTRA_64 else b""
        at += 4 + n_bytes
    full = []
    for number in numbers:
        if number == _FULL and len(held) >= 8:
            number, held = int.from_bytes(held[:8], "little"), held[8:]
        full.append(number)
    return full


def _is_known(entry: zipfile.ZipInfo) -> bool:
    return entry.compress_size != _FULL and entry.header_offset != _FULL and entry.header_offset >= 0
