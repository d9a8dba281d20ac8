"""Files on disk that live for a while: uploads until they are examined, pictures of them until their time is over.

Nothing here keeps a name that somebody else chose, and nothing that lies here is handed out as it is.
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import BinaryIO

from forensics.errors import MediaError
from forensics.pictures import Pictures, unpack
from generators.whole_files import write_whole

CHUNK_BYTES = 1 << 20

UPLOAD_HOURS = 6.0
"""An upload is removed when its scan ends; what a crash left behind goes after this."""


class Uploads:
    """Uploads that wait for their scan, each under a random name that nobody can execute.

    Args:
        folder: made when it is first needed; only the user who runs the dashboard can look into it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, source: BinaryIO, *, max_bytes: int) -> Path:
        """Write one to disk.

        Raises:
            MediaError: it is larger than max_bytes, or empty.
            OSError: the disk is full, or the folder cannot be written.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / secrets.token_hex(16)
        path.touch(mode=0o600)
        try:
            with path.open("wb") as file:
                while chunk := source.read(CHUNK_BYTES):
                    file.write(chunk)
                    if file.tell() > max_bytes:
                        raise MediaError("too-many-bytes", f"it is larger than {max_bytes / 2**20:,.0f} MiB, the limit")
                if not file.tell():
                    raise MediaError("empty", "the file is empty")
        except (MediaError, OSError):
            path.unlink(missing_ok=True)
            raise
        return path

    def sweep(self) -> None:
        """Remove what was left behind."""
        _sweep(self.folder, UPLOAD_HOURS)


class Kept:
    """Pictures of examined files, found by the hash of the file.

    Args:
        folder: made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, sha256: str, packed: bytes) -> None:
        """Keep what `forensics.pictures.pack` made; the time begins anew.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._path(sha256), packed)

    def load(self, sha256: str) -> Pictures:
        """The pictures; none where their time is over or they cannot be read.

        Raises:
            ValueError: that is no hash.
        """
        path = self._path(sha256)
        try:
            return unpack(path.read_bytes())
        except (OSError, ValueError):
            return Pictures()

    def sweep(self, keep_hours: float) -> None:
        """Remove what was kept long enough."""
        _sweep(self.folder, keep_hours)

    def _path(self, sha256: str) -> Path:
        if not (sha256.isascii() and sha256.isalnum()):
            raise ValueError(f"not a hash: {sha256!r}")
        return self.folder / f"{sha256}.zip"


def _sweep(folder: Path, keep_hours: float) -> None:
    bar = time.time() - keep_hours * 3600
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_file() and path.stat().st_mtime < bar:
            path.unlink(missing_ok=True)
