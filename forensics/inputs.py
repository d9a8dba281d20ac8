"""From the paths a user names to the files to examine: folders walked, standard input spooled, nothing opened."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, BinaryIO

from forensics.addresses import shown_url
from forensics.errors import MediaError
from forensics.folders import Folders
from forensics.messages import Task
from forensics.remote import is_url as is_url
from forensics.remote_listing import listing

STDIN = "-"

_CHUNK_BYTES = 1 << 20


def expand(paths: Iterable[str], *, out: Path | None = None, remote: bool = False) -> Iterator[Task]:
    """Files under the paths, each once: folders in sorted order, without hidden files and the output folder.

    Links to folders are not followed, so that no loop and no place elsewhere is walked into; a link to a file is that
    file. A path named by the user is taken whatever it is, also when it does not exist: then opening it says so.

    Args:
        paths: files, folders and patterns such as `photos/**/*.jpg`; standard input is left to `spool`.
        out: output folder.
        remote: URLs such as `s3://bucket/prefix` may be listed, which goes over the network.

    Raises:
        ValueError: a URL, and remote is False.
        ImportError: what speaks the protocol of a URL is not installed.
    """
    folders = Folders(os.path.realpath(out) if out is not None else None)
    fetched: set[str] = set()
    alike: Counter[str] = Counter()
    for named in paths:
        if not is_url(named):
            yield from _here(named, folders)
            continue
        if not remote:
            shown = displayable(shown_url(named))
            raise ValueError(f"{shown} lies elsewhere: --remote allows to fetch it over the network")
        for task in listing(named):
            if task.url not in fetched:
                fetched.add(task.url)
                yield task if task.shown == task.url else _numbered(task, alike)


def listed(stream: IO[bytes]) -> list[str]:
    """Paths of a list, one a line; parted by zero bytes if there is one, as `find -print0` writes them."""
    data = stream.read()
    names = data.split(b"\0") if b"\0" in data else data.splitlines()
    return [os.fsdecode(name) for name in names if name]


def spool(stream: BinaryIO, folder: Path, *, max_bytes: int) -> Task:
    """Copy standard input to a private file, as decoders need to jump about in it.

    Raises:
        MediaError: it holds more than max_bytes.
    """
    path = folder / "stdin"
    size = 0
    with path.open("xb") as file:
        while chunk := stream.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > max_bytes:
                raise MediaError("too-many-bytes", f"standard input holds more than {max_bytes:,} bytes")
            file.write(chunk)
    return Task(path, STDIN, "stdin")


def displayable(text: str) -> str:
    """A file name as text that can be stored and written anywhere: bytes that are no UTF-8 become escapes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _numbered(task: Task, alike: Counter[str]) -> Task:
    """An address of which parts are not shown, told from those before it that look the same."""
    alike[task.shown] += 1
    if (number := alike[task.shown]) == 1:
        return task
    shown = f"{task.shown} ({number})"
    return replace(task, path=Path(shown), shown=shown)


def _here(named: str, folders: Folders) -> Iterator[Task]:
    """The files that a path on this machine names."""
    for match in _matches(named):
        if os.path.isdir(match):  # noqa: PTH112 - Path raises at a name that is too long
            paths = folders.walk(match)
        else:
            paths = iter([match] if folders.is_new(match) else [])
        for path in paths:
            shown = displayable(path)
            yield Task(Path(path), shown, displayable(Path(path).name) or shown)


def _matches(path: str) -> list[str]:
    """What a pattern matches, in order; a path that exists, or a pattern without a match, is itself."""
    if os.path.lexists(path) or not glob.has_magic(path):
        return [path]
    return sorted(glob.glob(path, recursive=True)) or [path]  # noqa: PTH207 - the path may be absolute
