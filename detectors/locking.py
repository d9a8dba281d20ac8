"""Locks between processes. The system frees them when a process ends, however it ends."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from generators.whole_files import write_whole


@contextmanager
def held(path: Path, clash: str, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a lock for as long as this lasts.

    Args:
        path: the file that is locked; made with its folder if missing, and left there. Beside it stands the number of
            the process that holds it, which the locked file itself would not let others read everywhere.
        clash: what is said when somebody else holds it.
        wait_s: how long to wait for that.

    Raises:
        BlockingIOError: somebody else holds it; the message names the process.
        OSError: the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    holder = path.with_suffix(".pid")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        told = f"{clash}: process {_number(holder)} holds the lock"
        raise BlockingIOError(errno.EAGAIN, told, str(path)) from None
    try:
        write_whole(holder, str(os.getpid()).encode())
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _number(holder: Path) -> str:
    try:
        return holder.read_text(encoding="utf-8") or "unknown"
    except OSError:
        return "unknown"
