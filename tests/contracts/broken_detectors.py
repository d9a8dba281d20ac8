"""Detectors that break one rule each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.base import Pictures, Scores, Spot
from generators.weights import ModelCard


class Sound:
    """Breaks none."""

    name = "sound"
    card = ModelCard("sound", "1", "says how bright a picture is", limits="knows brightness only", claim="synthetic")

    def levels(self, images: Pictures) -> NDArray[np.float32]:
        return np.array([pixels.mean() / 255 for pixels in images], np.float32)

    def score(self, images: Pictures) -> Scores:
        level = self.levels(images)
        heat = [pixels[::8, ::8, 0].astype(np.float32) / np.float32(255) for pixels in images]
        return Scores(level, level - np.float32(0.5), heat)


class Spaced(Sound):
    name = "two words"


class Cardless(Sound):
    card = None  # type: ignore[assignment]


class Boundless(Sound):
    card = replace(Sound.card, limits="")


class Claimless(Sound):
    card = replace(Sound.card, claim="")


class Falling(Sound):
    def score(self, images: Pictures) -> Scores:
        raise IndexError("no such layer")


class Overflowing(Sound):
    def score(self, images: Pictures) -> Scores:
        return Scores(self.levels(images) * 255)


class One(Sound):
    """One score for the whole batch."""

    def score(self, images: Pictures) -> Scores:
        return Scores(self.levels(images)[:1])


class Grudging(Sound):
    def score(self, images: Pictures) -> Scores:
        level = self.levels(images)
        return Scores(level, abstained=("I do not want to.",) * len(level))


class Square(Sound):
    """Its maps cover only the crop that the network saw."""

    def score(self, images: Pictures) -> Scores:
        return Scores(self.levels(images), heat=[np.zeros((16, 16), np.float32) for _ in images])


class Overhanging(Sound):
    """A spot that reaches beyond the picture."""

    def score(self, images: Pictures) -> Scores:
        spots = tuple((Spot(4, 4, pixels.shape[1], 8, 0.5, "face"),) for pixels in images)
        return Scores(self.levels(images), spots=spots)


class Remembering(Sound):
    """The second time a clip scores higher."""

    n_seen = 0

    def score_clip(self, frames: Pictures) -> Scores:
        self.n_seen += 1
        return Scores(np.array([min(self.n_seen / 9, 1)], np.float32))


class Framewise(Sound):
    """One score a frame for what is one clip."""

    def score_clip(self, frames: Pictures) -> Scores:
        return Scores(self.levels(frames))


class Normalizing(Sound):
    """Batch statistics: each score depends on its neighbours."""

    def score(self, images: Pictures) -> Scores:
        level = self.levels(images)
        return Scores(np.clip(0.5 + level - level.mean(), 0, 1).astype(np.float32))


class Restarting(Sound):
    """Random weights: each object gives other scores."""

    def __init__(self) -> None:
        self.weight = np.float32(np.random.default_rng().uniform())

    def score(self, images: Pictures) -> Scores:
        return Scores(self.levels(images) * self.weight)


class Stretching(Sound):
    """Stretches contrast in place."""

    def score(self, images: Pictures) -> Scores:
        for pixels in images:
            pixels[:1] = 0
        return super().score(images)


class Talkative(Sound):
    def score(self, images: Pictures) -> Scores:
        print(len(images))
        return super().score(images)


class Littering(Sound):
    def __init__(self) -> None:
        Path("weights.bin").write_bytes(b"")
