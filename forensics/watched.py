"""One worker process as its parent sees it: what it was given, what it holds, what it said last."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize, get_temp_dir
from pathlib import Path
from typing import Any, Self

import psutil

from forensics.confinement.private import PrivateFolder
from forensics.confinement.scratch import remove_folder
from forensics.confinement.socket_folder import socket_folder
from forensics.group_signals import start_deaf
from forensics.hearing import give_up_after
from forensics.insides import passing_by_s
from forensics.messages import Opened, Task
from forensics.report import ScanReport
from forensics.settings import Limits
from forensics.worker import LOG, serve

START_S = 120.0
"""Loading every analyzer takes seconds; on a crowded machine with a cold disk perhaps a minute."""


HASHED_BYTES_PER_S = 100e6
"""A slow disk; the clock of a large video starts this much later, as it is hashed before it is known to be one."""


AFTER_SOCKETS = -101
"""multiprocessing removes the folder of its sockets with priority -100."""


@dataclass(eq=False)
class Worker:
    """A process and the file that it works on.

    Attributes:
        process, connection, watched: the process, the way to talk to it, and what tells its memory.
        home: folder with its scratch folder, and with what it writes on standard error; gone when it is.
        deadline_s: on the monotonic clock; later it is taken to hang.
        ready: whether it has loaded its analyzers.
        task, opened, report: the file that it examines, as far as it has come.
        born_s: when it was started, on the monotonic clock.
        started_s: when it got the file; before the first one, when it was started itself.
        entered, scratch, n_found: the kind of a container that it unpacks, where to, and the files found so far.
        paused_s: since when it waits until there is room for more scratch files; None if it does not.
        has_scanned, is_weighed: whether it has ever scanned, and whether the memory that takes was noted.
        fresh_bytes: what it held before its first file, if it loads everything by then; 0 else.
    """

    process: BaseProcess
    connection: Connection
    watched: psutil.Process | None
    home: Path
    deadline_s: float
    born_s: float = field(default_factory=time.monotonic)
    ready: bool = False
    task: Task | None = None
    opened: Opened | None = None
    report: ScanReport | None = None
    started_s: float = field(default_factory=time.monotonic)
    entered: str = ""
    scratch: Path | None = None
    n_found: int = 0
    paused_s: float | None = None
    has_scanned: bool = False
    is_weighed: bool = False
    fresh_bytes: int = 0

    @classmethod
    def start(
        cls, context: ForkServerContext | SpawnContext, given: tuple[Any, ...], home: Path, tower: Connection | None
    ) -> Self:
        """Start a process.

        Args:
            context: to start it in.
            given: the arguments of `worker.serve` between its connection and its home.
            home: folder of its own, which is made.
            tower: its line to a tower, which is its alone from now on; None for one that loads its own.
        """
        home.mkdir(mode=0o700)
        here, there = context.Pipe()
        give_up_after(here)
        # Daemons end with the parent, whatever ends it.
        process = context.Process(target=serve, args=(there, *given, home, tower), daemon=True)
        start_deaf(process)
        there.close()
        if tower is not None:
            tower.close()
        try:
            watched = psutil.Process(process.pid)
        except psutil.NoSuchProcess:
            watched = None
        return cls(process, here, watched, home, deadline_s=time.monotonic() + START_S)

    def take(self, task: Task, path: Path, limits: Limits) -> bool:
        """Begin with a file; False when the process died in the meantime.

        Args:
            task: what is asked.
            path: where the file lies here.
            limits: of the scan.
        """
        try:
            self.connection.send(replace(task, path=path))
        except OSError:
            return False
        self.task, self.opened, self.report = task, None, None
        self.entered, self.scratch, self.n_found, self.paused_s = "", None, 0, None
        self.started_s = time.monotonic()
        size_bytes = _size_bytes(path)
        # What is too large to be an image is a video, or refused by its size.
        is_video = limits.max_image_bytes < size_bytes <= limits.max_bytes
        grace_s = size_bytes / HASHED_BYTES_PER_S if is_video else 0.0
        self.deadline_s = self.started_s + limits.image_timeout_s + grace_s
        return True

    def enter(self, kind: str, scratch: Path, path: Path, limits: Limits) -> None:
        """The file is a container, which is unpacked to a scratch folder. It is hashed as a whole first."""
        self.entered, self.scratch = kind, scratch
        size_bytes = _size_bytes(path)
        self.deadline_s += limits.timeout_s - limits.image_timeout_s + size_bytes / HASHED_BYTES_PER_S
        if self.task is not None:
            self.deadline_s += passing_by_s(self.task.share, size_bytes)

    def end(self) -> None:
        """Kill it, wait until it is gone and remove what it left behind."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        remove_folder(self.home)

    def resident_bytes(self) -> int:
        """Memory that it holds now; 0 when it is gone."""
        try:
            return int(self.watched.memory_info().rss) if self.watched is not None else 0
        except psutil.Error:
            return 0

    def n_open_files(self) -> int:
        """Files, pipes and the like that it holds open now; 0 when it is gone, or where that cannot be known."""
        try:
            return int(self.watched.num_fds()) if self.watched is not None and os.name == "posix" else 0
        except psutil.Error:
            return 0

    def last_line(self) -> str:
        """The last thing that it wrote on standard error, on one line; "" for nothing."""
        return last_line(self.home / LOG)


def last_line(path: Path) -> str:
    """The last line of a log that is not empty, as something to print; "" for none."""
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - 400, 0))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    said = [line.strip() for line in lines if line.strip()]
    return "".join(c if c.isprintable() else " " for c in said[-1])[:200] if said else ""


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def start_context() -> ForkServerContext | SpawnContext:
    """Fork of a clean server where there is one: starts in milliseconds and inherits no thread and no lock.

    Raises:
        OSError: no folder for temporary files has a path that is short enough for its socket.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    _place_sockets()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["forensics.scanner", "forensics.worker"])
    return context


@cache
def _place_sockets() -> None:
    """Let multiprocessing make the folder of its sockets in one of this process, once: it remembers where."""
    private, usual = PrivateFolder(socket_folder()), tempfile.tempdir
    try:
        tempfile.tempdir = str(private.__enter__())
        get_temp_dir()
    finally:
        tempfile.tempdir = usual
    Finalize(None, private.__exit__, args=(None, None, None), exitpriority=AFTER_SOCKETS)
