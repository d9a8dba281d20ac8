"""The scratch folder of a worker, and how one is emptied that hostile code may have filled."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

VARIABLES = ("TMPDIR", "TMP", "TEMP")
"""Where C libraries look; Python's own look-up is told as well."""


def use_scratch(folder: Path) -> None:
    """Let temporary files of this process lie in a folder."""
    tempfile.tempdir = str(folder)
    for name in VARIABLES:
        os.environ[name] = str(folder)


def empty_folder(folder: Path) -> None:
    """Remove all that lies in a folder; what cannot be removed stays.

    What the folders in it hold is moved up first: so folders in folders exhaust no stack and make no path too long,
    however many there are. No link is followed.
    """
    names = (f"{secrets.token_hex(8)}-{number}" for number in count())
    while sum(_taken_apart(entry, folder, names) for entry in _entries(folder)):
        pass


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that lies in it; what cannot be removed stays."""
    _open_up(folder)
    empty_folder(folder)
    with suppress(OSError):
        folder.rmdir()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as found:
        return list(found)
    return []


def _taken_apart(entry: os.DirEntry[str], above: Path, names: Iterator[str]) -> bool:
    """Remove a file, or a folder after moving up what it holds; whether it is gone."""
    path = Path(entry.path)
    try:
        if not entry.is_dir(follow_symlinks=False):
            path.unlink()
            return True
        _open_up(path)
        for inner in _entries(path):
            if inner.is_dir(follow_symlinks=False):
                # Moving a folder changes it.
                _open_up(Path(inner.path))
            Path(inner.path).rename(above / next(names))
        path.rmdir()
    except OSError:
        return False
    return True


def _open_up(folder: Path) -> None:
    # A worker may not; its parent, which comes after it, may.
    with suppress(OSError):
        folder.chmod(0o700)
