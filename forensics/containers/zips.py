"""ZIP archives (APPNOTE 6.3.10), and the documents that are ZIP archives: Office Open XML, OpenDocument, EPUB."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Sequence
from typing import BinaryIO

from forensics.containers.account import LINK
from forensics.containers.budget import Exhausted
from forensics.containers.unpacking import Level
from forensics.errors import MediaError

_ENCRYPTED = 0x1
_UNIX = 3
_DOCUMENT_MARKS = frozenset({"[Content_Types].xml", "mimetype"})
"""Members that make an archive a document (ECMA-376 part 2, ODF 1.3 part 2, EPUB 3): its other parts are no files."""

_PICTURE_FOLDERS = frozenset({"media", "Pictures"})
"""Folders of a document that hold nothing else: what cannot be examined there is a picture all the same."""

_LOCAL_HEADER_BYTES = 30


def read_zip(file: BinaryIO, level: Level) -> None:
    """Hand over the files of an archive.

    Raises:
        MediaError: no archive, or its members overlap.
    """
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise MediaError("truncated", "the ZIP archive is cut off or broken: its table of contents is lost") from error
    with archive:
        entries = archive.infolist()
        _check_overlap(entries)
        share = level.parted()
        is_document = any(entry.filename in _DOCUMENT_MARKS for entry in entries)

        def is_part(name: str) -> bool:
            return is_document and not _PICTURE_FOLDERS.intersection(name.split("/")[:-1])

        for entry in entries:
            if entry.is_dir() or not share.holds(_mark(entry)):
                level.pass_by()
            else:
                _take(archive, entry, level, is_part=is_part(entry.filename))


def _mark(entry: zipfile.ZipInfo) -> bytes:
    """What copies have in common; that of a file that lies about it is broken wherever it is unpacked."""
    return b"%d %d" % (entry.CRC, entry.file_size)


def _take(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, level: Level, *, is_part: bool) -> None:
    if entry.create_system == _UNIX and stat.S_ISLNK(entry.external_attr >> 16):
        level.leave_out(entry.filename, LINK)
    elif entry.flag_bits & _ENCRYPTED:
        level.refuse(entry.filename, "encrypted", "it is encrypted")
    else:
        try:
            with archive.open(entry) as stream:
                level.add(entry.filename, stream, is_part=is_part)
        except Exhausted:
            raise
        except NotImplementedError:
            level.refuse(entry.filename, "unsupported", f"it is packed by method {entry.compress_type}, unknown here")
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            level.refuse(entry.filename, "broken", f"it cannot be unpacked: {error}")


def _check_overlap(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Members that share their packed bytes make a small archive large (Fifield, WOOT 2019)."""
    end = 0
    for start, size in sorted((entry.header_offset, entry.compress_size) for entry in entries):
        if start < end:
            raise MediaError("bomb", "members of the ZIP archive share their bytes, as only bombs do")
        end = start + _LOCAL_HEADER_BYTES + size
