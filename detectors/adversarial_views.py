"""Features of pictures beside themselves perturbed, both after the same washes; what was cut stays in a cache."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detectors.adversarial_features import N_FEATURES, SMALL_PX, Read, features
from detectors.data import Example, Reader
from detectors.kept_views import Arrays, KeptViews
from detectors.washed_views import number_of
from generators.images import Pixels
from generators.launder import INTERPOLATIONS, Chain, Jpeg, Resize

if TYPE_CHECKING:
    from detectors.adversarial_pairs import CriticMaker, Pair

CLEAN = "clean"

WASHES = (("original", "q95"), ("q90", "q75", "resized"))
"""What is drawn from for even views and for odd ones."""


@dataclass(frozen=True, eq=False)
class PairRows:
    """Rows of every view of every picture: clean, perturbed, clean, perturbed ..., and then of those that are alone.

    Attributes:
        features: (M, N_FEATURES) float32.
        kinds: M kinds of attack, CLEAN for none.
        epsilons: (M,) in steps of 8 bits.
        washes: M names of what came after.
        examples: of each row.
        alone: (M,) of pictures as they come, clean and at their own size, beside which nothing was perturbed.
        unread: why pictures gave no row, a line each.
    """

    features: NDArray[np.float32]
    kinds: NDArray[np.str_]
    epsilons: NDArray[np.int64]
    washes: NDArray[np.str_]
    examples: tuple[Example, ...]
    alone: NDArray[np.bool_]
    unread: tuple[str, ...]

    @property
    def labels(self) -> NDArray[np.int64]:
        """(M,) 1 for what was perturbed."""
        return np.asarray(self.kinds != CLEAN, np.int64)

    @property
    def sources(self) -> list[str]:
        """M names."""
        return [example.source for example in self.examples]


@dataclass(frozen=True, eq=False)
class _Made:
    """What rows are cut of: a clean picture, beside itself perturbed or alone."""

    pictures: tuple[Pixels, ...]
    kind: str
    epsilon: int


class PairMaker:
    """Makes the pair of an example, once: what was made stays in the folder.

    Args:
        makers: gives the critics of each kind of attack; asked for when the first pair is made.
        seed: of all draws.
        cache: folder; None keeps nothing.
        reader: of examples.
    """

    def __init__(
        self, makers: Callable[[], Mapping[str, CriticMaker]], seed: int, cache: Path | None, reader: Reader
    ) -> None:
        self._makers_of, self._seed, self._reader = makers, seed, reader
        self._kept = KeptViews(cache, seed, what="pair", ending=".npz")

    def both(self, example: Example) -> _Made:
        """The pair of an example, as rows are cut of it; see `__call__`."""
        pair = self(example)
        return _Made((pair.clean, pair.perturbed), pair.kind, pair.epsilon)

    def alone(self, example: Example) -> _Made:
        """The picture as it comes.

        Raises:
            ValueError: it cannot be read.
        """
        return _Made((self._reader(example)[0],), CLEAN, 0)

    def __call__(self, example: Example) -> Pair:
        """The pair of an example.

        Raises:
            ValueError: it cannot be read.
        """
        kept = self._kept.get(example, 0)
        if kept is not None:
            return _unpacked(kept)
        from detectors.adversarial_pairs import make_pair

        pixels = self._reader(example)[0]
        made = make_pair(self._makers, pixels, example.path.name, is_fake=bool(example.label), seed=self._seed)
        self._kept.put(example, 0, _packed(made))
        return made

    @cached_property
    def _makers(self) -> Mapping[str, CriticMaker]:
        return self._makers_of()


def cut_pairs(
    read: Read,
    maker: PairMaker,
    examples: Sequence[Example],
    *,
    n_views: int,
    seed: int,
    alone: Sequence[Example] = (),
    cache: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> PairRows:
    """Cut the features of n_views washed views of every pair, and of every picture that stays alone.

    Args:
        read: readings of what the tower sees.
        maker: of pairs.
        examples: pictures, real and fake.
        n_views: of each.
        seed: of the washes.
        alone: pictures to be read as they come.
        cache: folder that keeps features; None keeps nothing.
        progress: called with the number of views done since the last call.
    """
    both = KeptViews(cache, seed, what=f"adversarial, {SMALL_PX} px", ending=".npz")
    one = KeptViews(cache, seed, what=f"adversarial alone, {SMALL_PX} px", ending=".npz")
    rows: list[tuple[Example, Arrays]] = []
    unread = []
    for example, made, keeper in (*((e, maker.both, both) for e in examples), *((e, maker.alone, one) for e in alone)):
        try:
            rows.extend((example, found) for found in _views(read, made, example, n_views, seed, keeper))
        except ValueError as error:
            unread.append(str(error))
        if progress is not None:
            progress(n_views)
    cut = np.concatenate([found["features"] for _, found in rows]) if rows else np.zeros((0, N_FEATURES))
    sizes = [len(found["features"]) for _, found in rows]  # a pair, or one alone
    kinds = [kind for n, (_, found) in zip(sizes, rows, strict=True) for kind in (CLEAN, str(found["kind"]))[:n]]
    epsilons = [size for n, (_, found) in zip(sizes, rows, strict=True) for size in (0, int(found["epsilon"]))[:n]]
    pictures = tuple(example for n, (example, _) in zip(sizes, rows, strict=True) for _ in range(n))
    return PairRows(
        cut.astype(np.float32),
        np.array(kinds),
        np.array(epsilons, np.int64),
        np.repeat([str(found["wash"]) for _, found in rows], sizes),
        pictures,
        np.repeat([n == 1 for n in sizes], sizes),
        tuple(unread),
    )


def _views(
    read: Read, make: Callable[[Example], _Made], example: Example, n_views: int, seed: int, keeper: KeptViews
) -> Iterator[Arrays]:
    made: _Made | None = None
    for view in range(n_views):
        found = keeper.get(example, view)
        if found is None:
            made = made or make(example)
            name, wash = _wash(example.path.name, view, seed)
            found = {
                "features": np.array([features(read, wash(pixels)) for pixels in made.pictures], np.float16),
                "kind": np.array(made.kind),
                "epsilon": np.array(made.epsilon),
                "wash": np.array(name),
            }
            keeper.put(example, view, found)
        yield found


def _wash(name: str, view: int, seed: int) -> tuple[str, Chain]:
    """What comes after the perturbation, drawn from the name of the file alone."""
    draws = np.random.default_rng((seed, view, number_of(name)))
    wash = str(draws.choice(WASHES[view % 2]))
    if wash == "resized":
        scale, coding = float(draws.uniform(0.6, 0.95)), Jpeg(int(draws.integers(80, 96)))
        return wash, Chain(wash, (Resize(scale, str(draws.choice(list(INTERPOLATIONS)))), coding))
    return wash, Chain(wash, () if wash == "original" else (Jpeg(int(wash[1:])),))


def _packed(pair: Pair) -> Arrays:
    pictures = {"clean": pair.clean, "perturbed": pair.perturbed}
    coded = {name: np.frombuffer(_png(pixels), np.uint8) for name, pixels in pictures.items()}
    return {**coded, "kind": np.array(pair.kind), "epsilon": np.array(pair.epsilon)}


def _unpacked(kept: Arrays) -> Pair:
    from detectors.adversarial_pairs import Pair

    clean, perturbed = (_picture(kept[name].tobytes()) for name in ("clean", "perturbed"))
    return Pair(clean, perturbed, str(kept["kind"]), int(kept["epsilon"]))


def _png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _picture(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))
