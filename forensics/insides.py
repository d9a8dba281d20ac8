"""The parent's side of containers: which files workers found in them, and the scratch files that these lie in.

A worker says only numbers: no word of a process that reads hostile bytes names a file to be read or removed.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from pathlib import Path

from forensics.containers.member import INTO, Member
from forensics.containers.share import Share
from forensics.containers.unpacking import scratch_path
from forensics.containers.writer import base_name
from forensics.messages import Task

MEMBER_S = 0.5
"""Time that each file found buys the worker that unpacks a container."""

UNPACKED_BYTES_PER_S = 20e6
"""xz and bzip2 on a slow machine; each file found buys time by its size as well."""


HELD_BYTES = 1 << 30
HELD_FILES = 500
"""Scratch files that are not examined yet: beyond, unpacking waits, so that the largest archive needs no more space."""


class Insides:
    """Files found inside containers, until they are examined.

    Args:
        folder: takes the scratch folders; made if need be.

    Attributes:
        folder: the same.
        waiting: tasks, one a file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.waiting: deque[Task] = deque()
        self._n_folders = 0
        self._held: dict[Path, int] = {}
        self._held_bytes = 0
        self._unpacking: set[Path] = set()
        folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def is_full(self) -> bool:
        """Whether what was unpacked has to be examined first."""
        return self._held_bytes > HELD_BYTES or len(self._held) > HELD_FILES

    @property
    def has_room(self) -> bool:
        """Whether so much was examined that it is worth while to unpack on."""
        return self._held_bytes <= HELD_BYTES // 2 and len(self._held) <= HELD_FILES // 2

    def scratch(self) -> Path:
        """A scratch folder for one container; the worker makes it."""
        self._n_folders += 1
        folder = self.folder / f"{self._n_folders}"
        self._unpacking.add(folder)
        return folder

    def add(self, container: Task, scratch: Path, member: Member) -> Task:
        """A file was found; it waits to be examined if it lies in a scratch file.

        Returns:
            What stands for it.
        """
        shown = f"{container.shown}{INTO}{member.name}"
        path = scratch_path(scratch, member.number)
        task = Task(path, shown, base_name(member.name) or shown, container=container.shown)
        if member.number and path not in self._held:
            self._held[path] = member.size_bytes
            self._held_bytes += member.size_bytes
            self.waiting.append(task)
        return task

    def examined(self, task: Task) -> None:
        """A task has ended: its scratch file, if it had one, is needed no more."""
        if task.path in self._held:
            self._held_bytes -= self._held.pop(task.path)
            with suppress(OSError):
                task.path.unlink()
            if task.path.parent not in self._unpacking:
                with suppress(OSError):
                    task.path.parent.rmdir()

    def ended(self, scratch: Path) -> None:
        """The worker that unpacked a container is done or dead: what it left half written is removed."""
        self._unpacking.discard(scratch)
        if scratch.is_dir():
            for path in scratch.iterdir():
                if path not in self._held:
                    with suppress(OSError):
                        path.unlink()
            with suppress(OSError):
                scratch.rmdir()


def bought_s(member: Member) -> float:
    """Seconds that a found file adds to the time for unpacking its container."""
    return MEMBER_S + member.size_bytes / UNPACKED_BYTES_PER_S


def passing_by_s(share: Share, size_bytes: int) -> float:
    """Seconds for what is in other shares of a container, which is unpacked as well and found elsewhere."""
    return 0.0 if share.is_whole else size_bytes / UNPACKED_BYTES_PER_S
