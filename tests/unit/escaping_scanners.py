"""Scanners that try what a hostile file would try once it had taken over its worker; errors say how far each got."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from forensics.confinement.resources import MAX_OPEN_FILES
from forensics.media import Media
from forensics.messages import Opened
from forensics.report import ScanReport
from tests.unit.failing_scanners import Scripted


def attempts(media: Media) -> dict[str, Callable[[], object]]:
    """Way out -> what takes it. The name of the file is the port of a server that listens on this machine."""
    assert media.path is not None
    port, folder = int(Path(media.name).stem), media.path.parent
    return {
        "connect": lambda: socket.create_connection(("127.0.0.1", port), timeout=5),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "version 6": lambda: socket.socket(socket.AF_INET6),
        "local socket": lambda: socket.socket(socket.AF_UNIX),
        "program": lambda: subprocess.run([sys.executable, "-c", ""], check=False),
        "replaced": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
        "process": lambda: os.fork() or os._exit(0),
        "new file": lambda: (folder / "escaped").write_bytes(b"x"),
        "new folder": lambda: (folder / "escaped-folder").mkdir(),
        "changed file": lambda: media.path and media.path.open("r+b"),
        "removed file": lambda: media.path and media.path.unlink(),
        "moved file": lambda: media.path and media.path.rename(Path(tempfile.gettempdir()) / "moved"),
        "file of another worker": lambda: (Path(tempfile.gettempdir()).parents[1] / "escaped").write_bytes(b"x"),
        "mode": lambda: media.path and media.path.chmod(0o777),
        "time stamp": lambda: os.utime(media.path or "", (0, 0)),
        "attribute": lambda: os.setxattr(media.path or "", "user.note", b"x"),
        "signal": lambda: os.kill(os.getppid(), 0),
        "many files": _open_many,
        "large file": lambda: os.truncate(tempfile.mkstemp()[1], 1 << 40),
        "thread": _thread,
        "scratch file": lambda: (Path(tempfile.mkdtemp()) / "x").write_bytes(b"x"),
        "pair of sockets": lambda: socket.socketpair(),
    }


class Escaping(Scripted):
    """Tries every way out; measures hold the number of the error that each met, 0 for none."""

    def scan(self, media: Media, tell: object = None) -> ScanReport:
        """Try."""
        met = {name: float(_error(attempt)) for name, attempt in attempts(media).items()}
        report = super().scan(media)
        return replace(report, findings=(replace(report.findings[0], measures=met),))


class Wasteful(Scripted):
    """Behaves as the file's name says: computes for 0.5 s or for ever, hangs, forgets open files, litters."""

    def scan(self, media: Media, tell: object = None) -> ScanReport:
        """Do it."""
        scratch = Path(tempfile.gettempdir())
        n_found = len(list(scratch.iterdir()))
        if "computes" in media.name:
            _compute(600.0 if "ever" in media.name else 0.5)
        if "forgets" in media.name:
            self.forgotten = [*getattr(self, "forgotten", ()), *(os.dup(0) for _ in range(50))]
        if "litters" in media.name:
            nested(scratch, 20)
            (scratch / "file").write_bytes(b"x")
        if "hangs" in media.name:
            # As C code does that never lets go of the interpreter.
            ctypes.PyDLL(None).pause()
        if "dies" in media.name:
            os.kill(os.getpid(), signal.SIGKILL)
        report = super().scan(media)
        return replace(report, findings=(replace(report.findings[0], measures={"found": float(n_found)}),))


class Lying(Scripted):
    """Speaks in its worker's name, when a file is called "lies": first a call, then what no worker says."""

    def scan(self, media: Media, tell: object = None) -> ScanReport:
        """Do it."""
        if "lies" in media.name:
            (line,) = [one for one in gc.get_objects() if isinstance(one, Connection) and one.writable]
            line.send(Called(media.name) if "call" in media.name else Opened("../x", "image", "jpeg", 1, {}))
        return super().scan(media)


@dataclass
class Called:
    """Unpickled, it makes a folder."""

    name: str

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (self.name,)


def nested(folder: Path, n: int) -> None:
    """Folders in folders, deeper than a stack or a path is long."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(n):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def _error(attempt: Callable[[], object]) -> int:
    try:
        attempt()
    except OSError as error:
        return error.errno or -1
    return 0


def _compute(seconds: float) -> None:
    end = sum(os.times()[:2]) + seconds
    while sum(os.times()[:2]) < end:
        sum(range(10_000))


def _open_many() -> None:
    opened: list[int] = []
    try:
        while len(opened) < 2 * MAX_OPEN_FILES:
            opened.append(os.dup(0))
    finally:
        for number in opened:
            os.close(number)


def _thread() -> None:
    ran = threading.Event()
    thread = threading.Thread(target=ran.set)
    thread.start()
    thread.join()
    assert ran.is_set()
