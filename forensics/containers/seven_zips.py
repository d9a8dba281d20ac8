"""7z archives, by py7zr (extra `archives`). Their members follow each other in one packed stream: read once."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from forensics.containers.account import LINK
from forensics.containers.unpacking import Level
from forensics.containers.writer import Writer
from forensics.errors import MediaError


def read_7z(file: BinaryIO, level: Level) -> None:
    """Hand over the files of an archive.

    Raises:
        ImportError: py7zr is not installed.
        MediaError: encrypted, broken, or packed in an unknown way.
    """
    try:
        import py7zr
        from py7zr.io import Py7zIO, WriterFactory
    except ImportError as error:
        raise ImportError("looking into 7z archives needs: pip install 'unforged[archives]'") from error

    class Taken(Py7zIO):
        """One member; the bytes go to its writer."""

        def __init__(self, name: str, writer: Writer | None) -> None:
            self.name, self.writer = name, writer
            self._size = self._checksum = 0
            self._expected: int | None = None

        def write(self, s: bytes | bytearray) -> int:
            if not self._size:
                self._expected = next(checksums, None)
            self._size += len(s)
            self._checksum = zlib.crc32(s, self._checksum)
            if self.writer is not None:
                self.writer.write(s)
            return len(s)

        def read(self, size: int | None = None) -> bytes:
            return b""

        def seek(self, offset: int, whence: int = 0) -> int:
            return 0

        def flush(self) -> None:
            pass

        def size(self) -> int:
            return self._size

        def close(self) -> None:
            if self.writer is None:
                return
            if self._expected in (None, self._checksum):
                self.writer.end()
            else:
                level.abandon()
                level.refuse(self.name, "broken", "it cannot be unpacked: its data is damaged")

    class Taking(WriterFactory):
        def create(self, filename: str) -> Any:
            name = filename.removeprefix("/")
            return Taken(name, level.begin(name))

    try:
        with py7zr.SevenZipFile(file) as archive:
            if archive.needs_password():
                raise MediaError("encrypted", "the 7z archive is encrypted: nothing in it could be looked at")
            wanted = _wanted(archive, level)
            checksums = _checksums(archive, frozenset(wanted))
            # An absolute path keeps py7zr from asking for the working folder; with a factory it writes nothing there.
            archive.extract(path="/", targets=wanted, factory=Taking())
    except py7zr.exceptions.PasswordRequired as error:
        raise MediaError("encrypted", "the 7z archive is encrypted: nothing in it could be looked at") from error
    except py7zr.exceptions.UnsupportedCompressionMethodError as error:
        raise MediaError("unsupported", "the 7z archive is packed by a method that is unknown here") from error
    except py7zr.exceptions.ArchiveError as error:
        raise MediaError("broken", "the 7z archive is damaged; the rest was left out") from error


def _checksums(archive: Any, wanted: frozenset[str]) -> Iterator[int | None]:
    """Checksums of the files to unpack that are not empty, in the order in which they come out.

    They are taken from the archive, as `py7zr` gives up all that follows a file with a wrong one.
    """
    taken: list[int | None] = []
    for entry in archive.files:
        checksum = entry.file_properties().pop("digest", None)
        if checksum is not None and entry.folder is not None:
            # It may be the checksum of the one file in it.
            entry.folder.crc = None
        if entry.filename in wanted and not entry.is_directory and entry.uncompressed:
            taken.append(checksum)
    return iter(taken)


def _wanted(archive: Any, level: Level) -> list[str]:
    """Names of the files to unpack; what cannot be asked for by its name is refused."""
    wanted: list[str] = []
    for entry in archive.files:
        if entry.is_symlink or entry.is_junction:
            level.leave_out(entry.filename, LINK)
        elif not entry.is_directory:
            if _leads_out(entry.filename):
                level.refuse(entry.filename, "unsupported", "its name leads out of the archive: it was not unpacked")
            elif entry.filename.endswith("/"):
                level.refuse(entry.filename, "unsupported", "its name is that of a folder: it was not unpacked")
            else:
                wanted.append(entry.filename)
    return wanted


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name
