"""ZIP archives (APPNOTE 6.3.10), and the documents that are ZIP archives: Office Open XML, OpenDocument, EPUB."""

from __future__ import annotations

import copy
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterable
from typing import BinaryIO

from forensics.containers.account import LINK
from forensics.containers.budget import Exhausted
from forensics.containers.part import Part
from forensics.containers.unpacking import Level
from forensics.containers.zip_table import LOCAL_HEADER_BYTES, Content, Table, content_of, table_of
from forensics.errors import MediaError

_ENCRYPTED, _PATCH, _STRONGLY_ENCRYPTED = 0x1, 0x20, 0x40
"""Flags (section 4.4.4)."""

_ENDS_ITSELF = 0x2
"""Flag of LZMA (section 4.4.4): a mark stands at the end of the packed bytes, as deflate and bzip2 always have it."""

_UNBOUNDED = 1 << 62

_CHUNK_BYTES = 1 << 20

_UNIX = 3
_DOCUMENT_MARKS = frozenset({"[Content_Types].xml", "mimetype"})
"""Members that make an archive a document (ECMA-376 part 2, ODF 1.3 part 2, EPUB 3): its other parts are no files."""

_PICTURE_FOLDERS = frozenset({"media", "Pictures"})
"""Folders of a document that hold nothing else: what cannot be examined there is a picture all the same."""


def read_zip(file: BinaryIO, level: Level) -> None:
    """Hand over the files of an archive.

    Raises:
        MediaError: its table of contents is lost or damaged, or sizes in it are wrong.
    """
    # One more than may lie in it shows that there are too many.
    table = table_of(file, level.unpacker.limits.max_members + 1)
    has_lies = _overlap(table.entries, file.seek(0, 2))
    share = level.parted()
    is_document = any(entry.filename in _DOCUMENT_MARKS for entry in table.entries)
    if is_document:
        level.show_hidden()

    def is_part(name: str) -> bool:
        return is_document and not _PICTURE_FOLDERS.intersection(name.split("/")[:-1])

    for entry in table.entries:
        is_folder = entry.filename.endswith("/") and not (entry.file_size or entry.CRC)
        if is_folder or not share.holds(_mark(entry)):
            level.pass_by()
        else:
            has_lies |= _take(file, entry, level, is_part=is_part(entry.filename))
    for name, code, why in table.lost:
        if share.is_first:
            level.refuse(name, code, why)
        else:
            level.pass_by()
    _check_whole(table)
    if has_lies:
        words = "the ZIP archive is damaged or lies about the sizes of files in it; what can be unpacked was examined"
        raise MediaError("broken", words)


def _mark(entry: zipfile.ZipInfo) -> bytes:
    """What copies have in common, unless the table of contents lies about one of them."""
    return b"%d %d" % (entry.CRC, entry.file_size)


class _Content:
    """The unpacked bytes of a file in an archive, as far as they go: sizes in the archive may be wrong, sums tell.

    Attributes:
        has_lies: whether the size in the table of contents is known to be wrong by now.

    Raises:
        MediaError: they cannot be unpacked; reading may raise it as well.
    """

    def __init__(self, file: BinaryIO, entry: zipfile.ZipInfo) -> None:
        self._told_bytes = entry.file_size
        self._n_bytes = 0
        self.has_lies = False
        try:
            content = content_of(file, entry)
            sized = copy.copy(entry)
            if _ends_itself(entry):
                sized.compress_size, sized.file_size = content.room, _UNBOUNDED
            elif entry.compress_type == zipfile.ZIP_STORED:
                sized.compress_size = sized.file_size = _stored_bytes(file, entry, content)
                self.has_lies = sized.file_size != entry.compress_size
            packed = Part(file, content.start, sized.compress_size)
            self._stream = zipfile.ZipExtFile(packed, "r", sized)
        except NotImplementedError as error:
            words = f"it is packed by method {entry.compress_type}, unknown here"
            raise MediaError("unsupported", words) from error
        except EOFError as error:
            raise MediaError("broken", f"it cannot be unpacked: {error}") from error

    def read(self, size: int, /) -> bytes:
        """At most size bytes; none at the end."""
        try:
            data = self._stream.read(size)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError) as error:
            raise MediaError("broken", "it cannot be unpacked: its data is damaged") from error
        except MemoryError as error:
            raise MediaError("out-of-memory", "unpacking it takes more memory than there is") from error
        self._n_bytes += len(data)
        self.has_lies |= not data and self._n_bytes != self._told_bytes
        return data


def _ends_itself(entry: zipfile.ZipInfo) -> bool:
    if entry.compress_type == zipfile.ZIP_LZMA:
        return bool(entry.flag_bits & _ENDS_ITSELF)
    return entry.compress_type in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)


def _stored_bytes(file: BinaryIO, entry: zipfile.ZipInfo, content: Content) -> int:
    """Size of a file that is not packed: of all that the archive says, the first whose checksum is right."""
    told = {entry.compress_size, entry.file_size, *content.sizes}
    if len(told) == 1:
        return entry.compress_size
    at = crc = 0
    part = Part(file, content.start, content.room)
    for size in sorted(told):
        while at < size and (chunk := part.read(min(size - at, _CHUNK_BYTES))):
            at, crc = at + len(chunk), zlib.crc32(chunk, crc)
        if at == size and crc == entry.CRC:
            return size
    return entry.compress_size


def _take(file: BinaryIO, entry: zipfile.ZipInfo, level: Level, *, is_part: bool) -> bool:
    """Hand over a file; whether the table of contents turned out to lie about its size."""
    if entry.create_system == _UNIX and stat.S_ISLNK(entry.external_attr >> 16):
        level.leave_out(entry.filename, LINK)
    elif entry.flag_bits & (_ENCRYPTED | _STRONGLY_ENCRYPTED):
        level.refuse(entry.filename, "encrypted", "it is encrypted")
    elif entry.flag_bits & _PATCH:
        level.refuse(entry.filename, "unsupported", "it is a patch for a file that is not there")
    else:
        try:
            content = _Content(file, entry)
            level.add(entry.filename, content, is_part=is_part)
            return content.has_lies
        except Exhausted:
            raise
        except MediaError as error:
            level.refuse(entry.filename, error.code, str(error))
    return False


def _overlap(entries: Iterable[zipfile.ZipInfo], n_bytes: int) -> bool:
    """Whether files share their packed bytes, as they cannot, or end behind the archive.

    Archives that make much of few bytes do so (Fifield, WOOT 2019); what they unpack to, the limits decide.

    Args:
        entries: of the table of contents.
        n_bytes: size of the archive.
    """
    end = 0
    for start, size in sorted((entry.header_offset, entry.compress_size) for entry in entries):
        if start < end or start < n_bytes < start + LOCAL_HEADER_BYTES + size:
            return True
        end = start + LOCAL_HEADER_BYTES + size
    return False


def _check_whole(table: Table) -> None:
    if not table.is_found:
        words = "the ZIP archive is cut off or broken: its table of contents is lost; what comes before was examined"
        raise MediaError("truncated", words)
    if not table.is_whole:
        words = "the ZIP archive is damaged: its table of contents does not name all of its files"
        raise MediaError("broken", words)
