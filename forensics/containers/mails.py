"""Mail (RFC 5322, MIME) and mail boxes (RFC 4155): attachments and pictures in the text."""

from __future__ import annotations

import io
import mimetypes
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from typing import BinaryIO

from forensics.containers.unpacking import INTO, Level
from forensics.errors import MediaError

MAX_MAIL_BYTES = 128 << 20
"""Of one mail, which is parsed whole; servers refuse more than 150 MB, most of them more than 50."""

_LINE_BYTES = 1 << 20


def read_eml(file: BinaryIO, level: Level) -> None:
    """Hand over the attachments of one mail.

    Raises:
        MediaError: too large.
    """
    data = file.read(MAX_MAIL_BYTES + 1)
    if len(data) > MAX_MAIL_BYTES:
        raise MediaError("too-many-bytes", f"the mail holds more than {MAX_MAIL_BYTES:,} bytes, the limit")
    _take(data, level, "")


def read_mbox(file: BinaryIO, level: Level) -> None:
    """Hand over the attachments of every mail, each below the number of its mail from 1."""
    for number, data in enumerate(_mails(file), 1):
        if data is None:
            words = f"the mail holds more than {MAX_MAIL_BYTES:,} bytes, the limit"
            level.refuse(f"mail-{number}", "too-many-bytes", words)
        else:
            _take(data, level, f"mail-{number}{INTO}")


def _mails(file: BinaryIO) -> Iterator[bytes | None]:
    """The mails of a box, without the line before each; None for one that is too large."""
    lines: list[bytes] = []
    size, after_blank = 0, True
    while line := file.readline(_LINE_BYTES):
        if after_blank and line.startswith(b"From "):
            if size:
                yield b"".join(lines) if size <= MAX_MAIL_BYTES else None
            lines, size = [], 0
        else:
            size += len(line)
            if size <= MAX_MAIL_BYTES:
                lines.append(line)
            else:
                lines.clear()
        after_blank = line in (b"\n", b"\r\n")
    if size:
        yield b"".join(lines) if size <= MAX_MAIL_BYTES else None


def _take(data: bytes, level: Level, prefix: str) -> None:
    for number, part in enumerate(BytesParser().parsebytes(data).walk()):
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        name = _name(part)
        if isinstance(content, bytes):
            # Text without a name is what was written, not what was attached.
            is_text = name is None and part.get_content_maintype() == "text"
            level.add(f"{prefix}{name or _unnamed(part, number)}", io.BytesIO(content), is_part=is_text)


def _name(part: Message) -> str | None:
    try:
        return part.get_filename() or None
    except (LookupError, UnicodeError, ValueError, TypeError):
        # An encoding that there is not.
        return None


def _unnamed(part: Message, number: int) -> str:
    return f"part-{number}{mimetypes.guess_extension(part.get_content_type()) or ''}"
