"""Takes files in: copies of what was sent, under random names; and what lies below folders that were allowed."""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from forensics.api.problems import Refusal
from forensics.hostile_text import one_line
from forensics.inputs import expand

CHUNK_BYTES = 1 << 20

MAX_NAME = 300


@dataclass(frozen=True)
class Upload:
    """A file that was sent.

    Attributes:
        name: of its copy; nobody chose it.
        sha256, size_bytes: of its bytes.
    """

    name: str
    sha256: str
    size_bytes: int


class Uploads:
    """Copies of what was sent, until they are examined.

    Args:
        folder: made when it is first needed; only the user who runs the server can look into it.
        max_bytes: of one file.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def add(self, source: BinaryIO) -> Upload:
        """Copy one to disk; it is there when this returns, even if the power fails.

        Raises:
            Refusal: it is empty or too large.
            OSError: the disk is full, or the folder cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = secrets.token_hex(16)
        summed, size_bytes = hashlib.sha256(), 0
        try:
            with os.fdopen(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                while chunk := source.read(CHUNK_BYTES):
                    size_bytes += len(chunk)
                    if size_bytes > self._max_bytes:
                        raise Refusal(413, "too-large", f"a file is larger than {self._max_bytes:,} bytes, the limit")
                    summed.update(chunk)
                    file.write(chunk)
                if not size_bytes:
                    raise Refusal(422, "invalid", "a file is empty")
                file.flush()
                os.fsync(file.fileno())
        except (Refusal, OSError):
            self.remove(name)
            raise
        return Upload(name, summed.hexdigest(), size_bytes)

    def path(self, name: str) -> Path:
        """Where a copy lies."""
        return self._folder / name

    def remove(self, name: str) -> None:
        """Remove a copy; nothing happens when there is none."""
        if name:
            self.path(name).unlink(missing_ok=True)

    def sweep(self, needed: Collection[str]) -> None:
        """Remove what nobody waits for: a server that died may have left it."""
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path.name not in needed:
                path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Allowed:
    """A folder whose files may be named instead of sent.

    Attributes:
        folder: absolute, without links.
        tenant: whose keys may name them; None for all.
    """

    folder: Path
    tenant: str | None = None


def allowed_path(path: Path, tenant: str, allowed: Sequence[Allowed]) -> Path | None:
    """A path without links and dots, if it lies in a folder that the tenant may name; None otherwise."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):
        return None
    mine = (one.folder for one in allowed if one.tenant in (None, tenant))
    return real if any(real.is_relative_to(folder) for folder in mine) else None


def files_below(paths: Sequence[str], tenant: str, allowed: Sequence[Allowed], *, n_most: int) -> list[Path]:
    """Files that paths name, folders walked; links that lead elsewhere are left out.

    Args:
        paths: absolute ones; hostile text.
        tenant: who names them.
        allowed: folders.
        n_most: how many files are taken.

    Raises:
        Refusal: a path lies elsewhere, names nothing, or there are too many files.
    """
    for path in paths:
        # Where nothing may be named, nothing is told of what exists.
        if not path.startswith("/") or "\0" in path or allowed_path(Path(path), tenant, allowed) is None:
            raise Refusal(403, "not-allowed", f"{one_line(path, MAX_NAME)!r} lies below no allowed folder")
        if not os.path.lexists(path):
            raise Refusal(422, "invalid", f"there is no {one_line(path, MAX_NAME)!r}")
    found: list[Path] = []
    for task in expand(paths):
        real = allowed_path(task.path, tenant, allowed)
        if real is not None and real.is_file():
            found.append(real)
        if len(found) > n_most:
            raise Refusal(422, "invalid", f"the paths hold more than {n_most} files, the limit: name parts of them")
    if not found:
        raise Refusal(422, "invalid", "the paths hold no files")
    return list(dict.fromkeys(itertools.islice(found, n_most)))
