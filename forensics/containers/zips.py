"""ZIP archives (APPNOTE 6.3.10), and the documents that are ZIP archives: Office Open XML, OpenDocument, EPUB."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Sequence
from typing import BinaryIO

from forensics.containers.account import LINK
from forensics.containers.budget import Exhausted
from forensics.containers.part import Part
from forensics.containers.unpacking import Level
from forensics.containers.zip_table import LOCAL_HEADER_BYTES, Table, content_start, table_of
from forensics.errors import MediaError

_ENCRYPTED, _PATCH, _STRONGLY_ENCRYPTED = 0x1, 0x20, 0x40
"""Flags (section 4.4.4)."""

_UNIX = 3
_DOCUMENT_MARKS = frozenset({"[Content_Types].xml", "mimetype"})
"""Members that make an archive a document (ECMA-376 part 2, ODF 1.3 part 2, EPUB 3): its other parts are no files."""

_PICTURE_FOLDERS = frozenset({"media", "Pictures"})
"""Folders of a document that hold nothing else: what cannot be examined there is a picture all the same."""


def read_zip(file: BinaryIO, level: Level) -> None:
    """Hand over the files of an archive.

    Raises:
        MediaError: its table of contents is lost or damaged, or its members overlap.
    """
    # One more than may lie in it shows that there are too many.
    table = table_of(file, level.unpacker.limits.max_members + 1)
    _check_overlap(table.entries)
    share = level.parted()
    is_document = any(entry.filename in _DOCUMENT_MARKS for entry in table.entries)
    if is_document:
        level.show_hidden()

    def is_part(name: str) -> bool:
        return is_document and not _PICTURE_FOLDERS.intersection(name.split("/")[:-1])

    for entry in table.entries:
        is_folder = entry.filename.endswith("/") and not entry.file_size
        if is_folder or not share.holds(_mark(entry)):
            level.pass_by()
        else:
            _take(file, entry, level, is_part=is_part(entry.filename))
    for name, code, why in table.lost:
        if share.is_first:
            level.refuse(name, code, why)
        else:
            level.pass_by()
    _check_whole(table)


def _mark(entry: zipfile.ZipInfo) -> bytes:
    """What copies have in common; that of a file that lies about it is broken wherever it is unpacked."""
    return b"%d %d" % (entry.CRC, entry.file_size)


class _Content:
    """The unpacked bytes of a file in an archive.

    Raises:
        MediaError: they cannot be unpacked; reading may raise it as well.
    """

    def __init__(self, file: BinaryIO, entry: zipfile.ZipInfo) -> None:
        try:
            packed = Part(file, content_start(file, entry), entry.compress_size)
            self._stream = zipfile.ZipExtFile(packed, "r", entry)
        except NotImplementedError as error:
            words = f"it is packed by method {entry.compress_type}, unknown here"
            raise MediaError("unsupported", words) from error
        except EOFError as error:
            raise MediaError("broken", f"it cannot be unpacked: {error}") from error

    def read(self, size: int, /) -> bytes:
        """At most size bytes; none at the end."""
        try:
            return self._stream.read(size)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError) as error:
            raise MediaError("broken", "it cannot be unpacked: its data is damaged") from error
        except MemoryError as error:
            raise MediaError("out-of-memory", "unpacking it takes more memory than there is") from error


def _take(file: BinaryIO, entry: zipfile.ZipInfo, level: Level, *, is_part: bool) -> None:
    if entry.create_system == _UNIX and stat.S_ISLNK(entry.external_attr >> 16):
        level.leave_out(entry.filename, LINK)
    elif entry.flag_bits & (_ENCRYPTED | _STRONGLY_ENCRYPTED):
        level.refuse(entry.filename, "encrypted", "it is encrypted")
    elif entry.flag_bits & _PATCH:
        level.refuse(entry.filename, "unsupported", "it is a patch for a file that is not there")
    else:
        try:
            level.add(entry.filename, _Content(file, entry), is_part=is_part)
        except Exhausted:
            raise
        except MediaError as error:
            level.refuse(entry.filename, error.code, str(error))


def _check_overlap(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Members that share their packed bytes make a small archive large (Fifield, WOOT 2019)."""
    end = 0
    for start, size in sorted((entry.header_offset, entry.compress_size) for entry in entries):
        if start < end:
            raise MediaError("bomb", "members of the ZIP archive share their bytes, as only bombs do")
        end = start + LOCAL_HEADER_BYTES + size


def _check_whole(table: Table) -> None:
    if not table.is_found:
        words = "the ZIP archive is cut off or broken: its table of contents is lost; what comes before was examined"
        raise MediaError("truncated", words)
    if not table.is_whole:
        words = "the ZIP archive is damaged: its table of contents does not name all of its files"
        raise MediaError("broken", words)
