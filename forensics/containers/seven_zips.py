"""7z archives, by py7zr (extra `archives`). Their members follow each other in one packed stream: read once."""

from __future__ import annotations

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

        def __init__(self, writer: Writer | None) -> None:
            self.writer = writer
            self._size = 0

        def write(self, s: bytes | bytearray) -> int:
            self._size += len(s)
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
            if self.writer is not None:
                self.writer.end()

    class Taking(WriterFactory):
        def create(self, filename: str) -> Any:
            return Taken(level.begin(filename.removeprefix("/")))

    try:
        with py7zr.SevenZipFile(file) as archive:
            if archive.needs_password():
                raise MediaError("encrypted", "the 7z archive is encrypted: nothing in it could be looked at")
            # An absolute path keeps py7zr from asking for the working folder; with a factory it writes nothing there.
            archive.extract(path="/", targets=_wanted(archive, level), factory=Taking())
    except py7zr.exceptions.PasswordRequired as error:
        raise MediaError("encrypted", "the 7z archive is encrypted: nothing in it could be looked at") from error
    except py7zr.exceptions.UnsupportedCompressionMethodError as error:
        raise MediaError("unsupported", "the 7z archive is packed by a method that is unknown here") from error


def _wanted(archive: Any, level: Level) -> list[str]:
    """Names of the files to unpack; what cannot be asked for by its name is refused."""
    wanted: list[str] = []
    for entry in archive.files:
        if entry.is_symlink or entry.is_junction:
            level.leave_out(entry.filename, LINK)
        elif not entry.is_directory:
            if _leads_out(entry.filename):
                level.refuse(entry.filename, "unsupported", "its name leads out of the archive: it was not unpacked")
            else:
                wanted.append(entry.filename)
    return wanted


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name
