"""Features of washed pictures, cut once: each goes through several chains, and what was cut stays in a cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.data import Example, Reader, read_picture
from detectors.kept_views import ONLY, KeptViews
from detectors.token_features import N_FEATURES, Tower, features_of, tokens_of
from detectors.vision_tower import SIDE_PX
from generators.images import Pixels
from generators.launder import Chain, Crop, Fit, Resize, draw

MILD = ("q90", "q75", "half", "webp", "social", "messenger")
"""Presets that calibration rests on: what pictures meet on their way to a moderator, for both classes alike."""

HARD = "wild"
"""The preset of the other views."""

PLAIN = -1
"""The view that goes through nothing but one JPEG of quality 90: what a picture looks like that nobody passed on."""

MAX_SIDE_PX = 1600
"""Longer pictures are shrunk before they are washed: the tower sees 224 pixels, the washes need not cost more."""

N_AHEAD = 4
"""Pictures washed while the tower is at work."""


@dataclass(frozen=True, eq=False)
class Views:
    """Features of every view of every picture.

    Attributes:
        features: (N, V, N_FEATURES) float32; as `view_numbers` has them.
        examples: the N pictures; those that could not be read are left out.
        unread: why, a line each.
    """

    features: NDArray[np.float32]
    examples: tuple[Example, ...]
    unread: tuple[str, ...]


def view_numbers(n_views: int, *, plain: bool) -> tuple[int, ...]:
    """The washed views, hard and mild in turn, and the plain one after them."""
    return (*range(n_views), PLAIN) if plain else tuple(range(n_views))


def is_mild(view: int) -> bool:
    """Whether a view shows what pictures meet on their way, and no harder wash: calibration rests on such views."""
    return view == PLAIN or view % 2 == 1


def number_of(name: str) -> int:
    """A number of 32 bits for draws, from the name of a file alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def chain(name: str, view: int, seed: int) -> Chain:
    """The wash of one view, drawn from the name of the picture's file and not from its label."""
    if view == PLAIN:
        return draw("q90", seed=seed)
    drawn = (seed, view, number_of(name))
    return draw(MILD[drawn[2] % len(MILD)] if is_mild(view) else HARD, seed=drawn)


def moved_mask(mask: NDArray[np.bool_] | NDArray[np.float32], wash: Chain) -> NDArray[np.float32]:
    """A mask (H, W), 0..1, after the steps of a wash that move pixels: float32."""
    moved = np.repeat(np.rint(mask * np.float32(255)).astype(np.uint8)[..., None], 3, axis=2)
    for step in wash.steps:
        if isinstance(step, Crop | Resize | Fit):
            moved = step(moved)
    return np.asarray(moved[..., 0] / np.float32(255), np.float32)


def cut(
    tower: Tower,
    examples: Sequence[Example],
    *,
    n_views: int,
    seed: int,
    plain: bool = False,
    cache: Path | None = None,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
    side_px: int = SIDE_PX,
) -> Views:
    """Cut the features of views of every picture; the washed views of a clip are of frames spread over it.

    Args:
        tower: gives the tokens.
        examples: pictures, and clips if the reader can read them.
        n_views: washed ones of each.
        seed: of the washes.
        plain: whether the plain view is cut as well; of a clip it is of the middle frame.
        reader: of examples.
        cache: folder that keeps what was cut; None keeps nothing.
        progress: called with the number of views done since the last call.
        side_px: of the pictures that the tower looks at.
    """
    kept = KeptViews(cache, seed, what="" if side_px == SIDE_PX else f"{side_px} px")
    numbers = view_numbers(n_views, plain=plain)
    jobs = [(example, view) for example in examples for view in numbers]
    washed = _Washer(reader, n_views, seed, kept)
    rows: dict[tuple[Path, int], NDArray[np.float16]] = {}
    unread: dict[Path, str] = {}
    with ThreadPoolExecutor(1) as washer:
        waiting: list[Future[Pixels | None]] = []
        for place, (example, view) in enumerate(jobs):
            while len(waiting) < N_AHEAD and place + len(waiting) < len(jobs):
                waiting.append(washer.submit(washed, *jobs[place + len(waiting)]))
            known = kept.get(example, view)
            try:
                pixels = waiting.pop(0).result()
                if known is None and pixels is not None:
                    known = {ONLY: features_of(tokens_of(tower, pixels, side_px)).astype(np.float16)}
                    kept.put(example, view, known)
                if known is not None:
                    rows[example.path, view] = known[ONLY]
            except ValueError as error:
                unread[example.path] = str(error)
            if progress is not None:
                progress(1)
    read = tuple(e for e in examples if e.path not in unread)
    features = np.array([[rows[e.path, view] for view in numbers] for e in read], np.float32)
    return Views(features.reshape(len(read), len(numbers), N_FEATURES), read, tuple(unread.values()))


class _Washer:
    """Washes one view after the other and remembers the last example it read."""

    def __init__(self, reader: Reader, n_views: int, seed: int, kept: KeptViews) -> None:
        self._reader, self._n_views, self._seed, self._kept = reader, n_views, seed, kept
        self._last: tuple[Example, Sequence[Pixels]] | None = None

    def __call__(self, example: Example, view: int) -> Pixels | None:
        """The picture to look at; None when its features are known."""
        if self._kept.has(example, view):
            return None
        if self._last is None or self._last[0] is not example:
            self._last = example, self._reader(example)
        pictures = self._last[1]
        pixels = pictures[len(pictures) // 2 if view == PLAIN else view * len(pictures) // self._n_views]
        return chain(example.path.name, view, self._seed)(Fit(MAX_SIDE_PX)(pixels))
