"""Sizes that a file claims, read from its header with a few bytes of memory, before any decoder allocates."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.errors import MediaError
from forensics.settings import Limits

_PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"iCCP", b"sRGB", b"acTL", b"fcTL", b"fdAT", b"eXIf"}
)
_MAX_ICC_BYTES = 4 << 20
"""Largest profiles seen are 2 MB press profiles; a compressed one that grows past this is a bomb."""


def check_size(width: int, height: int, limits: Limits) -> None:
    """Refuse a picture by its claimed size.

    Raises:
        MediaError: a side is zero, or there are too many pixels.
    """
    if width <= 0 or height <= 0:
        raise MediaError("broken", f"the header claims a picture of {width} x {height} pixels")
    if width * height > limits.max_pixels:
        raise MediaError(
            "too-many-pixels",
            f"the header claims {width} x {height} pixels; the limit is {limits.max_pixels / 1e6:g} million",
        )


def check_header(data: bytes, fmt: str, limits: Limits) -> None:
    """Check what the header of an image claims, for the formats whose decoders allocate early.

    Args:
        data: the whole file.
        fmt: format by content.

    Raises:
        MediaError: over a limit, or no size where one must be.
    """
    sizes = {
        "jpeg": _jpeg_sizes,
        "png": _png_sizes,
        "gif": _gif_sizes,
        "webp": _webp_sizes,
        "bmp": _bmp_sizes,
        "heic": _ispe_sizes,
        "avif": _ispe_sizes,
    }.get(fmt)
    if sizes is None:
        return
    found = False
    for width, height in sizes(data):
        check_size(width, height, limits)
        found = True
    if not found:
        raise MediaError("truncated", f"the {fmt.upper()} file ends, or is garbled, before the picture's size")
    if fmt == "gif":
        check_frames(gif_frames(data, limits.max_frames + 1), limits)
    if fmt == "png":
        check_frames(apng_frames(data), limits)


def check_frames(n_frames: int, limits: Limits) -> None:
    """Refuse an animation by its number of frames.

    Raises:
        MediaError: too many.
    """
    if n_frames > limits.max_frames:
        raise MediaError("too-many-frames", f"the animation has more than {limits.max_frames:,} frames")


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(type, start of the content, length) of each chunk up to IEND; stops where the file ends."""
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if at + 12 + length > len(data):
            return
        yield kind, at + 8, length
        at += 12 + length
        if kind == b"IEND":
            return


def png_pixels_only(data: bytes) -> bytes:
    """The PNG without its text and other chunks that carry no pixels: text bombs and 100,000 notes cost nothing.

    A cut-off last chunk is kept, so that the decoder still sees the file is cut off. A profile that unpacks to more
    than 4 MB is dropped.
    """
    kept = [data[:8]]
    end = 8
    for kind, at, length in png_chunks(data):
        end = at + length + 4
        if kind in _PNG_KEPT and not (kind == b"iCCP" and _icc_bytes(data[at : at + length]) > _MAX_ICC_BYTES):
            kept.append(data[at - 8 : end])
    if kept[-1][4:8] != b"IEND":
        kept.append(data[end:])
    return b"".join(kept)


def apng_frames(data: bytes) -> int:
    """Frames that are there: frame control chunks, not what the animation header claims. 1 for a still picture."""
    return max(1, sum(kind == b"fcTL" for kind, _, _ in png_chunks(data)))


def gif_frames(data: bytes, stop: int) -> int:
    """Image descriptors in a GIF, counted up to `stop` by walking its blocks; nothing is decoded."""
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    n = 0
    while at < len(data) and n < stop:
        marker = data[at]
        if marker == 0x2C and at + 10 < len(data):
            n += 1
            flags = data[at + 9]
            at += 10 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0) + 1
        elif marker == 0x21:
            at += 2
        else:
            break
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1
    return n


def _icc_bytes(chunk: bytes) -> int:
    import zlib

    start = chunk.find(b"\0") + 2
    unpacker = zlib.decompressobj()
    try:
        return len(unpacker.decompress(chunk[start:], _MAX_ICC_BYTES + 1))
    except zlib.error:
        return _MAX_ICC_BYTES + 1


def _jpeg_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of every frame header before the first scan (ITU T.81, B.2.2)."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        marker = data[at + 1]
        if marker in (0xFF, 0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xDA, 0xD9):
            return
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and at + 9 <= len(data):
            yield int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))


def _png_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    if data[12:16] == b"IHDR" and len(data) >= 24:
        yield int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _gif_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    if len(data) >= 13:
        yield int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def _bmp_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    if data[14:18] == b"\x0c\0\0\0" and len(data) >= 22:
        yield int.from_bytes(data[18:20], "little"), int.from_bytes(data[20:22], "little")
    elif len(data) >= 26:
        width = int.from_bytes(data[18:22], "little", signed=True)
        yield width, abs(int.from_bytes(data[22:26], "little", signed=True))


def _webp_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Canvas of the extended header, or the frame of a simple file (RFC 9649)."""
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        yield int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    elif kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        yield (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and len(data) >= 30:
        width, height = (int.from_bytes(data[i : i + 2], "little") & 0x3FFF for i in (26, 28))
        yield width, height


def _ispe_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Every image spatial extent in the file's head (ISO 23008-12, 6.5.3); tiles are among them, which does no harm."""
    at = data.find(b"ispe")
    while at >= 0 and at + 16 <= len(data):
        yield int.from_bytes(data[at + 8 : at + 12], "big"), int.from_bytes(data[at + 12 : at + 16], "big")
        at = data.find(b"ispe", at + 4, 1 << 20)
