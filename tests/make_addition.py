"""A generator to add to what is known: it makes blue pictures, and they are read by their colours alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detectors.data import Example
from detectors.race.adding import Addition
from detectors.race.contender import Remembered, SyntheticContender, Tensors
from detectors.race.defence import Linear
from detectors.race.settings import RaceSettings
from detectors.shipped import shipped
from detectors.synthetic import READING, ZOO
from detectors.token_features import features_of, tokens_of
from generators.weights import load
from tests.make_media import photo
from tests.make_tower import ColourTower

SHIPS = READING.rpartition("-")[2]
"""The version of `synthetic` that ships."""

SETTINGS = RaceSettings(n_views=2, n_fakes=60, max_false_positives=0.5)
SIDE_PX = 96
BLUE, GREEN, PURPLE = (-20.0, -20.0, 60.0), (0.0, 45.0, 0.0), (0.0, -45.0, 0.0)
"""Casts. A linear reading of colours can learn blue besides green, and purple only instead of green."""


class Forgetful(SyntheticContender):
    """Knows the shipped pictures no more, which would be ten thousand. To it what ships reads green alone."""

    def reading(self, tensors: Tensors) -> Linear:
        """Of a version that was learned as stored; of the shipped one, which says nothing of colours alone, green."""
        stored = super().reading(tensors)
        return _green() if np.array_equal(stored.weights, _shipped_weights()) else stored

    def remembered(self, tensors: Tensors) -> Remembered | None:
        """Nothing."""
        return None


@cache
def _shipped_weights() -> NDArray[np.float32]:
    return np.asarray(load(READING, ZOO)[0]["weights"], np.float32)


@cache
def _green() -> Linear:
    """Log odds of 1 for plain photos in the middle and of 7 for green ones; blue says nothing for or against.

    So a third of the photos count as fakes, as with what is learned from so few, and the gate has no cause to refuse.
    """
    plain, green, blue = (
        np.mean([_features(_picture(9000 + i, cast)) for i in range(40)], axis=0) for cast in ((0, 0, 0), GREEN, BLUE)
    )
    away, along = green - plain, blue - plain
    weights = away - along * (away @ along / (along @ along))
    weights *= 6 / (away @ weights)
    return Linear(weights.astype(np.float32), float(1 - plain @ weights))


def _features(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return features_of(tokens_of(ColourTower(), pixels))


def write_pictures(root: Path) -> Path:
    """Photos, pictures with a blue or a purple cast by new generators, and green known fakes beside other photos."""
    for i in range(60):
        _write(root / "photos" / f"{i}.png", i)
    for i in range(80):
        _write(root / "blue" / f"{i}.png", 1000 + i, BLUE)
        _write(root / "purple" / f"{i}.png", 2000 + i, PURPLE)
    for source in range(8):
        for i in range(8):
            label = source % 2
            _write(root / "known" / f"{source}-{i}.png", 5000 + 10 * source + i, GREEN if label else (0, 0, 0))
    return root


def addition(pictures: Path, folder: Path) -> Addition:
    """The blue generator, learned from the pictures below a folder; everything that is written goes below another."""
    return Addition(
        name="blue",
        out=folder / "out",
        photos=pictures / "photos",
        models=folder / "models",
        settings=SETTINGS,
        images=pictures / "blue",
        known=_known(pictures),
        numbers=(5,),
        n_draws=1,
        contender=Forgetful(ColourTower()),
    )


def _known(pictures: Path) -> list[Example]:
    """Two of the sources are called like two that the shipped version was learned from: these are learned again."""
    titles = [title.partition(": ") for title in shipped("synthetic").card.data]
    sources = {n: f"source {n}" for n in range(8)}
    sources |= {n: next(name for kind, _, name in titles if kind == ("real", "fake")[n]) for n in (0, 1)}
    named = [(path, int(path.name[0])) for path in sorted((pictures / "known").glob("*.png"))]
    return [Example(p, n % 2, sources[n], "older", "diffusion" if n % 2 else "-") for p, n in named]


def _write(path: Path, seed: int, cast: tuple[float, float, float] = (0, 0, 0)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(_picture(seed, cast)).save(path)


def _picture(seed: int, cast: tuple[float, float, float]) -> NDArray[np.uint8]:
    pixels = photo(seed, width=SIDE_PX, height=SIDE_PX).astype(np.float32) + np.float32(cast)
    return np.clip(pixels, 0, 255).astype(np.uint8)
