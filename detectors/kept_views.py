"""What was cut of each view of an example, kept in a folder, so that a stopped run goes on and nothing is cut twice."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.data import Example
from generators.whole_files import write_whole

Arrays = Mapping[str, NDArray[Any]]

ONLY = "only"
"""Name of the array where there is one alone."""


class KeptViews:
    """A folder of arrays, named by what they were cut from.

    Args:
        folder: made if missing; None keeps nothing.
        seed: of the washes.
        what: is kept; readers of other things may share the folder.
        ending: of its files, .npy for one array a view and .npz for several by name.
    """

    def __init__(self, folder: Path | None, seed: int, *, what: str = "", ending: str = ".npy") -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._seed = folder, seed
        self._what, self._ending = f"{what} " if what else "", ending

    def has(self, example: Example, view: int) -> bool:
        """Whether a view is kept."""
        return self._folder is not None and self._path(self._folder, example, view).is_file()

    def get(self, example: Example, view: int) -> Arrays | None:
        """What is kept of a view, None if nothing is."""
        if self._folder is None or not (path := self._path(self._folder, example, view)).is_file():
            return None
        kept = np.load(path, allow_pickle=False)
        if isinstance(kept, np.ndarray):
            return {ONLY: kept}
        with kept:
            return {name: kept[name] for name in kept.files}

    def put(self, example: Example, view: int, arrays: Arrays) -> None:
        """Keep what was cut of a view; a file is whole or not there.

        Raises:
            OSError: the disk is full, or the folder not writable.
        """
        if self._folder is None:
            return
        buffer = io.BytesIO()
        if self._ending == ".npy":
            np.save(buffer, arrays[ONLY], allow_pickle=False)
        else:
            np.savez(buffer, allow_pickle=False, **arrays)
        write_whole(self._path(self._folder, example, view), buffer.getvalue())

    def _path(self, folder: Path, example: Example, view: int) -> Path:
        size = example.path.stat().st_size
        key = f"{self._what}{example.path.name} {size} {example.crop} {view} {self._seed}"
        return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}{self._ending}"
