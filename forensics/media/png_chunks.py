"""The chunks of a PNG (W3C PNG), walked without inflating: claimed sizes, frames, and what pixels need."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from forensics.errors import MediaError

MAX_CHUNKS = 200_000
"""A 50-megapixel PNG in 8 kB chunks has 20,000. Walking them all takes a tenth of a second."""

MAX_ICC_BYTES = 4 << 20
"""Largest profiles seen are press profiles of 2 MB; a compressed one that grows past this is a bomb."""

_PIXEL_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"iCCP", b"sRGB", b"acTL", b"fcTL", b"fdAT"}
)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(type, start of the content, length) of each chunk up to IEND; stops where the file ends.

    Raises:
        MediaError: more chunks than any encoder writes.
    """
    at, n = 8, 0
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        n += 1
        if n > MAX_CHUNKS:
            raise MediaError("broken", f"the PNG has more than {MAX_CHUNKS:,} chunks, which no encoder writes")
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
        if kind in _PIXEL_CHUNKS and not (kind == b"iCCP" and _icc_bytes(data[at : at + length]) > MAX_ICC_BYTES):
            kept.append(data[at - 8 : end])
    if kept[-1][4:8] != b"IEND":
        kept.append(data[end:])
    return b"".join(kept)


def png_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of the image header, if it is where it must be."""
    if data[12:16] == b"IHDR" and len(data) >= 24:
        yield int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def png_exif(data: bytes) -> bytes:
    """The TIFF structure of the `eXIf` chunk; empty without one."""
    return next((data[at : at + length] for kind, at, length in png_chunks(data) if kind == b"eXIf"), b"")


def apng_frames(data: bytes) -> int:
    """Pictures that are there, whatever the animation header claims; 1 for a still picture.

    A default image that is no part of the animation (image data before the first frame control) counts, as in Pillow.
    """
    claimed, found, default_image = 0, 0, False
    for kind, at, length in png_chunks(data):
        if kind == b"acTL" and length >= 8:
            claimed = int.from_bytes(data[at : at + 4], "big")
        elif kind == b"fcTL":
            found += 1
        elif kind == b"IDAT" and found == 0:
            default_image = True
    if claimed == 0 or found == 0:
        return 1
    return min(claimed, found) + default_image


def _icc_bytes(chunk: bytes) -> int:
    start = chunk.find(b"\0") + 2
    unpacker = zlib.decompressobj()
    try:
        return len(unpacker.decompress(chunk[start:], MAX_ICC_BYTES + 1))
    except zlib.error:
        return MAX_ICC_BYTES + 1
