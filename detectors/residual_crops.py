"""Small squares of washed pictures at their own resolution, photos beside what generators make of them: to learn from.

A square window of each picture is cut; of a photo's window a generator of the catalogue makes an aligned fake, which
shows the same and differs in traces alone. Both go through the same two washes, a hard and a mild one, and are cut at
the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.data import Example, Reader, read_picture
from detectors.kept_views import Arrays, KeptViews
from detectors.residual_graph import CELL_PX
from detectors.washed_views import chain, moved_mask, number_of
from generators.base import Generator
from generators.catalog import GENERATORS
from generators.images import Pixels, to_float, to_uint8
from generators.launder import Chain

WINDOW_PX = 448
"""Side of a window before washes, of which the hardest leave 80 pixels: see `_views`."""

VIEWS = 2
"""Of each window: a hard and a mild one."""


Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Crops:
    """M squares, each in two views.

    Attributes:
        pixels: (M, VIEWS, S, S, 3) uint8, washed hard and mildly.
        made: (M, VIEWS, S / CELL_PX, S / CELL_PX) float32, share of each cell that was made or changed: 0 in photos.
        photo: (M,) int64, of an aligned fake the row of its photo; -1 elsewhere.
        of: (M,) int64 places in `examples`.
        examples: those that gave a square.
        unread: why others gave none, a line each.
    """

    pixels: NDArray[np.uint8]
    made: Floats
    photo: NDArray[np.int64]
    of: NDArray[np.int64]
    examples: tuple[Example, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Window:
    """Squares of one window: the picture's own and, of a photo, the aligned fake's."""

    pixels: NDArray[np.uint8]
    made: Floats


def cut_crops(
    examples: Sequence[Example],
    *,
    side_px: int,
    n_windows: int,
    seed: int,
    makers: Sequence[str],
    cache: Path | None = None,
    reader: Reader = read_picture,
    n_workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Crops:
    """Cut windows of every picture; the squares are the same however many processes cut them.

    Args:
        examples: pictures; what is too small after a wash gives fewer squares, or none.
        side_px: of the squares, a multiple of CELL_PX.
        n_windows: of each picture.
        seed: of windows, fakes and washes.
        makers: names of the generators that photos are dealt out to.
        cache: folder that keeps what was cut; None keeps nothing.
        reader: of examples; one that other processes can be handed, where they cut.
        n_workers: processes that cut; 1 cuts in this one.
        progress: called with the number of views done since the last call.

    Raises:
        ValueError: nothing was large enough.
    """
    keeper = KeptViews(cache, seed, what=f"crops {side_px} {' '.join(makers)}", ending=".npz")
    work = partial(
        _windows_or_why, side_px=side_px, n=n_windows, seed=seed, makers=makers, keeper=keeper, reader=reader
    )
    found: list[tuple[Example, _Window]] = []
    unread = []
    for example, windows in zip(examples, _each(work, examples, n_workers), strict=True):
        if isinstance(windows, str):
            unread.append(windows)
        else:
            found += [(example, window) for window in windows if len(window.pixels)]
        if progress is not None:
            progress(n_windows * VIEWS)
    if not found:
        raise ValueError(f"no picture is large enough for squares of {side_px} pixels")
    return _gathered(found, tuple(unread))


def _gathered(found: Sequence[tuple[Example, _Window]], unread: tuple[str, ...]) -> Crops:
    used = tuple(dict.fromkeys(example for example, _ in found))
    place = {example: i for i, example in enumerate(used)}
    sizes = [len(window.pixels) for _, window in found]
    first = np.repeat(np.cumsum([0, *sizes[:-1]]), sizes)
    rows = np.arange(sum(sizes))
    return Crops(
        np.concatenate([window.pixels for _, window in found]),
        np.concatenate([window.made for _, window in found]),
        np.where(rows == first, -1, first),
        np.repeat([place[example] for example, _ in found], sizes),
        used,
        unread,
    )


_Work: TypeAlias = Callable[[Example], "list[_Window] | str"]


def _each(work: _Work, examples: Sequence[Example], n_workers: int) -> Iterable[list[_Window] | str]:
    if n_workers == 1:
        yield from map(work, examples)
        return
    with ProcessPoolExecutor(n_workers, mp_context=get_context("spawn"), initializer=_alone) as pool:
        yield from pool.map(work, examples, chunksize=4)


def _alone() -> None:
    """One thread for this process: the others have the other processors."""
    cv2.setNumThreads(1)
    try:
        import torch
    except ImportError:
        return  # some generators need none
    torch.set_num_threads(1)


def _windows_or_why(
    example: Example,
    *,
    side_px: int,
    n: int,
    seed: int,
    makers: Sequence[str],
    keeper: KeptViews,
    reader: Reader,
) -> list[_Window] | str:
    """The windows of a picture, or why it gives none."""
    try:
        return list(_windows(example, side_px, n, seed, makers, keeper, reader))
    except ValueError as error:
        return str(error)


def _windows(
    example: Example, side_px: int, n: int, seed: int, makers: Sequence[str], keeper: KeptViews, reader: Reader
) -> Iterator[_Window]:
    pixels: Pixels | None = None
    for number in range(n):
        kept = keeper.get(example, number)
        if kept is None:
            if pixels is None:
                (pixels,) = reader(example)
            kept = _cut(pixels, example, number, side_px, seed, makers)
            keeper.put(example, number, kept)
        yield _Window(kept["pixels"], kept["made"].astype(np.float32))


def _cut(pixels: Pixels, example: Example, number: int, side_px: int, seed: int, makers: Sequence[str]) -> Arrays:
    """The squares of one window, drawn from the name of the file alone."""
    rng = np.random.default_rng((seed, number, number_of(example.path.name)))
    window = random_square(pixels, WINDOW_PX, rng)
    versions = [(window, np.full(window.shape[:2], example.label, np.float32))]
    if example.label == 0 and makers:
        versions.append(_fake_of(window, makers, rng))
    middle = _middle(versions[-1][1], rng)
    washes = [chain(example.path.name, VIEWS * number + view, seed) for view in range(VIEWS)]
    rows = [row for version in versions if (row := _views(*version, washes, middle, side_px))]
    n_cells = side_px // CELL_PX
    squares, made = [[square for square, _ in row] for row in rows], [[cells for _, cells in row] for row in rows]
    return {
        "pixels": np.array(squares, np.uint8).reshape(-1, VIEWS, side_px, side_px, 3),
        "made": np.array(made, np.float16).reshape(-1, VIEWS, n_cells, n_cells),
    }


def random_square(pixels: Pixels, side_px: int, rng: np.random.Generator) -> Pixels:
    """A square at a random place of a picture (H, W, 3); smaller sides stay as they are."""
    height, width = pixels.shape[:2]
    top, left = (int(rng.integers(0, max(side - side_px, 0) + 1)) for side in (height, width))
    return np.ascontiguousarray(pixels[top : top + side_px, left : left + side_px])


def _fake_of(window: Pixels, makers: Sequence[str], rng: np.random.Generator) -> tuple[Pixels, Floats]:
    """An aligned fake and its mask."""
    made = _maker(makers[int(rng.integers(len(makers)))]).forge(to_float(window), seed=int(rng.integers(1 << 31)))
    return np.ascontiguousarray(to_uint8(made.images)[0]), made.masks[0, 0]


@cache
def _maker(name: str) -> Generator:
    return GENERATORS.load(name)()


def _middle(mask: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """Where to cut, as shares of height and width: anywhere, but within reach of what alone was changed."""
    anywhere = float(rng.random()), float(rng.random())
    if mask.all() or not mask.any():
        return anywhere
    rows, columns = np.nonzero(mask)
    picked = int(rng.integers(len(rows)))
    return float(rows[picked] / mask.shape[0]), float(columns[picked] / mask.shape[1])


def _views(
    pixels: Pixels, mask: Floats, washes: Sequence[Chain], middle: tuple[float, float], side_px: int
) -> list[tuple[Pixels, Floats]]:
    """One square after each wash, with the share of each of its cells that was made; none where too little is left."""
    found = [cut for wash in washes if (cut := _washed(pixels, mask, wash, middle, side_px)) is not None]
    # Where the hard wash leaves too little, the mild view stands for both.
    return [found[0], found[-1]] if found else []


def _washed(
    pixels: Pixels, mask: Floats, wash: Chain, middle: tuple[float, float], side_px: int
) -> tuple[Pixels, Floats] | None:
    washed, moved = wash(pixels), moved_mask(mask, wash)
    height, width = washed.shape[:2]
    if min(height, width) < side_px:
        return None
    top, left = (
        int(np.clip(round(share * side - side_px / 2), 0, side - side_px))
        for share, side in zip(middle, (height, width), strict=True)
    )
    n_cells = side_px // CELL_PX
    part = moved[top : top + side_px, left : left + side_px]
    cells = cv2.resize(part, (n_cells, n_cells), interpolation=cv2.INTER_AREA)
    return washed[top : top + side_px, left : left + side_px], np.asarray(cells, np.float32)
