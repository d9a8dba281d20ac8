"""Runs a tower for the other processes of a machine: what they ask at about the same time goes through it as one batch.

Each of them has a line of its own and a thread here that waits on it, so that one that says nonsense, or half of
something, holds up nobody else. A line has one request under way, which bounds the memory.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Client, Connection
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.served_tower import MAX_BYTES, pictures_of
from detectors.synthetic import TOWER, ZOO
from detectors.token_features import BLOCKS, Tower
from detectors.vision_tower import SIDE_PX, Tokens
from generators.extras import needs
from generators.weights import load

MAX_BATCH = 32
"""Pictures from which on nothing more is added to a batch; their tokens take 100 MB."""

GATHER_S = 0.003
"""That the first of a batch waits for others: little beside the decoding of one picture."""

BEAT_S = 1.0
"""How often one that has nothing to do says that it lives."""

Listener: TypeAlias = socket.socket
"""What takes lines, at a path of this machine; a network is never used."""

BACKLOG = 256
"""Lines that may be waiting to be taken: as many as there may be workers."""


class TowerServer:
    """Answers requests for as long as its process lives.

    Args:
        tower: gives the tokens after each of `token_features.BLOCKS`, of pictures of any side.
        max_batch: pictures from which on nothing more is added to a batch.
        gather_s: that the first request of a batch waits for others.
        beat: called before each batch, and every BEAT_S while there is none: not by one whose tower hangs.
    """

    def __init__(
        self,
        tower: Tower,
        *,
        max_batch: int = MAX_BATCH,
        gather_s: float = GATHER_S,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._tower = tower
        self._max_batch = max_batch
        self._gather_s = gather_s
        self._beat = beat
        self._waiting: Queue[_Request] = Queue()
        self._lines: set[Connection] = set()

    def serve(self, listener: Listener) -> NoReturn:
        """Take lines and answer what is asked over them; whatever the tower raises ends it."""
        Thread(target=self._take_lines, args=(listener,), daemon=True).start()
        while True:
            self._answer(self._batch())

    def _take_lines(self, listener: Listener) -> None:
        while True:
            line = Connection(listener.accept()[0].detach())
            self._lines.add(line)
            Thread(target=self._attend, args=(line,), daemon=True).start()

    def _attend(self, line: Connection) -> None:
        with line, suppress(EOFError, OSError):
            while (pixels := pictures_of(line.recv_bytes(MAX_BYTES))) is not None:
                request = _Request(pixels)
                self._waiting.put(request)
                line.send_bytes(np.stack(request.tokens.result()).tobytes())
        self._lines.discard(line)

    def _batch(self) -> list[_Request]:
        batch = [self._first()]
        until_s = time.monotonic() + self._gather_s
        # Once everybody waits, nobody else will ask.
        while sum(len(one.pixels) for one in batch) < self._max_batch and len(batch) < len(self._lines):
            try:
                batch.append(self._waiting.get(timeout=max(until_s - time.monotonic(), 0.0)))
            except Empty:
                break
        return batch

    def _first(self) -> _Request:
        while True:
            self._beat()
            with suppress(Empty):
                return self._waiting.get(timeout=BEAT_S)

    def _answer(self, batch: list[_Request]) -> None:
        for side_px in {request.side_px for request in batch}:
            self._answer_alike([request for request in batch if request.side_px == side_px])

    def _answer_alike(self, batch: list[_Request]) -> None:
        found = self._tower.tokens(np.concatenate([request.pixels for request in batch]))
        first = 0
        for request in batch:
            last = first + len(request.pixels)
            request.tokens.set_result(tuple(tokens[first:last] for tokens in found))
            first = last


@dataclass(frozen=True, eq=False)
class _Request:
    pixels: NDArray[np.uint8]
    tokens: Future[tuple[Tokens, ...]] = field(default_factory=Future)

    @property
    def side_px(self) -> int:
        return int(self.pixels.shape[1])


def listen_at(address: Path) -> Listener:
    """For `TowerServer.serve`. Whoever may enter its folder may ask.

    Raises:
        OSError: the path is too long for a socket, or taken.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(address))
    listener.listen(BACKLOG)
    return listener


def line_to(address: Path) -> Connection:
    """A line to the server that listens there.

    Raises:
        OSError: nobody does.
    """
    return Client(str(address), "AF_UNIX")


def shipped_on(device: str) -> Tower:
    """The shipped tower on a device of torch, tried once.

    Args:
        device: "cpu", "cuda" or "cuda:1".

    Raises:
        ImportError: torch is not installed.
        ValueError, FileNotFoundError: there is no such device; the weights are missing, or not those of their card.
        RuntimeError: the device does not work.
    """
    with needs("learned"):
        from detectors.device_tower import DeviceTower
    tower = DeviceTower(load(TOWER, ZOO)[0], BLOCKS, device)
    tower.tokens(np.zeros((1, SIDE_PX, SIDE_PX, 3), np.uint8))
    return tower
