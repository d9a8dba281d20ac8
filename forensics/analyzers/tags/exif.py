"""EXIF blocks to readable text (CIPA DC-008), with the embedded thumbnail. Broken blocks give what can be read."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass

from PIL import ExifTags, Image

_SUB_BLOCKS = {0x8769: ExifTags.TAGS, 0x8825: ExifTags.GPSTAGS}
_USER_COMMENT = 0x9286
_WINDOWS_TEXT = range(0x9C9B, 0x9CA0)
_HIDDEN = {0x8769, 0x8825, 0xA005, 0x927C, 0x02BC, 0x83BB, 0x8649, 0x0111, 0x0117, 0x0144, 0x0145}
"""Offsets, maker notes and blocks that have readers of their own."""
_ERRORS = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, struct.error)


@dataclass(frozen=True)
class Exif:
    """Readable part of a block.

    Attributes:
        texts: (name, text) pairs.
        thumbnail: embedded JPEG, b"" without one.
        note: what was wrong, "" if nothing.
    """

    texts: tuple[tuple[str, str], ...]
    thumbnail: bytes = b""
    note: str = ""


def read(block: bytes) -> Exif:
    """Read a block that begins with its byte order mark."""
    try:
        groups = _groups(block)
    except _ERRORS:
        return Exif((), _thumbnail(block), "The EXIF block is broken and could not be read.")
    texts = tuple(
        (str(names.get(tag, f"tag {tag:#06x}")), _text(tag, value))
        for group, names in groups
        for tag, value in group.items()
        if tag not in _HIDDEN
    )
    return Exif(texts, _thumbnail(block))


def _groups(block: bytes) -> list[tuple[dict[int, object], dict[int, str]]]:
    exif = Image.Exif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of each broken entry; the ones that can be read are taken
        exif.load(b"Exif\0\0" + block)
        groups: list[tuple[dict[int, object], dict[int, str]]] = [(dict(exif), ExifTags.TAGS)]
        groups += [(dict(exif.get_ifd(tag)), names) for tag, names in _SUB_BLOCKS.items()]
    return groups


def _text(tag: int, value: object) -> str:
    if isinstance(value, bytes):
        if tag == _USER_COMMENT:
            return _user_comment(value)
        if tag in _WINDOWS_TEXT:
            return value.decode("utf-16-le", "replace").rstrip("\0")
        text = value.rstrip(b"\0").decode("utf-8", "replace")
        return text if text.isprintable() else f"{len(value)} bytes"
    if isinstance(value, tuple | list):
        return " ".join(str(v) for v in value[:64])
    text = str(value).rstrip("\0")
    # Pillow reads ASCII tags as Latin-1, but programs write UTF-8 into them.
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def _user_comment(value: bytes) -> str:
    code, body = value[:8], value[8:]
    if code == b"UNICODE\0":
        # Programs do not keep to the byte order of the block: text is mostly Latin, so zero bytes tell the order.
        big = body[0::2].count(0) >= body[1::2].count(0)
        return body.decode("utf-16-be" if big else "utf-16-le", "replace").rstrip("\0")
    if code in (b"ASCII\0\0\0", b"\0" * 8):
        return body.decode("utf-8", "replace").rstrip("\0")
    return value.decode("utf-8", "replace").rstrip("\0")


def _thumbnail(block: bytes) -> bytes:
    """The JPEG that the second directory points to (tags 0x0201 and 0x0202)."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return b""
    try:
        (first,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, first)
        (second,) = struct.unpack_from(f"{order}I", block, first + 2 + 12 * count)
        (n,) = struct.unpack_from(f"{order}H", block, second) if second else (0,)
        entries = [struct.unpack_from(f"{order}HHII", block, second + 2 + 12 * i) for i in range(min(n, 64))]
    except struct.error:
        return b""
    values = {tag: value for tag, _, _, value in entries}
    start, length = values.get(0x0201, 0), values.get(0x0202, 0)
    found = block[start : start + length] if start and length else b""
    return found if found.startswith(b"\xff\xd8") else b""


def open_thumbnail(thumbnail: bytes) -> Image.Image | None:
    """The thumbnail as a small grey picture, None if it is broken or not small."""
    try:
        with Image.open(io.BytesIO(thumbnail), formats=["JPEG"]) as image:
            return image.convert("L") if image.width * image.height <= 1_000_000 else None
    except _ERRORS:
        return None
