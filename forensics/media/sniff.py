"""What a file is, by its first bytes. Names and endings are never looked at: they are the sender's choice."""

from __future__ import annotations

from forensics.errors import MediaError
from forensics.media.foreign import refusal
from generators.opening import HEAD_BYTES, PICTURE_FORMATS, iso_brands, picture_format

__all__ = ["HEAD_BYTES", "IMAGE_FORMATS", "VIDEO_FORMATS", "sniff"]

IMAGE_FORMATS = PICTURE_FORMATS
VIDEO_FORMATS = frozenset({"mp4", "mov", "mkv", "webm", "avi", "mpg", "ts", "flv", "wmv"})

_SIGNATURES = (
    (b"\x00\x00\x01\xba", "mpg"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "wmv"),
)

_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_TRANSPORT_PACKETS = ((0, 188), (4, 192))
"""Where the first sync byte of an MPEG transport stream lies and how long packets are: as broadcast, and of cameras."""
_MIN_PACKETS, _MAX_PACKETS = 3, 20


def sniff(head: bytes) -> str:
    """Short lower-case name of the format.

    Args:
        head: the first HEAD_BYTES of the file, or all of it.

    Raises:
        MediaError: empty, a known format that is not examined, or nothing known; the message says which.
    """
    if not head:
        raise MediaError("empty", "the file is empty")
    found = picture_format(head) or _video_format(head)
    if found:
        return found
    raise refusal(head)


def _video_format(head: bytes) -> str | None:
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF":
        return "avi" if head[8:12] == b"AVI " else None
    return _iso(head) or _matroska(head) or _transport(head)


def _iso(head: bytes) -> str | None:
    """ISO base media that is no picture."""
    if head[4:8] in _QUICKTIME_ATOMS:
        return "mov"
    brands = iso_brands(head)
    if not brands:
        return None
    return "mov" if brands[0] == b"qt  " else "mp4"


def _matroska(head: bytes) -> str | None:
    if head[:4] != b"\x1a\x45\xdf\xa3":
        return None
    return "webm" if b"webm" in head[:64] else "mkv"


def _transport(head: bytes) -> str | None:
    """MPEG transport streams (ISO 13818-1) have no signature, but each of their packets begins with a G."""
    for at, size in _TRANSPORT_PACKETS:
        marks = head[at::size][:_MAX_PACKETS]
        if len(marks) >= _MIN_PACKETS and set(marks) == {ord("G")}:
            return "ts"
    return None
