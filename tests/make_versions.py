"""A detector that is learned anew in no time, and versions of it, for tests of the registry and what uses it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.base import Pictures, Scores
from detectors.catalog import DETECTORS
from detectors.lineage import Lineage, Version
from detectors.registry import Registry
from generators.weights import ModelCard, load

CARD = ModelCard("level", "1", "says how bright a picture is", sha256="ab" * 32, thresholds={"0.05": 0.9})


class Level:
    """Brightness times a weight as a score; the weight is 1 in the shipped version."""

    name = "level"

    def __init__(self, folder: Path | None = None, stem: str = "") -> None:
        self._folder = folder
        self._stem = stem

    @classmethod
    def of_version(cls, folder: Path, stem: str) -> Level:
        return cls(folder, stem)

    @property
    def card(self) -> ModelCard:
        return self._stored[1]

    def score(self, images: Pictures) -> Scores:
        weight = float(self._stored[0]["weight"][0])
        level = np.array([pixels.mean() / 255 for pixels in images], np.float32)
        return Scores(np.clip(level * weight, 0, 1).astype(np.float32), np.zeros(len(images), np.float32))

    @property
    def _stored(self) -> tuple[dict[str, NDArray[Any]], ModelCard]:
        return ({"weight": np.ones(1)}, CARD) if self._folder is None else load(self._stem, self._folder)


class Fixed(Level):
    """Its weights cannot be learned anew."""

    name = "fixed"
    of_version = None  # type: ignore[assignment]
    card = replace(CARD, name="fixed")


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let these two be the installed detectors."""
    monkeypatch.setattr(DETECTORS, "places", lambda: {k.name: f"{__name__}:{k.__name__}" for k in (Level, Fixed)})


def learn(registry: Registry, weight: float, *, parent: str = "1", round_number: int = 1) -> Version:
    """Add a version that scores so many times the brightness."""
    lineage = Lineage(parent, "toy", round_number, {"fakes": "cd" * 32}, {"seed": 3}, {"auroc eval": 0.75})
    return registry.add("level", {"weight": np.array([weight], np.float32)}, CARD, lineage)
