"""Random squares cut from photos at many scales, in one array: what the rebuilding networks learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from generators.picture_folder import TooSmall, cut_each, skipped_words

MAX_SHRINK = 4.0
"""A patch may show up to four times the width that is cut at natural size, so that big forms are learned too."""

MIN_SOURCES = 10
"""With fewer folders single photos are held out instead of whole folders."""

HELD_OUT_SHARE = 10
"""Every tenth source, or photo, is judged on and not learned from."""


@dataclass(frozen=True, eq=False)
class Patches:
    """Squares of one size.

    Attributes:
        pixels: (P, S, S, 3) uint8 RGB, those of a photo one after another.
        photo: (P,) which of `paths` each was cut from.
        paths: the photos.
    """

    pixels: NDArray[np.uint8]
    photo: NDArray[np.int64]
    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.pixels)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Patches of n photos, turned and mirrored at random: (n, S, S, 3) uint8. Each photo is as likely as any."""
        starts = np.searchsorted(self.photo, np.arange(len(self.paths)))
        counts = np.bincount(self.photo, minlength=len(self.paths))
        chosen = rng.integers(0, len(self.paths), n)
        picked = self.pixels[starts[chosen] + rng.integers(0, counts[chosen])]
        turned = [np.rot90(patch, k)[:, ::flip] for patch, k, flip in zip(picked, *_turns(n, rng), strict=True)]
        return np.stack(turned)


@dataclass(frozen=True, eq=False)
class PatchSet:
    """What is learned from, what is judged on, and what could not be used.

    Attributes:
        learned: of the photos to learn from.
        held_out: of whole folders that are never learned from; of single photos where there are few folders.
        skipped: reason -> number of files.
        sources: folder -> number of photos learned from.
    """

    learned: Patches
    held_out: Patches
    skipped: dict[str, int]
    sources: dict[str, int]

    def describe(self) -> str:
        """One line: how many photos are used, how many files were skipped and why."""
        used = f"{len(self.learned.paths)} photos to learn from, {len(self.held_out.paths)} held out"
        return used + skipped_words(self.skipped)


def read_patches(
    folders: Sequence[Path],
    side_px: int,
    n_each: int,
    *,
    seed: int,
    min_pictures: int = 1,
    progress: Callable[[int], None] | None = None,
) -> PatchSet:
    """Cut every photo of the folders into a few random squares, at natural size or shrunk up to four times.

    Args:
        folders: searched with all below them; the folder a photo lies in is its source.
        side_px: of the squares; a photo with a shorter side is skipped, never blown up.
        n_each: squares a photo.
        seed: decides where they are cut.
        min_pictures: fewer usable photos are an error.
        progress: called with 1 after each file.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there are too few usable photos; the message counts what was skipped.
    """
    found, skipped = cut_each(
        folders,
        lambda pixels, n_before: cut(pixels, side_px, n_each, np.random.default_rng((seed, n_before))),
        side_px,
        max(min_pictures, 2),
        progress,
    )
    paths, cuts = [path for path, _ in found], [np.asarray(own) for _, own in found]
    held = held_out(paths)
    learned = _gathered(cuts, paths, [not h for h in held])
    sources = Counter(path.parent.name for path in learned.paths)
    return PatchSet(learned, _gathered(cuts, paths, held), skipped, dict(sorted(sources.items())))


def cut(pixels: NDArray[np.uint8], side_px: int, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Squares of a photo at random places and scales, each shrunk by averaging: (n, side_px, side_px, 3) uint8.

    Raises:
        TooSmall: its shorter side is shorter than `side_px`.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < side_px:
        raise TooSmall
    largest = min(MAX_SHRINK, min(height, width) / side_px)
    squares = []
    for _ in range(n):
        side = min(round(side_px * largest ** rng.uniform()), height, width)
        top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
        part = pixels[top : top + side, left : left + side]
        squares.append(cv2.resize(part, (side_px, side_px), interpolation=cv2.INTER_AREA))
    return np.stack(squares).astype(np.uint8, copy=False)


def held_out(paths: Sequence[Path]) -> list[bool]:
    """Which photos are never learned from: every tenth folder's, or every tenth photo where folders are few."""
    folders = sorted({path.parent for path in paths})
    if len(folders) >= MIN_SOURCES:
        kept = set(folders[HELD_OUT_SHARE // 2 :: HELD_OUT_SHARE])
        return [path.parent in kept for path in paths]
    first = min(HELD_OUT_SHARE // 2, len(paths) - 1)
    return [i % HELD_OUT_SHARE == first for i in range(len(paths))]


def _turns(n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return rng.integers(0, 4, n), rng.choice(np.array([-1, 1]), n)


def _gathered(cuts: Sequence[NDArray[np.uint8]], paths: Sequence[Path], chosen: Sequence[bool]) -> Patches:
    own = [i for i, wanted in enumerate(chosen) if wanted]
    photo = np.repeat(np.arange(len(own)), [len(cuts[i]) for i in own])
    return Patches(np.concatenate([cuts[i] for i in own]), photo, tuple(paths[i] for i in own))
