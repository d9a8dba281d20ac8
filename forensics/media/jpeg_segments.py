"""The marker segments of a JPEG (ITU T.81, Annex B), walked without decoding: sizes, scans, what pixels need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.errors import MediaError

SOI, EOI, SOS, APP0, APP1, APP2, APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE

MAX_SEGMENTS = 100_000
"""A photo has tens. Decoders in Python spend microseconds on each, so millions of empty comments would cost minutes."""

MAX_SCANS = 256
"""libjpeg writes 10, the finest split of 8-bit data under 200. Each costs a pass over the whole picture."""

MAX_ICC_BYTES = 4 << 20
"""Largest profiles seen are press profiles of 2 MB."""

_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")  # not FF00 (stuffed), FF01 (TEM), FFD0..7 (restarts)
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDD})


@dataclass(frozen=True)
class Segment:
    """One marker segment.

    Attributes:
        marker: second byte of the marker.
        start: offset of the marker's 0xFF.
        body: offset of the content, after marker and length.
        end: offset after the content.
    """

    marker: int
    start: int
    body: int
    end: int


def jpeg_segments(data: bytes) -> Iterator[Segment]:
    """Segments of the first picture up to its end marker, without coded data and fill bytes; stops where the file ends.

    Raises:
        MediaError: more segments or scans than any encoder writes.
    """
    at, n, n_scans = 2, 0, 0
    while found := _MARKER.search(data, at):
        start, marker = found.start(), data[found.start() + 1]
        n, n_scans = n + 1, n_scans + (marker == SOS)
        if n > MAX_SEGMENTS:
            raise MediaError("broken", f"the JPEG has more than {MAX_SEGMENTS:,} segments, which no encoder writes")
        if n_scans > MAX_SCANS:
            raise MediaError("broken", f"the JPEG has more than {MAX_SCANS} scans, which no encoder writes")
        if marker in (SOI, EOI):
            at = start + 2
            yield Segment(marker, start, at, at)
            if marker == EOI:
                return
            continue
        at = start + 2 + max(2, int.from_bytes(data[start + 2 : start + 4], "big"))
        if at > len(data):
            return
        yield Segment(marker, start, start + 4, at)


def jpeg_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of every frame header (B.2.2)."""
    for segment in jpeg_segments(data):
        if segment.marker in _FRAME_HEADERS and segment.end - segment.body >= 6:
            at = segment.body
            yield int.from_bytes(data[at + 3 : at + 5], "big"), int.from_bytes(data[at + 1 : at + 3], "big")


def jpeg_bits(data: bytes) -> int:
    """Sample precision of the first frame header; 8 without one."""
    return next((data[s.body] for s in jpeg_segments(data) if s.marker in _FRAME_HEADERS), 8)


def jpeg_exif(data: bytes) -> bytes:
    """The TIFF structure of the first Exif segment; empty without one."""
    for segment in jpeg_segments(data):
        if segment.marker == SOS:
            break
        if segment.marker == APP1 and data[segment.body : segment.body + 6] == b"Exif\0\0":
            return data[segment.body + 6 : segment.end]
    return b""


def jpeg_pixels_only(data: bytes) -> bytes:
    """The first picture without segments that carry no pixels, so that hostile metadata never reaches the decoder.

    Kept are tables, frame headers, JFIF and Adobe markers (they decide the colour transform) and profiles up to 4 MB.

    Raises:
        MediaError: there is no scan.
    """
    kept = [data[:2]]
    seen: set[int] = set()
    icc_bytes = 0
    for segment in jpeg_segments(data):
        if segment.marker == SOS:
            return b"".join([*kept, data[segment.start :]])
        wanted = segment.marker in _TABLES or segment.marker in _FRAME_HEADERS
        if segment.marker in (APP0, APP14) and segment.marker not in seen:
            wanted = True
            seen.add(segment.marker)
        if segment.marker == APP2 and data[segment.body : segment.body + 12] == b"ICC_PROFILE\0":
            icc_bytes += segment.end - segment.body
            wanted = icc_bytes <= MAX_ICC_BYTES
        if wanted:
            kept.append(data[segment.start : segment.end])
    raise MediaError("truncated", "the file is cut off before its picture begins")
