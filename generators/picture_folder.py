"""Folders of pictures as one array for training, with a count of whatever could not be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from generators.decoding import read_pixels
from generators.opening import ENDINGS
from generators.own_pictures import Own, own_kind

PHOTO_ENDINGS = ENDINGS - {".gif"}
"""A GIF has 256 colours at most: it is no photo to learn from."""


Squares: TypeAlias = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
"""Of one picture: n of (S, S, 3)."""


@dataclass(frozen=True)
class FoundPhotos:
    """Files that may be photos.

    Attributes:
        paths: sorted.
        left_out: what else was found -> number of files.
    """

    paths: tuple[Path, ...]
    left_out: Mapping[str, int]


Finder: TypeAlias = Callable[[Sequence[Path]], FoundPhotos]
"""Folders -> the files in them that are meant."""


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Square pictures of one size.

    Attributes:
        pixels: (N, S, S, 3) uint8 RGB.
        paths: where each came from; squares of one photo share it and follow each other.
        skipped: reason -> number of files that were not used.
    """

    pixels: NDArray[np.uint8]
    paths: tuple[Path, ...]
    skipped: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.paths)

    def describe(self) -> str:
        """One line: how many are used, how many were skipped and why."""
        n_photos = len(set(self.paths))
        squares = f", {len(self)} squares of them" if n_photos < len(self) else ""
        return f"{n_photos} pictures{squares}{skipped_words(self.skipped)}"


def skipped_words(skipped: Mapping[str, int]) -> str:
    """What was skipped and why, to follow what is used; "" for nothing."""
    reasons = ", ".join(f"{n} {reason}" for reason, n in skipped.items())
    return f"; skipped {reasons}" if reasons else ""


def find_pictures(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Every file with a picture's ending in the folders and below, sorted by path."""
    found = {path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in PHOTO_ENDINGS}
    return tuple(sorted(path for path in found if path.is_file()))


def find_photos(folders: Sequence[Path]) -> FoundPhotos:
    """The same without what this tool wrote itself: masks, sheets and fakes, and copies of photos where they lie beside
    others. Masks that others drew cannot be told from pictures."""
    paths, left_out = [], Counter[str]()
    for path in find_pictures(folders):
        kind = own_kind(path)
        if kind is None or (kind is Own.COPY and path.parent in folders):
            paths.append(path)
        else:
            left_out[str(kind)] += 1
    return FoundPhotos(tuple(paths), left_out)


def read_folders(
    folders: Sequence[Path],
    side_px: int,
    *,
    min_pictures: int = 1,
    n_squares: int = 1,
    find: Finder | None = None,
    progress: Callable[[int], None] | None = None,
) -> PictureSet:
    """Read pictures of any size as squares, shrunk by averaging.

    Args:
        folders: searched with all below them.
        side_px: of the squares; a picture with a shorter side is skipped, never blown up.
        min_pictures: fewer usable ones are an error.
        n_squares: of a photo that is longer than wide, spread over its longer side; 1 takes the middle.
        find: which files of the folders are read; `find_photos` if None.
        progress: called with 1 after each file.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there are too few usable pictures; the message counts what was skipped.
    """
    found, skipped = cut_each(
        folders, lambda pixels, _: cut_squares(pixels, side_px, n_squares), side_px, min_pictures, progress, find
    )
    squares = [square for _, own in found for square in own]
    pixels = np.stack(squares) if squares else np.zeros((0, side_px, side_px, 3), np.uint8)
    return PictureSet(pixels, tuple(path for path, own in found for _ in own), skipped)


def cut_each(
    folders: Sequence[Path],
    cut: Callable[[NDArray[np.uint8], int], Squares],
    side_px: int,
    min_pictures: int,
    progress: Callable[[int], None] | None = None,
    find: Finder | None = None,
) -> tuple[list[tuple[Path, Squares]], dict[str, int]]:
    """Squares of every picture of some folders, however they are cut.

    Args:
        folders: searched with all below them.
        cut: (H, W, 3) uint8 and the number of usable pictures before it -> squares; raises `TooSmall`.
        side_px: of the squares, for the count of what is too small.
        min_pictures: fewer usable ones are an error.
        progress: called with 1 after each file.
        find: which files of the folders are read; `find_photos` if None.

    Returns:
        Path and squares of each usable picture, and reason -> number of files that are not.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there are too few usable pictures; the message counts what was skipped.
    """
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(2, "there is no such folder", str(folder))
    found: list[tuple[Path, Squares]] = []
    meant = (find or find_photos)(folders)
    skipped: Counter[str] = Counter(meant.left_out)
    for path in meant.paths:
        try:
            found.append((path, cut(read_pixels(path), len(found))))
        except ValueError:
            skipped["unreadable"] += 1
        except TooSmall:
            skipped[f"smaller than {side_px} pixels"] += 1
        if progress is not None:
            progress(1)
    if len(found) < min_pictures:
        where, reasons = ", ".join(map(str, folders)), "".join(f", {n} {reason}" for reason, n in skipped.items())
        wanted = f"at least {min_pictures} pictures" if min_pictures > 1 else "pictures"
        raise ValueError(f"{where} must hold {wanted}; found {len(found)} usable{reasons}")
    return found, dict(skipped)


class TooSmall(Exception):
    """A picture has fewer pixels than are wanted."""


def cut_squares(pixels: NDArray[np.uint8], side_px: int, n_squares: int = 1) -> list[NDArray[np.uint8]]:
    """Squares of a picture over its longer side, each shrunk to (side_px, side_px, 3).

    A picture gets as many as differ by at least an eighth of a square, so that a square picture gives one.

    Raises:
        TooSmall: its shorter side is shorter than `side_px`.
    """
    height, width = pixels.shape[:2]
    side, free = min(height, width), abs(height - width)
    if side < side_px:
        raise TooSmall
    n = min(n_squares, 1 + 8 * free // side)
    starts = [free // 2] if n == 1 else [round(free * i / (n - 1)) for i in range(n)]
    parts = [pixels[s : s + side] if height > width else pixels[:, s : s + side] for s in starts]
    return [_shrunk(part, side_px) for part in parts]


def _shrunk(part: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    if len(part) == side_px:
        return np.ascontiguousarray(part)
    return np.asarray(cv2.resize(part, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)
