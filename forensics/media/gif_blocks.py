"""The blocks of a GIF (GIF89a), walked without decoding: the canvas that its pictures need, and their number."""

from __future__ import annotations

from collections.abc import Iterator

IMAGE, EXTENSION = 0x2C, 0x21


def gif_pictures(data: bytes) -> Iterator[tuple[int, int]]:
    """Right and bottom edge of each picture on the canvas, in pixels; stops where the file ends or makes no sense.

    A picture may reach beyond the canvas that the header claims, and decoders grow the canvas for it.
    """
    if len(data) < 13:
        return
    at = 13 + _palette_bytes(data[10])
    while at < len(data):
        if data[at] == IMAGE and at + 10 <= len(data):
            left, top, width, height = (int.from_bytes(data[i : i + 2], "little") for i in range(at + 1, at + 9, 2))
            yield left + width, top + height
            at += 10 + _palette_bytes(data[at + 9]) + 1
        elif data[at] == EXTENSION:
            at += 2
        else:
            return
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1


def gif_canvas(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height that the header claims for the canvas."""
    if len(data) >= 13:
        yield int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
