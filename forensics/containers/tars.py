"""Tar archives, packed or not, and single files packed by gzip, bzip2, xz, Zstandard or LZ4. Read once, to the end."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from typing import BinaryIO

from forensics.containers.account import DEVICE, LINK
from forensics.containers.budget import Budget
from forensics.containers.kinds import container_kind
from forensics.containers.unpacking import CHUNK_BYTES, Level, Readable
from forensics.errors import MediaError
from forensics.media.sniff import HEAD_BYTES

_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".lz4")

_XZ_MEMORY_BYTES = 256 << 20
"""Of the decompressor; level 9 needs 65 MB, a header may ask for gigabytes."""


_PIECE_BYTES = 8192


def read_tar(file: BinaryIO, level: Level) -> None:
    """Hand over the files of a tar archive (POSIX.1-1988, pax, GNU).

    Raises:
        MediaError: broken or cut off.
    """
    _read(file, level)


def read_gzip(file: BinaryIO, level: Level) -> None:
    """Hand over what gzip packed (RFC 1952): a tar archive's files, or the one file."""
    with gzip.GzipFile(fileobj=file) as stream:
        _unpacked(stream, level)


def read_bzip2(file: BinaryIO, level: Level) -> None:
    """Hand over what bzip2 packed: a tar archive's files, or the one file."""
    with bz2.BZ2File(file) as stream:
        _unpacked(stream, level)


def read_xz(file: BinaryIO, level: Level) -> None:
    """Hand over what xz packed: a tar archive's files, or the one file."""
    _unpacked(_Xz(file), level)


def read_zstd(file: BinaryIO, level: Level) -> None:
    """Hand over what Zstandard packed (RFC 8878): a tar archive's files, or the one file."""
    _unpacked(_Frames(file, "zstd"), level)


def read_lz4(file: BinaryIO, level: Level) -> None:
    """Hand over what LZ4 packed, in frames: a tar archive's files, or the one file."""
    _unpacked(_Frames(file, "lz4"), level)


class _Xz:
    """Reads xz data with a limit on memory, which `lzma.LZMAFile` has not."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decompressor = self._fresh()

    def read(self, size: int, /) -> bytes:
        """At most size bytes; none at the end."""
        while True:
            if self._decompressor.eof:
                rest = self._decompressor.unused_data or self._file.read(CHUNK_BYTES)
                if not rest.strip(b"\0"):
                    return b""
                self._decompressor = self._fresh()
                return self._decompressor.decompress(rest, size) or self.read(size)
            packed = self._file.read(CHUNK_BYTES) if self._decompressor.needs_input else b""
            if self._decompressor.needs_input and not packed:
                raise EOFError("the xz data is cut off")
            if data := self._decompressor.decompress(packed, size):
                return data

    def _fresh(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)


class _Frames:
    """Reads what Arrow unpacks; its decompressors refuse frames that ask for more than 128 MiB of memory."""

    def __init__(self, file: BinaryIO, codec: str) -> None:
        import pyarrow

        self._stream = pyarrow.CompressedInputStream(pyarrow.PythonFile(file, mode="r"), codec)

    def read(self, size: int, /) -> bytes:
        """At most size bytes; none at the end."""
        try:
            return bytes(self._stream.read(size))
        except OSError as error:
            if "Truncated" in str(error):
                raise EOFError(str(error)) from error
            raise


class _Counted(io.RawIOBase):
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


def _unpacked(stream: Readable, level: Level) -> None:
    counted = _Counted(stream, level.unpacker.budget)
    if container_kind(counted.peek_head()) == "tar":
        _read(counted, level)
        return
    name = next((level.name[: -len(e)] for e in _ENDINGS if level.name.lower().endswith(e)), level.name)
    level.add(name.lstrip(".") or "content", counted)


def _read(file: BinaryIO | _Counted, level: Level) -> None:
    try:
        # As a stream: no header can send the reader back to where it was.
        with tarfile.open(fileobj=file, mode="r|", bufsize=CHUNK_BYTES) as archive:
            for entry in archive:
                _take(archive, entry, level)
    except tarfile.ReadError as error:
        raise MediaError("truncated", f"the tar archive is cut off or broken ({error})") from error


def _take(archive: tarfile.TarFile, entry: tarfile.TarInfo, level: Level) -> None:
    if entry.isdir():
        level.pass_by()
    elif entry.issym() or entry.islnk():
        level.leave_out(entry.name, LINK)
    elif not entry.isfile():
        level.leave_out(entry.name, DEVICE)
    elif entry.issparse():
        level.refuse(entry.name, "unsupported", "it is a sparse file, whose size costs the sender nothing")
    else:
        stream = archive.extractfile(entry)
        assert stream is not None
        level.add(entry.name, stream)
