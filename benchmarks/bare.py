"""Processes that do one part of a scan alone: make pictures, decode them, or run the network of `synthetic`."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from benchmarks.timing import WEB_SIZE_PX, WebPictures, measured
from detectors.synthetic import TOWER, ZOO
from detectors.token_features import BLOCKS
from detectors.vision_tower import SIDE_PX, VisionTower
from generators.weights import load

CHUNK = 10
"""Files that a process takes at a time."""

Work = Callable[[list[Path]], None]


class Bare:
    """So many processes of one thread each, warm. A context manager.

    Args:
        n: processes.
        size_px: of the pictures that they make.

    Attributes:
        pids: their numbers.
    """

    def __init__(self, n: int, size_px: tuple[int, int] = WEB_SIZE_PX) -> None:
        self._n = n
        self._size_px = size_px
        self._n_made = 0
        self._pool = ProcessPoolExecutor(n, mp_context=multiprocessing.get_context("spawn"))

    def __enter__(self) -> Self:
        self._all(network, [[Path()]] * (8 * self._n))
        self.pids = frozenset(self._pool._processes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def make(self, folder: Path, n_files: int) -> list[Path]:
        """Web-size pictures below a folder; other ones each time."""
        shares = [n_files // self._n + (i < n_files % self._n) for i in range(self._n)]
        making = []
        for i, n in enumerate(shares):
            self._n_made += 1
            making.append(self._pool.submit(_make, folder / f"{i}", self._n_made, n, self._size_px))
        return sorted(path for one in making for path in one.result())

    def seconds(self, work: Work, paths: list[Path]) -> float:
        """Time by the clock that all processes together take."""
        chunks = [paths[i : i + CHUNK] for i in range(0, len(paths), CHUNK)]
        return measured(lambda: self._all(work, chunks)).wall_s

    def _all(self, work: Work, chunks: list[list[Path]]) -> None:
        for _ in self._pool.map(work, chunks):
            pass


def decode(paths: list[Path]) -> None:
    """Read and decode."""
    from tests.make_media import decode as decoded

    for path in paths:
        decoded(path.read_bytes())


def network(paths: list[Path], side_px: int = SIDE_PX) -> None:
    """The network once a file, for pictures in small of that side; what it sees does not change the time."""
    seen = np.full((1, side_px, side_px, 3), 100, np.uint8)
    for _ in paths:
        bare_tower().tokens(seen)


@cache
def bare_tower(n_threads: int = 1, rounded: bool | None = None) -> VisionTower:
    """The shipped network, without the memory for what it saw last that detectors share."""
    return VisionTower(load(TOWER, ZOO)[0], BLOCKS, n_threads=n_threads, rounded=rounded)


@cache
def _pictures(size_px: tuple[int, int]) -> WebPictures:
    return WebPictures(size_px)


def _make(folder: Path, seed: int, n: int, size_px: tuple[int, int]) -> list[Path]:
    return _pictures(size_px).write(folder, n, seed=seed)
