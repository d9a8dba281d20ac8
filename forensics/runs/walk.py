"""Files as the walk meets them: what stands for each, and whether size and time of change can tell a change."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

from forensics.inputs import is_url
from forensics.messages import Task
from forensics.store.run_words import CHUNK_ROWS, Seen
from forensics.store.store import storable

RACY_S = 2.0
"""A file may change twice within the grain of its time stamp (two seconds on FAT): of one that changed just now, only
the hash tells."""


def chunks(tasks: Iterable[Task], size: int = CHUNK_ROWS) -> Iterator[list[Task]]:
    """A few at a time; the first is small, so that workers start at once."""
    waiting = iter(tasks)
    n_wanted = min(16, size)
    while chunk := list(islice(waiting, n_wanted)):
        yield chunk
        n_wanted = size


def key(task: Task) -> bytes:
    """16 bytes that stand for the place of a file: other for other places, the same in every walk."""
    return _summed(os.fsencode(task.path), task.shown)


def inside_key(task: Task, number: int) -> bytes:
    """The same for a file in a container, whose scratch file lies elsewhere every time.

    Args:
        task: found in a container.
        number: 0 for the first file of this name in it; archives may hold several.
    """
    return _summed(b"%d" % number, f"{task.container}\0{task.shown}")


def _summed(data: bytes, text: str) -> bytes:
    return hashlib.blake2b(data + b"\0" + text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _number(version: str) -> int:
    """Stands for the version of a file elsewhere, where that of a file here is its time of change."""
    return int.from_bytes(hashlib.blake2b(version.encode(), digest_size=8).digest(), signed=True)


def seen(task: Task, *, now_s: float | None = None) -> Seen:
    """A file before it is opened; what cannot be looked at has no size, and opening it will say why."""
    if task.url:
        return Seen(key(task), task.shown, None, _number(task.version) if task.version else None)
    try:
        found = task.path.stat()
    except OSError:
        return Seen(key(task), task.shown, None, None, None)
    is_racy = (time.time() if now_s is None else now_s) - found.st_mtime < RACY_S
    try:
        modified_at = datetime.fromtimestamp(found.st_mtime, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        modified_at = None
    return Seen(key(task), task.shown, found.st_size, None if is_racy else found.st_mtime_ns, modified_at)


def is_missing(path: str) -> bool:
    """Whether nothing lies at a path any more; False where that cannot be told.

    Args:
        path: as the store keeps it: of a URL, or a name with escapes for bytes that are no UTF-8, it tells nothing.
    """
    if is_url(path) or "\\" in path:
        return False
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


class Unlisted:
    """Folders that a walk could not look into: what lies below them was not met, and is not gone by that.

    Args:
        sources: of the run.
    """

    def __init__(self, sources: Iterable[str]) -> None:
        self._sources = frozenset(sources)
        self._folders: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._folders)

    def noted(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """Hand on what the walk meets; such folders are among it."""
        for task in tasks:
            if self._is_listing(task) if task.url else _is_folder(task):
                self._folders.add(storable(_literal(task.shown) if task.url else task.shown).rstrip("/"))
            yield task

    def holds(self, path: str) -> bool:
        """Whether a file lies below one of them; by its path as the store keeps it."""
        return any(letter == "/" and path[:end] in self._folders for end, letter in enumerate(path))

    def _is_listing(self, task: Task) -> bool:
        """A source that was listed is not met itself; an object that was has a version, unless the place tells none."""
        return task.url in self._sources and not task.version


def _is_folder(task: Task) -> bool:
    """Whether it is one, or nothing tells."""
    try:
        return stat.S_ISDIR(task.path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _literal(url: str) -> str:
    """The folder above the first wildcard of a URL, or the URL."""
    found = re.search(r"[*?[]", url)
    return url if found is None else url[: found.start()].rpartition("/")[0]
