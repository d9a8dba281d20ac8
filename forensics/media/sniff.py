"""What a file is, by its first bytes. Names and endings are never looked at: they are the sender's choice."""

from __future__ import annotations

from forensics.errors import MediaError
from forensics.media.foreign import refusal

HEAD_BYTES = 4096
"""Enough for every signature below; a tar archive shows at byte 257."""

IMAGE_FORMATS = frozenset({"jpeg", "png", "webp", "gif", "tiff", "bmp", "heic", "avif"})
VIDEO_FORMATS = frozenset({"mp4", "mov", "mkv", "webm", "avi", "mpg", "ts", "flv", "wmv"})

_SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"\x00\x00\x01\xba", "mpg"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "wmv"),
)

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
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
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    found = _riff(head) or _iso(head) or _matroska(head) or _bmp(head) or _transport(head)
    if found:
        return found
    raise refusal(head)


def _riff(head: bytes) -> str | None:
    if head[:4] != b"RIFF":
        return None
    return {b"WEBP": "webp", b"AVI ": "avi"}.get(head[8:12])


def _iso(head: bytes) -> str | None:
    """ISO base media (ISO 14496-12): the brands in `ftyp` say which."""
    if head[4:8] in _QUICKTIME_ATOMS:
        return "mov"
    if head[4:8] != b"ftyp":
        return None
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12]] + [head[i : i + 4] for i in range(16, size - 3, 4)]
    if brands[0] == b"qt  ":
        return "mov"
    if _AVIF_BRANDS.intersection(brands):
        return "avif"
    if _HEIC_BRANDS.intersection(brands) or brands[0] in (b"mif1", b"msf1"):
        return "heic"
    return "mp4"


def _matroska(head: bytes) -> str | None:
    if head[:4] != b"\x1a\x45\xdf\xa3":
        return None
    return "webm" if b"webm" in head[:64] else "mkv"


def _bmp(head: bytes) -> str | None:
    # "BM" alone also begins words: a real header has one of the known sizes of the second header after it.
    known = {12, 16, 40, 52, 56, 64, 108, 124}
    return "bmp" if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in known else None


def _transport(head: bytes) -> str | None:
    """MPEG transport streams (ISO 13818-1) have no signature, but each of their packets begins with a G."""
    for at, size in _TRANSPORT_PACKETS:
        marks = head[at::size][:_MAX_PACKETS]
        if len(marks) >= _MIN_PACKETS and set(marks) == {ord("G")}:
            return "ts"
    return None
