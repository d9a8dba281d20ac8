"""Draws pictures of examined files again, in a process of its own, where the very same file still lies.

Decoders meet hostile files: one that crashes, hangs, eats memory or takes the process over costs its picture alone.
The process is confined like those that examine files, and its answers are bytes that nobody unpickles.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from forensics.confinement import confine
from forensics.confinement.private import PrivateFolder
from forensics.confinement.scratch import use_scratch
from forensics.errors import MediaError
from forensics.group_signals import ignore_endings, start_deaf
from forensics.hearing import MAX_MESSAGE_BYTES, give_up_after
from forensics.media import Kind, Media
from forensics.settings import Limits
from forensics.watched import start_context

Pixels = NDArray[np.uint8]

THUMBNAIL_SIDE_PX = 160
"""Long side; readable in a row of a table, about 5 kB as JPEG."""

THUMBNAIL_QUALITY = 72

TIMEOUT_S = 20.0
"""For one picture; the start of the process is not counted."""

START_S = 60.0

FRAME_BUDGET_S = 5.0
"""For finding one frame of a video."""

MEMORY_BYTES = 3 << 30
"""Address space of the process: the largest picture allowed takes a third of it, libraries another."""


READY = b"ready"


@dataclass(frozen=True)
class _Order:
    path: str
    sha256: str
    side_px: int
    limits: Limits


class Redrawer:
    """One process that draws; started when it is first needed. Threads may share it: one picture at a time.

    Args:
        timeout_s: for one picture.
    """

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._scratch: PrivateFolder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def is_ready(self) -> bool:
        """Whether a picture can be drawn at once; if not, the process is being started meanwhile."""
        if self._process is not None and self._process.is_alive() and not self._lock.locked():
            return True
        if not self._lock.locked():
            threading.Thread(target=self._start_soon, daemon=True).start()
        return False

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def thumbnail(self, path: Path, sha256: str, limits: Limits | None = None) -> bytes:
        """A small JPEG; b"" where the file is gone, another one now, or cannot be drawn."""
        return self._asked(_Order(str(path), sha256, THUMBNAIL_SIDE_PX, limits or Limits()))

    def pack(self, path: Path, sha256: str, limits: Limits | None = None) -> bytes:
        """All that `forensics.pictures` keeps, packed; b"" where there is nothing to draw, as above."""
        return self._asked(_Order(str(path), sha256, 0, limits or Limits()))

    def _asked(self, order: _Order) -> bytes:
        with self._lock:
            try:
                connection = self._started()
                connection.send(order)
                if not connection.poll(self._timeout_s):
                    self._end()
                    return b""
                return connection.recv_bytes(MAX_MESSAGE_BYTES)
            except (EOFError, OSError):
                self._end()
                return b""

    def _start_soon(self) -> None:
        with self._lock, suppress(EOFError, OSError):
            self._started()

    def _started(self) -> Connection:
        if self._connection is not None and self._process is not None and self._process.is_alive():
            return self._connection
        self._end()
        context = start_context()
        here, there = context.Pipe()
        give_up_after(here)
        self._scratch = PrivateFolder()
        self._process = context.Process(target=serve, args=(there, self._scratch.__enter__()), daemon=True)
        start_deaf(self._process)
        there.close()
        self._connection = here
        if not here.poll(START_S) or here.recv_bytes(MAX_MESSAGE_BYTES) != READY:
            raise EOFError
        return here

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._connection is not None:
            self._connection.close()
        if self._scratch is not None:
            self._scratch.__exit__(None, None, None)
        self._process = self._connection = self._scratch = None


def serve(connection: Connection, scratch: Path) -> None:
    """Draw until the parent hangs up. The target of the process."""
    ignore_endings()
    use_scratch(scratch)
    confine((scratch,), max_file_bytes=MEMORY_BYTES)
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    import cv2

    cv2.setNumThreads(1)
    connection.send_bytes(READY)
    with suppress(EOFError, BrokenPipeError):
        while True:
            connection.send_bytes(draw(connection.recv()))


def draw(order: _Order) -> bytes:
    """One picture; b"" where there is none to draw."""
    from forensics.overlay import preview, to_jpeg
    from forensics.pictures import layers, pack

    try:
        path = Path(order.path)
        if not path.is_file():
            return b""
        media = Media.open(path, limits=order.limits)
        if media.sha256 != order.sha256:
            return b""
        if order.side_px:
            return to_jpeg(preview(_first(media), order.side_px), THUMBNAIL_QUALITY)
        if media.kind is Kind.IMAGE:
            return pack({0.0: preview(media.pixels)}, layers(media))
        return pack({frame.time_s: preview(frame.pixels) for frame in media.frames}, {})
    except (MediaError, OSError, MemoryError, ValueError):
        return b""


def _first(media: Media) -> Pixels:
    """The picture, or of a video a frame near its beginning."""
    if media.kind is Kind.IMAGE:
        return media.pixels
    at_s = (media.video.duration_s or 0.0) / 10
    found = media.moments([at_s], side_px=2 * THUMBNAIL_SIDE_PX, budget_s=FRAME_BUDGET_S)
    return next(iter(found.values())) if found else media.frames[0].pixels
