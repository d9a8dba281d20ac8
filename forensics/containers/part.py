"""A part of a file, read as if it were all there is."""

from __future__ import annotations

from typing import BinaryIO


class Part:
    """To be read once, while others may read elsewhere in the file.

    Args:
        file: that can seek.
        start: of the part in bytes.
        size: in bytes.
    """

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._at, self._left = start, size

    def read(self, size: int, /) -> bytes:
        """At most size bytes; none at the end."""
        self._file.seek(self._at)
        data = self._file.read(min(size, self._left))
        self._at, self._left = self._at + len(data), self._left - len(data)
        return data
