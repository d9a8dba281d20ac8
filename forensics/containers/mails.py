"""Mail (RFC 5322, MIME) and mail boxes (RFC 4155): attachments and pictures in the text."""

from __future__ import annotations

import io
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from typing import BinaryIO

from forensics.containers.budget import Exhausted
from forensics.containers.member import INTO
from forensics.containers.unpacking import Level
from forensics.errors import MediaError

MAX_MAIL_BYTES = 128 << 20
"""Of one mail, which is parsed whole; servers refuse more than 150 MB, most of them more than 50."""

_TOO_LARGE = f"the mail holds more than {MAX_MAIL_BYTES:,} bytes, the limit"

_LINE_BYTES = 1 << 20


def read_eml(file: BinaryIO, level: Level) -> None:
    """Hand over the attachments of one mail.

    Raises:
        MediaError: too large, too deep or damaged.
    """
    data = file.read(MAX_MAIL_BYTES + 1)
    if len(data) > MAX_MAIL_BYTES:
        raise MediaError("too-many-bytes", _TOO_LARGE)
    level.show_hidden()
    _take(data, level, "")


def read_mbox(file: BinaryIO, level: Level) -> None:
    """Hand over the attachments of every mail, each below the number of its mail from 1."""
    level.show_hidden()
    for number, data in enumerate(_mails(file), 1):
        try:
            if data is None:
                raise MediaError("too-many-bytes", _TOO_LARGE)
            _take(data, level, f"mail-{number}{INTO}")
        except Exhausted:
            raise
        except MediaError as error:
            level.refuse(f"mail-{number}", error.code, str(error))


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


@dataclass(frozen=True)
class _Part:
    """One part of a mail that holds no others."""

    name: str
    content: bytes
    is_text: bool


def _take(data: bytes, level: Level, prefix: str) -> None:
    for part in _parts(data):
        level.add(f"{prefix}{part.name}", io.BytesIO(part.content), is_part=part.is_text)


def _parts(data: bytes) -> Iterator[_Part]:
    """Parts of a mail and of the mails in it.

    Raises:
        MediaError: too many lie in each other, or what a header says makes no sense.
    """
    try:
        for number, part in enumerate(BytesParser().parsebytes(data).walk()):
            content = None if part.is_multipart() else part.get_payload(decode=True)
            if isinstance(content, bytes):
                name = _name(part)
                # Text without a name is what was written, not what was attached.
                is_text = name is None and part.get_content_maintype() == "text"
                yield _Part(name or _unnamed(part, number), content, is_text)
    except RecursionError as error:
        raise MediaError("too-deep", "more parts of the mail lie in each other than can be opened") from error
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise MediaError("broken", "the mail is damaged; what could not be read was left out") from error


def _name(part: Message) -> str | None:
    try:
        return part.get_filename() or None
    except (LookupError, UnicodeError, ValueError, TypeError):
        # An encoding that there is not.
        return None


def _unnamed(part: Message, number: int) -> str:
    return f"part-{number}{mimetypes.guess_extension(part.get_content_type()) or ''}"
