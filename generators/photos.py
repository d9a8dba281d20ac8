"""Real photos for generators that alter them, one after the other at their own size, and why others cannot be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from generators.decoding import read_pixels
from generators.images import Pixels
from generators.picture_folder import find_photos


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo to alter.

    Attributes:
        pixels: (H, W, 3) uint8, upright, shrunk where it was larger than wanted.
        number: its place among the usable ones.
        name: path from its folder.
        source: what lies on one side of a split as a whole: the subfolder it lies in, else the photo itself.
    """

    pixels: Pixels
    number: int
    name: str
    source: str


@dataclass(eq=False)
class Photos:
    """Photos of folders, read when they are needed.

    Attributes:
        folders: searched with all below them.
        min_side_px: a photo with a shorter side is skipped, never blown up.
        max_side_px: a photo with a longer side is shrunk by averaging.
        skipped: reason -> number of files not used so far.
    """

    folders: Sequence[Path]
    min_side_px: int
    max_side_px: int
    skipped: Counter[str] = field(default_factory=Counter)

    def endless(self) -> Iterator[Photo]:
        """Every usable photo in the order of paths, then the first again.

        Raises:
            FileNotFoundError: there is no such folder.
            ValueError: no photo can be used; the message counts why.
        """
        for folder in self.folders:
            if not folder.is_dir():
                raise FileNotFoundError(2, "there is no such folder", str(folder))
        found = find_photos(self.folders)
        self.skipped.update(found.left_out)
        waiting: Sequence[Path] = found.paths
        while True:
            usable: list[Path] = []
            for path in waiting:
                photo = self._read(path, len(usable))
                if photo is not None:
                    usable.append(path)
                    yield photo
            if not usable:
                reasons = ", ".join(f"{n} {reason}" for reason, n in self.skipped.items()) or "none at all"
                raise ValueError(f"no usable photo in {', '.join(map(str, self.folders))}: {reasons}")
            waiting = usable

    def _read(self, path: Path, number: int) -> Photo | None:
        try:
            pixels = _shrunk(read_pixels(path), self.max_side_px)
        except ValueError:
            self.skipped["unreadable"] += 1
            return None
        if min(pixels.shape[:2]) < self.min_side_px:
            self.skipped[f"with a side under {self.min_side_px} pixels"] += 1
            return None
        folder = next(folder for folder in self.folders if path.is_relative_to(folder))
        name = path.relative_to(folder)
        source = name.parts[0] if len(name.parts) > 1 else name.stem
        return Photo(pixels, number, str(name), source)


def _shrunk(pixels: Pixels, max_side_px: int) -> Pixels:
    scale = max_side_px / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
