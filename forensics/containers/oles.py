"""Compound files (MS-CFB): attachments of Outlook messages (.msg, MS-OXMSG) are handed over, others refused."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, BinaryIO

from olefile import OleFileIO

from forensics.containers.account import LINK, PART
from forensics.containers.mails import MAX_MAIL_BYTES
from forensics.containers.member import INTO
from forensics.containers.unpacking import Level
from forensics.errors import MediaError

_PROPERTIES = "__properties_version1.0"
"""What every message has, and every attachment (MS-OXMSG 2.4)."""

_ATTACHMENT = "__attach_version1.0_"

_DATA, _OBJECT = "__substg1.0_37010102", "__substg1.0_3701000D"
"""PidTagAttachDataBinary; PidTagAttachDataObject, which is a folder: a message in the message, or an OLE object."""

_NAMES = ("3707", "3704", "3001")
"""PidTagAttachLongFilename, PidTagAttachFilename, PidTagDisplayName."""

_ENCODINGS = {"001F": "utf-16-le", "001E": "cp1252"}
"""Types of text (MS-OXCDATA 2.11.1); what is not Unicode has a code page that is not looked for."""

_MAX_NAME_BYTES = 8192

_LOCKED = "EncryptedPackage"
"""An Office document with a password (MS-OFFCRYPTO 2.3.4.4)."""


def read_ole(file: BinaryIO, level: Level) -> None:
    """Hand over the attachments of a message, and of the messages in it.

    Raises:
        MediaError: too large, damaged, or no message.
    """
    size = file.seek(0, 2)
    if size > MAX_MAIL_BYTES:
        raise MediaError("too-many-bytes", f"the message holds more than {MAX_MAIL_BYTES:,} bytes, the limit")
    file.seek(0)
    level.show_hidden()
    with OleFileIO(file) as ole:
        if ole.exists(_LOCKED):
            raise MediaError("encrypted", "this is an Office document with a password: what is in it was not looked at")
        if not ole.exists(_PROPERTIES):
            words = "this is an Office file of before 2007, which is not opened: save it as a file of today first"
            raise MediaError("unsupported", words)
        _Message(ole, size, level).take((), "", level.depth)
        for _, issue in ole.parsing_issues:
            raise MediaError("broken", f"the message is damaged ({issue}); what could not be read was left out")


class _Message:
    """What lies in one compound file.

    Args:
        ole: open.
        size: of the file; no stream in it is larger, whatever it says.
        level: takes what is found.
    """

    def __init__(self, ole: OleFileIO, size: int, level: Level) -> None:
        self._ole, self._size, self._level = ole, size, level
        if ole.root.size > size:
            raise MediaError("broken", "the message says that it holds more than there is")

    def take(self, place: Sequence[str], prefix: str, depth: int) -> None:
        """Hand over the attachments of one message.

        Args:
            place: the folder in the file that it is.
            prefix: of the names of what is found.
            depth: of the message in all that it lies in.
        """
        for number, folder in enumerate(_folders(self._entry(place)), 1):
            attachment = self._entry((*place, folder))
            name = f"{prefix}{self._name((*place, folder), attachment) or f'attachment-{number}'}"
            if _DATA.lower() in attachment.kids_dict:
                self._take_file((*place, folder, _DATA), name)
            elif _OBJECT.lower() not in attachment.kids_dict:
                # Its content lies elsewhere: on a server, or on somebody's disk.
                self._level.leave_out(name, LINK)
            elif _PROPERTIES not in self._entry((*place, folder, _OBJECT)).kids_dict:
                self._level.leave_out(name, PART)
            elif depth >= self._level.unpacker.limits.max_depth:
                self._level.refuse(name, "too-deep", f"it lies {depth} messages deep, the limit for opening one more")
            else:
                self._level.pass_by()
                self.take((*place, folder, _OBJECT), f"{name}{INTO}", depth + 1)

    def _take_file(self, place: Sequence[str], name: str) -> None:
        declared = self._entry(place).size
        if not declared:
            self._level.add(name, io.BytesIO())
            return
        if declared > self._size:
            self._level.refuse(name, "broken", "the attachment says that it is larger than the message")
            return
        # Streams may share their bytes, and each is read whole.
        self._level.unpacker.budget.unpack(declared)
        stream = self._ole.openstream(place)
        if stream.size < declared:
            self._level.refuse(name, "truncated", "the end of the attachment is missing")
        else:
            self._level.add(name, stream)

    def _name(self, place: Sequence[str], attachment: Any) -> str:
        """What the sender calls an attachment; "" for nothing."""
        for tag in _NAMES:
            for kind, encoding in _ENCODINGS.items():
                stream = f"__substg1.0_{tag}{kind}"
                entry = attachment.kids_dict.get(stream.lower())
                if entry is not None and 0 < entry.size <= _MAX_NAME_BYTES:
                    data: bytes = self._ole.openstream((*place, stream)).read()
                    return data.decode(encoding, "replace").partition("\0")[0]
        return ""

    def _entry(self, place: Sequence[str]) -> Any:
        entry = self._ole.root
        for name in place:
            entry = entry.kids_dict[name.lower()]
        return entry


def _folders(message: Any) -> list[str]:
    """Of its attachments, in the order in which they were attached."""
    return sorted(entry.name for entry in message.kids if entry.name.lower().startswith(_ATTACHMENT) and entry.kids)
