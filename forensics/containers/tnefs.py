"""Outlook's attachments in one file, winmail.dat (MS-OXTNEF): a row of attributes, some of which are files."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from forensics.containers.part import Part
from forensics.containers.unpacking import Level
from forensics.errors import MediaError

_HEADER_BYTES = 6
_ATTRIBUTE = struct.Struct("<BII")
_CHECKSUM_BYTES = 2

_ATTACHMENT, _TITLE, _DATA = 0x00069002, 0x00018010, 0x0006800F
"""attAttachRendData, which begins an attachment, attAttachTitle and attAttachData (MS-OXTNEF 2.1.3.3)."""

_MAX_TITLE_BYTES = 4096


@dataclass
class _Found:
    """One attachment, and where in the file its content lies."""

    name: str = ""
    start: int = 0
    size: int = -1


def read_tnef(file: BinaryIO, level: Level) -> None:
    """Hand over the attachments; what else the mail said is none.

    Raises:
        MediaError: cut off.
    """
    size = file.seek(0, 2)
    level.show_hidden()
    for number, found in enumerate(_attachments(file, size), 1):
        if found.size >= 0:
            level.add(found.name or f"attachment-{number}", Part(file, found.start, found.size))


def _attachments(file: BinaryIO, size: int) -> Iterator[_Found]:
    """Each as soon as the next one begins."""
    found, at = _Found(), _HEADER_BYTES
    while at < size:
        file.seek(at)
        head = file.read(_ATTRIBUTE.size)
        is_whole = len(head) == _ATTRIBUTE.size
        _, name, length = _ATTRIBUTE.unpack(head) if is_whole else (0, 0, 0)
        start = at + _ATTRIBUTE.size
        if not is_whole or start + length > size:
            yield found
            raise MediaError("truncated", "the winmail.dat is cut off or broken; the rest was left out")
        if name == _ATTACHMENT:
            yield found
            found = _Found()
        elif name == _TITLE:
            found.name = file.read(min(length, _MAX_TITLE_BYTES)).partition(b"\0")[0].decode("cp1252", "replace")
        elif name == _DATA:
            found.start, found.size = start, length
        at = start + length + _CHECKSUM_BYTES
    yield found
