"""Where workers find the network that most detectors share: each loads its own, or asks a process that has a device.

A worker may make no socket, so its line is made here and handed to it when it starts. What goes over it are pictures of
one size and their tokens, see `detectors.served_tower`: a worker that was taken over can do no more than ask for more.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Protocol, Self

from detectors.token_features import Tower
from detectors.tower_server import line_to, shipped_on
from forensics.confinement.private import PrivateFolder
from forensics.confinement.socket_folder import socket_folder
from forensics.tower_process import TowerProcess

AGAIN_S = 600.0
"""A process that ends twice within this time does so for a reason that stays."""

HANG_S = 120.0
"""Without a sign of life for so long a process is taken to hang: it gives one before each batch, and every second while
it has nothing to do. On two processors the largest batch takes half a minute."""

LATE_S = 3.0
"""Without a sign of life for so long it is late: from here on nobody's time runs who may wait for it."""

LOG = logging.getLogger("unforged.workers")


class Towers(Protocol):
    """Gives workers a line to a tower. A context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def line(self) -> Connection | None:
        """A line for one worker; None for one that is to load its own.

        Raises:
            RuntimeError: there is nobody any more at the other end.
        """
        ...

    def look_after(self) -> None:
        """Replace what has ended or hangs; called often.

        Raises:
            RuntimeError: it ends over and over.
        """
        ...

    @property
    def is_late(self) -> bool:
        """Whether files may be waiting for an answer that is long in coming, which is not their fault."""
        ...

    @property
    def renewed_s(self) -> float:
        """When one was last replaced, on the monotonic clock: lines from before may lead nowhere."""
        ...


class TowersNearby:
    """Servers of this machine that somebody else looks after, asked in turns; see `Towers`.

    Args:
        addresses: of their sockets; without any, each worker loads its own.
    """

    def __init__(self, addresses: Sequence[Path] = ()) -> None:
        self._addresses = addresses
        self._number = count()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def line(self) -> Connection | None:
        """See `Towers.line`."""
        if not self._addresses:
            return None
        try:
            return line_to(self._addresses[next(self._number) % len(self._addresses)])
        except OSError as error:
            raise RuntimeError("the process that runs the network for this machine is gone") from error

    def look_after(self) -> None:
        """See `Towers.look_after`."""

    @property
    def is_late(self) -> bool:
        """See `Towers.is_late`: nobody knows."""
        return False

    @property
    def renewed_s(self) -> float:
        """See `Towers.renewed_s`: nobody knows."""
        return -math.inf


class TowerProcesses:
    """A process for each device, started anew when it ends or hangs, unless it did so shortly before; see `Towers`.

    Several pools, each in a thread of its own, may share them: they are there from the first one that enters to the
    last one that leaves.

    Args:
        devices: "cpu", "cuda" or "cuda:1".
        load: importable callable that loads the tower of a device.
        hang_s: without a sign of life for so long a process is taken to hang.
    """

    def __init__(
        self, devices: Sequence[str], *, load: Callable[[str], Tower] = shipped_on, hang_s: float = HANG_S
    ) -> None:
        self._devices = devices
        self._load = load
        self._hang_s = hang_s
        self._served: list[TowerProcess] = []
        self._n_inside = 0
        self._lock = Lock()

    def __enter__(self) -> Self:
        """Start them, if they are not there, and wait until all are ready.

        Raises:
            ValueError: torch or a device is missing, or a device does not work.
            RuntimeError: one cannot be started.
        """
        with self._lock:
            if not self._n_inside:
                self._start()
            self._n_inside += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._n_inside -= 1
            if not self._n_inside:
                self._open.close()

    def line(self) -> Connection | None:
        """See `Towers.line`."""
        return self._nearby.line()

    def look_after(self) -> None:
        """See `Towers.look_after`."""
        with self._lock:
            for one in self._served:
                self._look_after(one)

    @property
    def is_late(self) -> bool:
        """See `Towers.is_late`."""
        return any(one.silent_s > LATE_S for one in self._served)

    @property
    def renewed_s(self) -> float:
        """See `Towers.renewed_s`."""
        return max((one.ended_s for one in self._served), default=-math.inf)

    def _look_after(self, one: TowerProcess) -> None:
        one.look()
        if one.is_alive and not one.hangs(self._hang_s):
            return
        what = f"gave no sign of life for {self._hang_s:g} s" if one.is_alive else f"ended ({one.last_words()})"
        words = f"the process that runs the network on {one.device} {what}"
        if time.monotonic() - one.ended_s < AGAIN_S:
            raise RuntimeError(f"{words}, and so did the one before it")
        LOG.warning("%s and is started again", words)
        one.start_again()

    def _start(self) -> None:
        if sys.platform == "win32":
            raise ValueError("networks can run on a device of their own on Linux and macOS only")
        with ExitStack() as opening:
            folder = opening.enter_context(PrivateFolder(socket_folder()))
            opening.callback(self._end)
            for number, device in enumerate(self._devices):
                self._served.append(TowerProcess(device, folder / f"tower-{number}", self._load))
            for one in self._served:
                one.wait_until_ready()
            self._nearby = TowersNearby([one.address for one in self._served])
            self._open = opening.pop_all()

    def _end(self) -> None:
        for one in self._served:
            one.end()
        self._served = []


def towers_on(devices: Sequence[str]) -> Towers:
    """What runs the network that detectors share.

    Args:
        devices: a process on each of them for all workers; without any, each worker loads its own.
    """
    return TowerProcesses(devices) if devices else TowersNearby()
