"""Files that lie elsewhere, by fsspec: fetched into scratch files a few ahead of the workers.

The one door to the network of a scan, which only a person opens: workers, which read hostile bytes, never pass it.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import unquote

from forensics.addresses import MASK, secrets_of
from forensics.errors import MediaError
from forensics.messages import Task

PROTOCOLS = frozenset(
    ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "http", "https", "sftp", "ftp", "webdav", "smb")
)
"""Of fsspec, those that lead to files elsewhere; others run programs, chain or read what lies here."""

_LOUD = ("adlfs", "azure", "gcsfs", "paramiko")
"""Loggers that print the traces of errors which get a line of their own here."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_EXTRAS = {
    **dict.fromkeys(("s3", "s3a", "http", "https"), "remote"),
    **dict.fromkeys(("gs", "gcs"), "gcs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "azure"),
    "sftp": "sftp",
}
"""Protocol -> the extra that speaks it."""

_WITH_SERVER = re.compile(r"((?:sftp|ftp|smb)://[^/]*)(.*)", re.IGNORECASE | re.DOTALL)
"""The server in a URL, and the path there: `?` and `#` belong to it."""

_ANY_URL = re.compile(r"\S*://\S*")
_USER = re.compile(r"://([^/:]*:[^/]*)@")
"""Who signs in, and the password."""

MIN_SECRET_CHARS = 4
"""Shorter ones come up in any words."""

N_FETCHING = 4
N_AHEAD = 8
"""Files fetched or waiting for a worker: scratch space for eight of the largest."""

_CHUNK_BYTES = 1 << 20


def is_url(source: str) -> bool:
    """Whether a source names a place elsewhere rather than a path."""
    return _URL.match(source) is not None and not os.path.lexists(source)


def protocol_of(url: str) -> str:
    """The protocol of a URL, in lower case.

    Raises:
        ValueError: none that leads to files elsewhere.
    """
    found = _URL.match(url)
    protocol = found[1].lower() if found is not None else ""
    if protocol not in PROTOCOLS:
        # Without what follows: that may hold a password.
        named = f"{protocol}://" if protocol else url
        raise ValueError(f"{named!r} is no place to fetch files from; there is {', '.join(sorted(PROTOCOLS))}")
    return protocol


def system(url: str) -> tuple[Any, str]:
    """What fsspec calls a file system, and the path in it. An object's name is taken as it is and never chains.

    Raises:
        ValueError: as for `protocol_of`.
        ImportError: what speaks the protocol is not installed.
    """
    protocol = protocol_of(url)
    try:
        kind = _kind(protocol)
        for name in _LOUD:
            logging.getLogger(name).setLevel(logging.CRITICAL)
    except ImportError as error:
        extra = _EXTRAS.get(protocol)
        needed = f"'unforged[{extra}]'" if extra is not None else f"'unforged[remote]' ({error})"
        raise ImportError(f"reading {protocol}:// needs: pip install {needed}") from error
    if (parted := _WITH_SERVER.fullmatch(url)) is not None:
        return kind(**kind._get_kwargs_from_urls(f"{parted[1]}/")), parted[2] or "/"
    return kind(**kind._get_kwargs_from_urls(url)), kind._strip_protocol(url)


def _kind(protocol: str) -> Any:
    if protocol == "sftp":
        from forensics.remote_sftp import KnownServers

        return KnownServers
    from fsspec import get_filesystem_class

    return get_filesystem_class(protocol)


class Fetcher:
    """Fetches files ahead of the workers.

    Args:
        folder: for scratch files.
        max_bytes: size of one file.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._n_files = 0
        self._threads: ThreadPoolExecutor | None = None
        self._stopped = Event()
        self._fetching: dict[Future[None], Task] = {}
        self._ready: deque[Task] = deque()
        self._paths: dict[Task, Path] = {}

    @property
    def n_waiting(self) -> int:
        """Files that are fetched or under way, and not with a worker yet."""
        return len(self._fetching) + len(self._ready)

    def fetch(self, task: Task) -> None:
        """Begin to fetch a file."""
        self._threads = self._threads or ThreadPoolExecutor(N_FETCHING, thread_name_prefix="fetch")
        self._n_files += 1
        path = self._folder / f"fetched-{self._n_files}"
        self._paths[task] = path
        self._fetching[self._threads.submit(self._copy, task.url, path)] = task

    def ended(self) -> list[tuple[Task, MediaError]]:
        """Take note of what has arrived; returns what could not be fetched, and why."""
        failed = []
        for future in [future for future in self._fetching if future.done()]:
            task = self._fetching.pop(future)
            error = future.exception()
            if error is None:
                self._ready.append(task)
            else:
                self.drop(task)
                failed.append((task, error if isinstance(error, MediaError) else _unreadable(error, task.url)))
        return failed

    def next(self) -> Task | None:
        """A file that has arrived; None when there is none by now."""
        return self._ready.popleft() if self._ready else None

    def path(self, task: Task) -> Path:
        """Where a file lies here."""
        return self._paths.get(task, task.path)

    def drop(self, task: Task) -> None:
        """A file is needed no more."""
        if (path := self._paths.pop(task, None)) is not None:
            with suppress(OSError):
                path.unlink()

    def close(self) -> None:
        """Stop fetching."""
        self._stopped.set()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def _copy(self, url: str, path: Path) -> None:
        files, name = system(url)
        size = 0
        with files.open(name, "rb") as source, path.open("xb") as target:
            while not self._stopped.is_set() and (chunk := source.read(_CHUNK_BYTES)):
                size += len(chunk)
                if size > self._max_bytes:
                    raise MediaError("too-many-bytes", f"the file holds more than {self._max_bytes:,} bytes, the limit")
                target.write(chunk)


def _unreadable(error: BaseException, url: str) -> MediaError:
    """Why a file cannot be fetched, in words without its URL: that may hold a password or a key."""
    while _ANY_URL.search(str(error)) and error.__cause__ is not None:
        error = error.__cause__
    words = _reason(error, url).replace(url, "")
    for secret in secrets_of(url):
        if len(secret) >= MIN_SECRET_CHARS:
            words = words.replace(secret, MASK).replace(unquote(secret), MASK)
    if (user := _USER.search(url)) is not None:
        words = words.replace(user[1], "").replace(unquote(user[1]), "")
    words = " ".join(_ANY_URL.sub("", words).split())[:200]
    return MediaError("unreadable", f"it cannot be fetched: {words or type(error).__name__}")


def _reason(error: BaseException, url: str) -> str:
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return f"{status} {getattr(error, 'message', '')}"
    if getattr(error, "errno", None) == errno.ECONNREFUSED:
        return "the connection was refused"
    if isinstance(error, FileNotFoundError) and str(error) in url:
        return "it is not there"
    return str(getattr(error, "strerror", None) or error)
