"""Walks folders and meets each file once, however it is reached: memory grows with folders and links, not with files.

A folder that was walked stands for the files in it. Kept by name are only those that were reached otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self


class Folders:
    """What was met so far.

    Args:
        left_out: a folder that is not walked into, by its real path; None for none.
    """

    def __init__(self, left_out: str | None = None) -> None:
        self._left_out = left_out
        self._walked: set[str] = set()
        self._named: set[str] = set()

    def is_new(self, path: str) -> bool:
        """Whether a file that somebody named, or a link leads to, was not met before; it is now."""
        real = os.path.realpath(path)
        folder, name = os.path.split(real)
        # Of os.path, as those of Path raise at a name that is too long.
        is_met = folder in self._walked and not is_hidden(name) and os.path.exists(real)  # noqa: PTH110
        if real in self._named or is_met:
            return False
        self._named.add(real)
        return True

    def walk(self, folder: str) -> Iterator[str]:
        """Paths of files below a folder that were not met before: sorted, depth first, without hidden ones.

        Links to folders are not followed, unless the folder that is named is one. They, and folders that cannot be
        listed, are handed on as if they were files: the results must say that this part was not looked at.
        """
        if os.path.islink(link := folder.rstrip("/")):  # noqa: PTH114 - Path raises at a name that is too long
            self._named.add(_place(link))
        # No recursion: a folder may be nested deeper than Python calls.
        open_: list[_Open] = []
        yield from self._enter(folder, os.path.realpath(folder), open_)
        while open_:
            inner = open_[-1]
            if not inner.names:
                open_.pop()
                continue
            name = inner.names.pop()
            path, real = os.path.join(inner.path, name), os.path.join(inner.real, name)  # noqa: PTH118 - twice as fast
            if name in inner.folders:
                if real != self._left_out:
                    yield from self._enter(path, real, open_)
            elif self.is_new(path) if name in inner.links else real not in self._named:
                yield path

    def _enter(self, path: str, real: str, open_: list[_Open]) -> Iterator[str]:
        if real in self._walked:
            return
        try:
            open_.append(_Open.of(path, real))
            self._walked.add(real)
        except OSError:
            if real not in self._named:
                self._named.add(real)
                yield path


@dataclass(frozen=True)
class _Open:
    """A folder that is being walked.

    Attributes:
        path, real: as it was reached, and where it lies.
        names: of what is left, the next one last.
        folders, links: which of them are folders, and links to anything but folders.
    """

    path: str
    real: str
    names: list[str]
    folders: set[str]
    links: set[str]

    @classmethod
    def of(cls, path: str, real: str) -> Self:
        """List a folder.

        Raises:
            OSError: it cannot be listed.
        """
        names, folders, links = [], set(), set()
        with os.scandir(path) as found:
            for entry in found:
                if is_hidden(entry.name):
                    continue
                names.append(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    folders.add(entry.name)
                elif entry.is_symlink() and not os.path.isdir(entry.path):  # noqa: PTH112
                    links.add(entry.name)
        return cls(path, real, sorted(names, reverse=True), folders, links)


def _place(link: str) -> str:
    """Where a link itself lies."""
    folder, name = os.path.split(link)
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118


def is_hidden(name: str) -> bool:
    """Programs hide their files behind one dot; two begin the name of a file that tries to be a path."""
    return name.startswith(".") and not name.startswith("..")
