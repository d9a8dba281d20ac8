"""The boxes of ISO base media (ISO 14496-12), walked without decoding: sizes that HEIC and AVIF claim, cut-off ends."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_BOXES = 100_000
"""Outermost boxes. A video in fragments of half a second has 30,000 after two hours."""

_TRACK_ENTRIES = (b"av01", b"hvc1", b"hev1")


@dataclass(frozen=True)
class Box:
    """One outermost box.

    Attributes:
        kind: four letters.
        start: offset of its content.
        end: offset after it, as claimed: beyond the end of the file when that is cut off.
    """

    kind: bytes
    start: int
    end: int


def outer_boxes(file: BinaryIO) -> Iterator[Box]:
    """The outermost boxes; stops where the file ends or makes no sense."""
    size = file.seek(0, os.SEEK_END)
    at = 0
    for _ in range(MAX_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        length, header_bytes = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, header_bytes = int.from_bytes(head[8:16], "big"), 16
        end = at + length if length else size  # 0 means to the end of the file
        if end < at + header_bytes:
            return
        yield Box(head[4:8], at + header_bytes, end)
        at = end


def heif_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Every image spatial extent (ISO 23008-12, 6.5.3) and the size of every track; tiles among them do no harm."""
    for box in outer_boxes(io.BytesIO(data)):
        if box.kind not in (b"meta", b"moov"):
            continue
        for at in _found(data, b"ispe", box):
            if at + 16 <= len(data):
                yield int.from_bytes(data[at + 8 : at + 12], "big"), int.from_bytes(data[at + 12 : at + 16], "big")
        for kind in _TRACK_ENTRIES if box.kind == b"moov" else ():
            for at in _found(data, kind, box):
                if at + 32 <= len(data) and data[at + 4 : at + 10] == bytes(6):
                    yield int.from_bytes(data[at + 28 : at + 30], "big"), int.from_bytes(data[at + 30 : at + 32], "big")


def heif_bits(data: bytes) -> int:
    """Bits of the first channel in the pixel information (ISO 23008-12, 6.5.6); 8 without one."""
    for box in outer_boxes(io.BytesIO(data)):
        for at in _found(data, b"pixi", box) if box.kind == b"meta" else ():
            if at + 9 < len(data):
                return data[at + 9]  # after version, flags and the number of channels
    return 8


def _found(data: bytes, kind: bytes, box: Box) -> Iterator[int]:
    at = data.find(kind, box.start, box.end)
    while at >= 0:
        yield at
        at = data.find(kind, at + 4, box.end)
