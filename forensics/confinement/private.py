"""The temporary folder of a process that starts workers: gone with it or, where that was killed, with the next one.

What a scan has unpacked or fetched may be many gigabytes, and no process can clean up after its own `kill -9`.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from forensics.confinement.scratch import remove_folder

PREFIX, LOCK = "unforged-", ".lock"


class PrivateFolder:
    """A temporary folder that only this user can enter. A context manager; entering it makes the folder.

    A lock beside it is held as long as the process lives, whatever ends it: a folder whose lock is free is nobody's.

    Args:
        above: the folder that it is made in; the usual one for temporary files if None.
    """

    def __init__(self, above: Path | None = None) -> None:
        self._above = above

    def __enter__(self) -> Path:
        above = self._above or Path(tempfile.gettempdir())
        for left_behind in above.glob(f"{PREFIX}*{LOCK}"):
            _sweep(left_behind)
        # Locked before it is there: nobody ever meets it without.
        while not self._take(above / f"{PREFIX}{secrets.token_hex(8)}"):
            pass
        self._folder.mkdir(mode=0o700)
        return self._folder

    def _take(self, folder: Path) -> bool:
        """Lock a folder to be; False if a process that starts now saw the lock before it was held and swept it."""
        self._folder, path = folder, folder.with_suffix(LOCK)
        self._lock = _lock(path)
        with suppress(Timeout):
            self._lock.acquire(timeout=0)
            if path.exists():
                return True
            self._lock.release()
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        remove_folder(self._folder)
        _unlock(self._lock)


def _sweep(path: Path) -> None:
    folder, lock = path.with_suffix(""), _lock(path)
    try:
        if not _is_own(path):
            return
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        # Its process lives, or somebody else has just swept it.
        return
    if _is_own(folder):
        remove_folder(folder)
    _unlock(lock)


def _is_own(path: Path) -> bool:
    """Whether this user made it: in a folder that all users share, others may have laid links there."""
    return sys.platform == "win32" or (path.exists() and path.lstat().st_uid == os.geteuid())


def _lock(path: Path) -> FileLock:
    # It may be let go by another thread.
    return FileLock(path, thread_local=False, mode=0o600)


def _unlock(lock: FileLock) -> None:
    path = Path(lock.lock_file)
    # While it is held: whoever gets it next sees that it is no more. Windows removes no file that is open.
    with suppress(PermissionError):
        path.unlink(missing_ok=True)
    lock.release()
    with suppress(PermissionError):
        path.unlink(missing_ok=True)
