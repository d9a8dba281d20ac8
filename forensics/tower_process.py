"""A process that runs the network for workers on one device, and the socket at which they reach it."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from detectors.token_features import Tower
from detectors.tower_server import Listener, TowerServer, listen_at
from forensics.confinement.kernel import end_with_parent
from forensics.endings import how_it_died
from forensics.group_signals import ignore_endings, start_deaf
from forensics.watched import START_S, last_line, start_context

MAX_REFUSAL_BYTES = 4096

LOOK_S = 1.0
"""Between two looks no more is taken for silence: whoever looks had no reason to before, or was stopped itself."""


@dataclass
class _Silence:
    """Since the last sign of life, which was at `beaten_s`; 0 before the first."""

    beaten_s: float = 0.0
    looked_s: float = field(default_factory=time.monotonic)
    lasted_s: float = 0.0

    def look(self, beaten_s: float) -> None:
        now_s = time.monotonic()
        since_s = min(now_s - self.looked_s, LOOK_S)
        self.lasted_s = 0.0 if beaten_s != self.beaten_s else self.lasted_s + since_s
        self.beaten_s, self.looked_s = beaten_s, now_s


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

    def hangs(self, after_s: float) -> bool:
        """Whether it was silent for so long; until it has loaded the network, it may take START_S for that."""
        return self.silent_s > (after_s if self._silence.beaten_s else START_S)

    @property
    def silent_s(self) -> float:
        """How long it gave no sign of life, as far as somebody looked."""
        return self._silence.lasted_s

    def look(self) -> None:
        """Take note of whether it gave a sign of life."""
        self._silence.look(self._beaten_s.value)

    def start_again(self) -> None:
        """Start one in place of one that has ended, or that hangs and is ended now."""
        self._process.kill()
        self._process.join()
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
        self._beaten_s = context.RawValue(ctypes.c_double, 0.0)
        self._silence = _Silence()
        given = (self._listener, there, self.device, self._load, self._log, self._beaten_s)
        self._process: BaseProcess = context.Process(target=_serve, args=given, daemon=True)
        start_deaf(self._process)
        there.close()


def _serve(
    listener: Listener,
    parent: Connection,
    device: str,
    load: Callable[[str], Tower],
    log: Path,
    beaten_s: ctypes.c_double,
) -> None:
    """Answer requests to the end. The target of the process: an empty message says that it is ready, others why not.

    Args:
        listener, device, load, log: see `TowerProcess`.
        parent: takes that message.
        beaten_s: memory that is shared with the parent, for the time of its last sign of life.
    """

    def beat() -> None:
        beaten_s.value = time.monotonic()

    end_with_parent()
    ignore_endings()
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
    TowerServer(tower, beat=beat).serve(listener)
