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

from benchmarks.timing import WebPictures, measured
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

    Attributes:
        pids: their numbers.
    """

    def __init__(self, n: int) -> None:
        self._n = n
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
            making.append(self._pool.submit(_make, folder / f"{i}", self._n_made, n))
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


def network(paths: list[Path]) -> None:
    """The network once a file; what it sees does not change the time."""
    seen = np.full((1, SIDE_PX, SIDE_PX, 3), 100, np.uint8)
    for _ in paths:
        bare_tower().tokens(seen)


@cache
def bare_tower(n_threads: int = 1) -> VisionTower:
    """The shipped network, without the memory for what it saw last that detectors share."""
    return VisionTower(load(TOWER, ZOO)[0], BLOCKS, n_threads=n_threads)


@cache
def _pictures() -> WebPictures:
    return WebPictures()


def _make(folder: Path, seed: int, n: int) -> list[Path]:
    return _pictures().write(folder, n, seed=seed)
