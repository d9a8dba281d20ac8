"""A process that runs the network for workers on one device, and the socket at which they reach it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from detectors.token_features import Tower
from detectors.tower_server import Listener, TowerServer, listen_at
from forensics.confinement.kernel import end_with_parent
from forensics.endings import how_it_died
from forensics.watched import START_S, last_line, start_context

MAX_REFUSAL_BYTES = 4096


class TowerProcess:
    """Started when it is made; the socket outlives the process: lines made meanwhile wait for the next one.

    Args:
        device: "cpu", "cuda" or "cuda:1".
        address: of the socket, in a folder that only the user may enter; what the process says lies beside it.
        load: importable callable that loads the tower of a device.

    Attributes:
        ended_s: when the last one ended, on the monotonic clock.
    """

    def __init__(self, device: str, address: Path, load: Callable[[str], Tower]) -> None:
        self.device, self.address = device, address
        self.ended_s = float("-inf")
        self._load = load
        self._log = address.with_suffix(".log")
        self._listener = listen_at(address)
        self._start()

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def start_again(self) -> None:
        """Start one in place of one that has ended."""
        self.ended_s = time.monotonic()
        self._told.close()
        self._start()

    def wait_until_ready(self) -> None:
        """Wait until it answers requests.

        Raises:
            ValueError: torch or the device is missing, or the device does not work.
            RuntimeError: it could not be started.
        """
        if not self._told.poll(START_S):
            raise RuntimeError(f"the process for the device {self.device} was not ready within {START_S:.0f} s")
        try:
            refusal = self._told.recv_bytes(MAX_REFUSAL_BYTES).decode(errors="replace")
        except EOFError:
            self._process.join()
            raise RuntimeError(f"the process for the device {self.device} ended ({self.last_words()})") from None
        if refusal:
            raise ValueError(refusal)

    def last_words(self) -> str:
        """How it ended and what it said at last, or why it could not begin."""
        return ": ".join(part for part in (how_it_died(self._process.exitcode), last_line(self._log)) if part)

    def end(self) -> None:
        """Kill it, and listen no longer."""
        self._process.kill()
        self._process.join()
        self._told.close()
        self._listener.close()

    def _start(self) -> None:
        context = start_context()
        self._told, there = context.Pipe(duplex=False)
        given = (self._listener, there, self.device, self._load, self._log)
        self._process: BaseProcess = context.Process(target=_serve, args=given, daemon=True)
        self._process.start()
        there.close()


def _serve(listener: Listener, parent: Connection, device: str, load: Callable[[str], Tower], log: Path) -> None:
    """Answer requests to the end. The target of the process: an empty message says that it is ready, others why not."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(file, number)
    os.close(file)
    try:
        tower = load(device)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        words = (str(error).splitlines() or [type(error).__name__])[0]
        sys.stderr.write(words)
        parent.send_bytes(words.encode()[:MAX_REFUSAL_BYTES])
        return
    parent.send_bytes(b"")
    TowerServer(tower).serve(listener)
