"""Single files and tar archives packed by gzip, bzip2, xz, Zstandard or LZ4: unpacked piece by piece."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

from forensics.containers.budget import Budget
from forensics.containers.unpacking import CHUNK_BYTES, Readable
from forensics.media.sniff import HEAD_BYTES

_XZ_MEMORY_BYTES = 256 << 20
"""Of the decompressor; level 9 needs 65 MB, a header may ask for gigabytes."""

_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS
"""With the header and the checksum of gzip around the deflated data."""

_PIECE_BYTES = 8192


class _Decompressor(Protocol):
    """Of one member, as those of `bz2` and `lzma` are."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gunzip:
    """Of gzip, for which `zlib` has one of another make."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_GZIP_WINDOW_BITS)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_MEMBERS: dict[str, tuple[bytes, Callable[[], _Decompressor]]] = {
    "gzip": (b"\x1f\x8b", _Gunzip),
    "bzip2": (b"BZh", bz2.BZ2Decompressor),
    "xz": (b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)),
}
"""Kind -> how each of its members begins, and what unpacks one."""


class Members:
    """Unpacks member after member, and ends with the last one as gzip(1) does, whatever lies behind it.

    Args:
        file: at its start.
        kind: gzip, bzip2 or xz.

    Attributes:
        has_junk: whether anything but zeros lies behind the last member; known at its end.
    """

    def __init__(self, file: BinaryIO, kind: str) -> None:
        self._file = file
        self._magic, self._fresh = _MEMBERS[kind]
        self._decompressor = self._fresh()
        self._ahead = b""
        self._is_over = False
        self.has_junk = False

    def read(self, size: int, /) -> bytes:
        """At most size bytes; none at the end.

        Raises:
            EOFError, zlib.error, lzma.LZMAError: the packed data is cut off or broken.
        """
        data = b""
        while not data and not self._is_over:
            if self._decompressor.eof:
                self._begin_next()
            else:
                data = self._pull(size)
        return data

    def _pull(self, size: int) -> bytes:
        packed, self._ahead = self._ahead, b""
        if not packed and self._decompressor.needs_input:
            packed = self._file.read(CHUNK_BYTES)
            is_end = not packed
        else:
            is_end = False
        try:
            data = self._decompressor.decompress(packed, size)
        except OSError as error:
            raise EOFError(str(error)) from error
        if is_end and not data and not self._decompressor.eof:
            raise EOFError("the packed data is cut off")
        return data

    def _begin_next(self) -> None:
        rest = self._decompressor.unused_data.lstrip(b"\0")
        while len(rest) < len(self._magic) and (chunk := self._file.read(CHUNK_BYTES)):
            rest = (rest + chunk).lstrip(b"\0")
        if rest.startswith(self._magic):
            self._decompressor, self._ahead = self._fresh(), rest
        else:
            self._is_over, self.has_junk = True, bool(rest)


class Frames:
    """Reads what Arrow unpacks; its decompressors refuse frames that ask for more than 128 MiB of memory.

    Args:
        file: at its start.
        kind: zstd or lz4.
    """

    has_junk = False
    """It refuses what is no frame."""

    def __init__(self, file: BinaryIO, kind: str) -> None:
        import pyarrow

        self._stream = pyarrow.CompressedInputStream(pyarrow.PythonFile(file, mode="r"), kind)

    def read(self, size: int, /) -> bytes:
        """At most size bytes; none at the end.

        Raises:
            EOFError: the packed data is cut off or broken.
        """
        try:
            return bytes(self._stream.read(size))
        except OSError as error:
            raise EOFError(str(error)) from error


class Counted(io.RawIOBase):
    """A decompressor whose output is counted, and whose first bytes can be looked at before they are read."""

    def __init__(self, stream: Readable, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget
        self._ahead = b""
        self._broken: Exception | None = None

    def peek_head(self) -> bytes:
        """The first HEAD_BYTES, or all there is."""
        while len(self._ahead) < HEAD_BYTES and (chunk := self._stream.read(HEAD_BYTES)):
            self._ahead += chunk
        return self._ahead[:HEAD_BYTES]

    def read(self, size: int | None = -1, /) -> bytes:
        """At most size bytes."""
        wanted = CHUNK_BYTES if size is None or size < 0 else size
        if self._ahead:
            data, self._ahead = self._ahead[:wanted], self._ahead[wanted:]
        else:
            data = self._pulled(wanted)
        self._budget.unpack(len(data))
        return data

    def _pulled(self, size: int) -> bytes:
        """In small pieces, so that what comes before a cut is not lost with it."""
        if self._broken is not None:
            raise self._broken
        data = bytearray()
        while len(data) < size:
            try:
                chunk = self._stream.read(min(size - len(data), _PIECE_BYTES))
            except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
                if not data:
                    raise
                self._broken = error
                break
            if not chunk:
                break
            data += chunk
        return bytes(data)
