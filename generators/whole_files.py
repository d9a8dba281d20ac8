"""Files that appear whole or not at all: whoever stops a run must not find half of one."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file; the one that was there before stays until the new one is whole.

    Raises:
        OSError: disk full or folder not writable; it names the file, and the earlier one is untouched.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        # A full disk is told without the file's name.
        raise OSError(error.errno, error.strerror, str(path)) from None
