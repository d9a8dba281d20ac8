"""Generators that break one rule each."""

from __future__ import annotations

import random
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from generators.base import FakeBatch, Family, check_sources, everywhere, keep_outside, randomness
from generators.images import Images, Masks
from generators.weights import ModelCard

CARD = ModelCard("sound", "1", "darkens photos", data={"none": 1}, limits="darkens only", licence="free")


class Sound:
    """Breaks none: darkens a rectangle."""

    name: ClassVar[str] = "sound"
    about: ClassVar[str] = "A rectangle in a photo gets darker."
    family: ClassVar[Family] = Family.FORGERY
    needs_sources: ClassVar[bool] = True
    min_side_px: ClassVar[int] = 16
    card: ModelCard | None = CARD

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        check_sources(sources, self.min_side_px)
        masks = self.masks(sources, seed)
        return self.batch(keep_outside(sources * np.float32(0.5), sources, masks), masks, seed)

    def masks(self, sources: Images, seed: int) -> Masks:
        masks = np.zeros((len(sources), 1, *sources.shape[2:]), np.float32)
        for mask, rng in zip(masks, randomness(seed, len(sources)), strict=True):
            y, x = rng.integers(0, 8, 2)
            mask[0, y : y + 8, x : x + 8] = 1
        return masks

    def batch(self, images: Images, masks: Masks, seed: int, **given: Any) -> FakeBatch:
        recipes = ("half as bright",) * len(images)
        return FakeBatch(
            **({"recipes": recipes, "generator": self.name} | given), images=images, masks=masks, seed=seed
        )


class Maker(Sound):
    """Breaks none: noise from nothing."""

    needs_sources = False
    card = None

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        check_sources(sources, 1)
        drawn = [rng.random((3, self.min_side_px, 20), np.float32) for rng in randomness(seed, len(sources))]
        return self.batch(np.stack(drawn), everywhere(np.stack(drawn)), seed)


class Spaced(Sound):
    name = "two words"


class Untold(Sound):
    about = ""


class Homeless(Sound):
    family = "magic"  # type: ignore[assignment]


class Immeasurable(Sound):
    min_side_px = 0


class Carded(Sound):
    card = "sound-1"  # type: ignore[assignment]


class Boundless(Sound):
    card = replace(CARD, limits="")


class Falling(Sound):
    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        raise IndexError("no such layer")


class Even(Sound):
    """Copes with even sizes only."""

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        sources.reshape(len(sources), 3, sources.shape[2] // 2, 2, -1)
        return super().forge(sources, seed=seed)


class One(Sound):
    """One fake for the whole batch."""

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        return super().forge(sources[:1], seed=seed)


class Overflowing(Sound):
    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        check_sources(sources, self.min_side_px)
        return self.batch(sources * np.float32(255), everywhere(sources), seed)


class Shrinking(Sound):
    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        return super().forge(np.ascontiguousarray(sources[:, :, 1:]), seed=seed)


class Idle(Sound):
    """Says that nothing was changed."""

    def masks(self, sources: Images, seed: int) -> Masks:
        return np.zeros((len(sources), 1, *sources.shape[2:]), np.float32)


class Renamed(Sound):
    def batch(self, images: Images, masks: Masks, seed: int, **given: Any) -> FakeBatch:
        return super().batch(images, masks, seed, generator="another")


class Rambling(Sound):
    def batch(self, images: Images, masks: Masks, seed: int, **given: Any) -> FakeBatch:
        return super().batch(images, masks, seed, recipes=("half\nas bright",) * len(images))


class Rolling(Sound):
    """Draws from nobody's seed."""

    def masks(self, sources: Images, seed: int) -> Masks:
        return super().masks(sources, int(np.random.default_rng().integers(1 << 31)))


class Counting(Sound):
    """Remembers how often it was asked."""

    n_asked = 0

    def masks(self, sources: Images, seed: int) -> Masks:
        self.n_asked += 1
        return super().masks(sources, seed + self.n_asked)


class Normalizing(Sound):
    """Batch statistics: each fake depends on its neighbours."""

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        check_sources(sources, self.min_side_px)
        masks = self.masks(sources, seed)
        level = np.float32(sources[:, :, 0, 0].mean())
        return self.batch(keep_outside(np.full_like(sources, level), sources, masks), masks, seed)


class Stubborn(Sound):
    """One random state for the whole batch."""

    def masks(self, sources: Images, seed: int) -> Masks:
        return np.repeat(super().masks(sources[:1], seed), len(sources), axis=0)


class Deaf(Sound):
    """Hears no seed."""

    def masks(self, sources: Images, seed: int) -> Masks:
        masks = np.zeros((len(sources), 1, *sources.shape[2:]), np.float32)
        masks[:, :, :8, :8] = 1
        return masks


class Spilling(Sound):
    """Its decoder goes over the whole photo."""

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        check_sources(sources, self.min_side_px)
        masks = self.masks(sources, seed)
        seen = np.rint(sources * np.float32(255)) / np.float32(255)
        return self.batch(keep_outside(sources * np.float32(0.5), seen, masks), masks, seed)


class Painter(Sound):
    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        sources[:, :, :1] = 0
        return super().forge(sources, seed=seed)


class Lenient(Sound):
    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        masks = self.masks(sources, seed)
        return self.batch(keep_outside(sources * np.float32(0.5), sources, masks), masks, seed)


class Clumsy(Sound):
    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        if min(sources.shape[2:]) < self.min_side_px:
            raise IndexError("index 15 is out of bounds")
        return super().forge(sources, seed=seed)


class Talkative(Sound):
    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        print(len(sources))
        return super().forge(sources, seed=seed)


class Littering(Sound):
    def __init__(self) -> None:
        Path("weights.bin").write_bytes(b"")


class Fetching(Sound):
    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        try:
            urllib.request.urlopen("http://127.0.0.1:9/weights", timeout=0.01)
        except OSError:
            return super().forge(sources, seed=seed)
        raise AssertionError


class Seeding(Sound):
    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        random.seed(seed)
        return super().forge(sources, seed=seed)


class Peeping(Maker):
    """Looks at sources that it says it does not need."""

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        batch = super().forge(sources, seed=seed)
        return self.batch(batch.images * np.float32(1 - sources.mean() / 2), batch.masks, seed)


class Collapsed(Maker):
    """Makes the same picture whatever the seed."""

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        check_sources(sources, 1)
        images = np.ones((len(sources), 3, self.min_side_px, 20), np.float32)
        return self.batch(images, everywhere(images), seed)


class Halfway(Maker):
    """Says that it made only a part, and there is nothing that the rest could be."""

    def batch(self, images: Images, masks: Masks, seed: int, **given: Any) -> FakeBatch:
        masks[:, :, :2] = 0
        return super().batch(images, masks, seed, **given)


class Tiny(Maker):
    min_side_px = 30
