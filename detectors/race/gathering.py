"""Gather: everything a round may learn from, what of it comes from memory, and the hashes that say so afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.race.context import Round
from detectors.race.folder import read_arrays, read_json, write_json
from detectors.race.kinds import FakeKind, kinds_until
from detectors.race.known import KNOWN
from detectors.race.labelled import LABELLED, labelled, sha256
from detectors.race.laundering import FEATURES, WHOLE, has_faces, photo_features, photos_beside
from detectors.race.photos import CALIBRATE, LEARN
from detectors.race.settings import SELECTIVE

GATHERED, LEFT = "gathered.json", "left.json"

Part: TypeAlias = tuple[str, int, NDArray[np.float32], tuple[str, ...]]
"""Name, label, features (N, D) and sources of pictures to calibrate on."""

NEW, PHOTOS, OLD = "new", "photos", "old"
"""What a block is to its round: fakes that the standing version has not learned, the user's real photos, and what it
has learned before."""

N_REMEMBERED_VIEWS = 2


@dataclass(frozen=True, eq=False)
class Block:
    """Pictures of one origin to learn from.

    Attributes:
        name: kind of fakes, or set of photos.
        role: NEW, PHOTOS or OLD.
        features: (N, V, D) float16 or float32, views of each.
        labels: (N,) 1 fake, 0 real.
        sources: N names that weights are shared out by.
        generators: N names, "-" for real ones.
        path: of the file that it lies in.
    """

    name: str
    role: str
    features: NDArray[np.floating]
    labels: NDArray[np.int64]
    sources: tuple[str, ...]
    generators: tuple[str, ...]
    path: Path

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_views(self) -> int:
        """Views of each picture."""
        return int(self.features.shape[1])

    def only(self, chosen: NDArray[np.int64]) -> Block:
        """Some of its pictures."""
        return Block(
            self.name,
            self.role,
            self.features[chosen],
            self.labels[chosen],
            tuple(self.sources[i] for i in chosen),
            tuple(self.generators[i] for i in chosen),
            self.path,
        )


def gather(round_: Round) -> None:
    """Note what the round learns from, and check that nothing it is judged on is among it.

    Raises:
        ValueError: a picture that is learned from is one that is judged on.
    """
    blocks = remembered(list(learnable(round_)), round_.settings.memory, round_.settings.seed)
    _check_leaks(round_)
    write_json(
        round_.path / GATHERED,
        {
            "learned": {f"{block.role}: {block.name}": len(block) for block in blocks},
            "sha256": {block.name: sha256(block.path) for block in blocks},
        },
    )
    n_new, n_old = (sum(len(block) for block in blocks if block.role == role) for role in (NEW, OLD))
    round_.say(f"learns from {n_new} new fakes and {n_old} pictures from memory")


def learnable(round_: Round) -> Iterator[Block]:
    """Everything that may be learned from by the end of this round."""
    for kind in kinds_until(round_.number, round_.settings):
        if not kind.unseen:
            yield _fakes(round_, kind)
    for which in photo_sets(round_):
        yield _photos(round_, which)
    yield from _labelled(round_)
    yield from _before(round_)


def photo_sets(round_: Round) -> tuple[str, ...]:
    """Sets of real photos that fakes so far are compared with, whole ones first."""
    kinds = kinds_until(round_.number, round_.settings)
    beside = {photos_beside(kind.side_px, kind.needs_faces, has_faces(round_)) for kind in kinds}
    whole = (WHOLE, f"faces-{WHOLE}") if has_faces(round_) else (WHOLE,)
    return (*whole, *sorted(beside))


def remembered(blocks: Sequence[Block], most: int, seed: int) -> tuple[Block, ...]:
    """The same blocks, of what was there before only as many pictures as the memory holds: all old blocks alike.

    Args:
        blocks: of a round.
        most: old pictures at most.
        seed: decides which.
    """
    old = sorted((block for block in blocks if block.role == OLD), key=len)
    kept, left = {}, most
    for place, block in enumerate(old):
        share = min(len(block), left // (len(old) - place))
        rng = np.random.default_rng((seed, int.from_bytes(hashlib.sha256(block.name.encode()).digest()[:4], "big")))
        kept[block.name] = block.only(np.sort(rng.permutation(len(block))[:share]))
        left -= share
    chosen = (kept[block.name] if block.role == OLD else block for block in blocks)
    return tuple(block for block in chosen if len(block))


def calibrating(round_: Round) -> Iterator[Part]:
    """Name, label, features (N, D) and sources of everything that thresholds and slopes may rest on."""
    for kind in kinds_until(round_.number, round_.settings):
        if not kind.unseen:
            kept = read_arrays(kind_path(round_, kind))
            yield kind.title, 1, kept[CALIBRATE].astype(np.float32), (kind.title,) * len(kept[CALIBRATE])
    for which in photo_sets(round_):
        kept = read_arrays(photo_features(round_, which))
        yield which, 0, kept[CALIBRATE].astype(np.float32), tuple(map(str, kept[f"{CALIBRATE}_sources"]))
    path = round_.folder.root / KNOWN
    if path.is_file():
        kept = read_arrays(path)
        for label in (0, 1):
            own = (kept["parts"] == CALIBRATE) & (kept["labels"] == label)
            if own.any():
                mild = kept["features"][own][:, -1].astype(np.float32)
                yield ("known fakes" if label else "known photos"), label, mild, tuple(map(str, kept["sources"][own]))


def left_by(round_: Round) -> frozenset[str]:
    """New kinds that the last round whose candidate was let through left for later."""
    path = round_.folder.round(max(round_.learned_until, 0)) / LEFT
    is_there = round_.learned_until >= 0 and round_.settings.defence == SELECTIVE and path.is_file()
    return frozenset(read_json(path)["left"]) if is_there else frozenset()


def kind_path(round_: Round, kind: FakeKind) -> Path:
    """Features of a kind."""
    return round_.folder.round(kind.round) / kind.slug / FEATURES


def _fakes(round_: Round, kind: FakeKind) -> Block:
    kept = read_arrays(kind_path(round_, kind))
    n = len(kept[LEARN])
    role = OLD if kind.round <= round_.learned_until and kind.title not in left_by(round_) else NEW
    return Block(
        kind.title,
        role,
        kept[LEARN],
        np.ones(n, np.int64),
        (kind.title,) * n,
        (kind.generator or kind.attack,) * n,
        kind_path(round_, kind),
    )


def _photos(round_: Round, which: str) -> Block:
    path = photo_features(round_, which)
    kept = read_arrays(path)
    n = len(kept[LEARN])
    name = f"photos, {which}"
    return Block(name, PHOTOS, kept[LEARN], np.zeros(n, np.int64), (name,) * n, ("-",) * n, path)


def _labelled(round_: Round) -> Iterator[Block]:
    for number in range(round_.number + 1):
        for label, features, sources in labelled(round_, number):
            name = f"{'rejected' if label else 'approved'} by people, round {number}"
            labels = np.full(len(sources), label, np.int64)
            generators = ("unknown" if label else "-",) * len(sources)
            role = OLD if number <= round_.learned_until else NEW
            yield Block(name, role, features, labels, sources, generators, round_.folder.round(number) / LABELLED)


def _before(round_: Round) -> Iterator[Block]:
    """What was known before the race, reals and fakes apart; what the shipped weights still know, without any."""
    path = round_.folder.root / KNOWN
    if path.is_file():
        kept: dict[str, NDArray[Any]] = read_arrays(path)
        own = kept["parts"] == LEARN
        features, labels = kept["features"][own], kept["labels"][own]
        sources, generators = (tuple(map(str, kept[name][own])) for name in ("sources", "generators"))
    else:
        found = round_.contender.remembered(round_.standing.tensors)
        if found is None:
            return
        path = round_.folder.root / "race.json"
        features = found.features.reshape(-1, N_REMEMBERED_VIEWS, found.features.shape[1])
        labels, sources = found.labels[::N_REMEMBERED_VIEWS], found.sources[::N_REMEMBERED_VIEWS]
        generators = ("-",) * len(labels)
        # A version of this race also remembers what it learned in it, which is at hand as it is.
        own_names = {kind.title for kind in kinds_until(round_.number, round_.settings)}
        labels = np.where([s in own_names or s.startswith(PHOTOS) for s in sources], -1, labels)
    for label, name in enumerate(("known photos", "known fakes")):
        chosen = np.flatnonzero(labels == label)
        if len(chosen):
            block = Block(name, OLD, features, labels, sources, generators, path)
            yield block.only(chosen)


def _check_leaks(round_: Round) -> None:
    for kind in round_.kinds:
        if kind.unseen:
            continue
        folder = round_.path / kind.slug
        learned = {sha256(path) for path in (folder / LEARN).glob("*.png")}
        if any(sha256(path) in learned for path in (folder / "judge").glob("*.png")):
            raise ValueError(
                f"{kind.title}: a fake to judge by is one that is learned from; the generator has collapsed"
            )
