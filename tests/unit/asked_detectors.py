"""Detectors of simple arithmetic for a scan to ask, and what it says after it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.base import Pictures, Scores, Spot
from detectors.catalog import DETECTORS
from forensics.analyzers.learned import Learned
from forensics.finding import Finding
from forensics.media import Media
from forensics.settings import Limits, ScanSettings
from generators.weights import ModelCard
from tests.make_media import clip, png

CARD = ModelCard(
    name="bright",
    version="7",
    task="says how bright a picture is",
    measures={"auroc nowhere": 0.5},
    limits="knows brightness only",
    sha256="ab" * 32,
    thresholds={"0.05": 0.4, "0.01": 0.6},
)


class Bright:
    """Brightness as a score; the ratio is ten times its distance from one half; dark pictures are not judged."""

    name = "bright"
    card = CARD
    n_made = 0

    def __init__(self) -> None:
        type(self).n_made += 1

    def score(self, images: Pictures) -> Scores:
        level = np.array([pixels.mean() / 255 for pixels in images], np.float32)
        dark = level < 0.1
        return Scores(
            level,
            np.where(dark, 0, (level - 0.5) * 10).astype(np.float32),
            [(pixels[::64, ::64, 0] / np.float32(255)).astype(np.float32) for pixels in images],
            tuple("it is too dark" if d else None for d in dark),
        )


class Forger(Bright):
    """Speaks of manipulation and of clips."""

    card = replace(CARD, claim="manipulated", clips=True, thresholds={})


class Faces(Bright):
    """Boxes the left half of each picture."""

    def score(self, images: Pictures) -> Scores:
        halves = tuple((Spot(0, 0, p.shape[1] // 2, p.shape[0], 0.75, "face"),) for p in images)
        return replace(super().score(images), spots=halves)


class Watching(Bright):
    """Scores how much frames change together; a picture alone is not judged."""

    card = replace(CARD, clips=True)

    def score_clip(self, frames: Pictures) -> Scores:
        levels = np.array([pixels.mean() / 255 for pixels in frames])
        return Scores(np.array([np.ptp(levels)], np.float32), np.array([1.5], np.float32))


def install(monkeypatch: pytest.MonkeyPatch, **kinds: type[Any]) -> None:
    """Let these be all detectors there are."""
    places = {name: f"{kind.__module__}:{kind.__name__}" for name, kind in kinds.items()}
    monkeypatch.setattr(DETECTORS, "places", lambda: places)


def grey(level: int, side: int = 128) -> bytes:
    """A picture of one grey."""
    return png(np.full((side, side, 3), level, np.uint8))


def examine(data: bytes | Path) -> list[Finding]:
    """What all of them say, of four frames of a clip."""
    return list(Learned(ScanSettings()).examine(Media.open(data, limits=Limits(n_frames=4))))


def brightening(folder: Path, levels: Sequence[int]) -> Path:
    """A clip of frames of one grey each."""
    return clip(folder / "clip.mp4", [np.full((64, 96, 3), level, np.uint8) for level in levels])
