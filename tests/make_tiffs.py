"""TIFF files packed by hand, of any byte order and word: pages with the tags that a test gives them, and with lies."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ASCII, SHORT, LONG, UNDEFINED, LONG8 = 2, 3, 4, 7, 16
_FORMATS = {SHORT: "H", LONG: "I", LONG8: "Q"}

Values = Sequence[int] | bytes


@dataclass(frozen=True)
class Sheet:
    """One page to be written.

    Attributes:
        strips: its data, as stored.
        tags: tag -> (type, values), but for where the strips lie; of 330, 34665 and 34853 what lies there is `below`.
        below: tag -> directories that it leads to.
    """

    strips: Sequence[bytes]
    tags: Mapping[int, tuple[int, Values]]
    below: Mapping[int, Sequence[Sheet]] = field(default_factory=dict)


def sheet(pixels: NDArray[np.uint8], *, rows: int = 16, tags: Mapping[int, tuple[int, Values]] | None = None) -> Sheet:
    """Uncompressed grey (H, W) in strips of some rows."""
    height, width = pixels.shape
    strips = [pixels[at : at + rows].tobytes() for at in range(0, height, rows)]
    own: dict[int, tuple[int, Values]] = {256: (SHORT, [width]), 257: (SHORT, [height]), 258: (SHORT, [8])}
    own |= {259: (SHORT, [1]), 262: (SHORT, [1]), 277: (SHORT, [1]), 278: (SHORT, [rows])}
    own |= {279: (LONG, [len(strip) for strip in strips]), **(tags or {})}
    return Sheet(strips, own)


def tiff(sheets: Sequence[Sheet], *, order: str = "<", is_big: bool = False, end: int = 0) -> bytes:
    """A TIFF of pages that follow one another.

    Args:
        sheets: first to last.
        order: of bytes, < or >.
        is_big: a BigTIFF.
        end: where the last directory says that the next one begins; -1 for where the first does.
    """
    return _Writer(order, is_big).written(sheets, end)


class _Writer:
    def __init__(self, order: str, is_big: bool) -> None:
        self._order, self._is_big = order, is_big
        self._word = 8 if is_big else 4
        magic = b"II" if order == "<" else b"MM"
        self._out = bytearray(magic + (self._pack("HHH", 43, 8, 0) if is_big else self._pack("H", 42)))

    def written(self, sheets: Sequence[Sheet], end: int) -> bytes:
        link, first = len(self._out), 0
        self._out += bytes(self._word)
        for one in sheets:
            at, following = self._directory(one)
            first = first or at
            self._out[link : link + self._word] = self._offset(at)
            link = following
        self._out[link : link + self._word] = self._offset(first if end == -1 else end)
        return bytes(self._out)

    def _directory(self, one: Sheet) -> tuple[int, int]:
        """Where it lies, and where it says what follows."""
        tags: dict[int, tuple[int, Values]] = dict(one.tags)
        if one.strips:
            tags[273] = (LONG8 if self._is_big else LONG, [self._put(strip) for strip in one.strips])
        for tag, below in one.below.items():
            tags[tag] = (LONG8 if self._is_big else LONG, [self._directory(sheet)[0] for sheet in below])
        rows = [self._entry(tag, *tags[tag]) for tag in sorted(tags)]
        at = self._put(self._pack("Q" if self._is_big else "H", len(rows)) + b"".join(rows))
        self._out += bytes(self._word)
        return at, len(self._out) - self._word

    def _entry(self, tag: int, kind: int, values: Values) -> bytes:
        data = values if isinstance(values, bytes) else self._pack(f"{len(values)}{_FORMATS[kind]}", *values)
        head = self._pack("HHQ" if self._is_big else "HHI", tag, kind, len(values))
        return head + (data.ljust(self._word, b"\0") if len(data) <= self._word else self._offset(self._put(data)))

    def _put(self, data: bytes) -> int:
        self._out += bytes(len(self._out) & 1)
        self._out += data
        return len(self._out) - len(data)

    def _offset(self, at: int) -> bytes:
        return self._pack("Q" if self._is_big else "I", at)

    def _pack(self, form: str, *values: int) -> bytes:
        return struct.pack(f"{self._order}{form}", *values)


def pages(images: Sequence[Image.Image], **options: Any) -> bytes:
    """A TIFF of pages as Pillow writes it."""
    out = io.BytesIO()
    images[0].save(out, "TIFF", save_all=True, append_images=images[1:], **options)
    return out.getvalue()
