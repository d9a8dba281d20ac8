"""The detector `adversarial`: was this file perturbed to fool a detector? A linear reading of its grain and of gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from detectors.adversarial_features import GROUPS, Read, features
from detectors.base import Pictures, Scores
from detectors.degradation import too_far_gone
from detectors.probe import Probe
from detectors.reading import Reading, probability
from detectors.shared_tower import shared_tower
from detectors.synthetic import MIN_SIDE_PX, UNLIKE, ZOO
from detectors.token_features import features_of
from generators.images import Pixels
from generators.weights import ModelCard, load

READING = "adversarial-3"

TOO_SMALL = f"it is smaller than {MIN_SIDE_PX} pixels"

LOOKED_AT = "looked_at_"
"""Before the names of the tensors of the readings whose gaps are looked at, which the file keeps."""

A_CLIP = "it was made for still pictures"
"""Each frame would take two passes through the tower for a score that could not count."""


class TowerRead:
    """Readings of what the shipped tower sees. Gaps were learned of these, and mean nothing of others.

    Args:
        probes: what they read.
    """

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = tuple(probes)

    @classmethod
    def shipped(cls, names: Sequence[str]) -> Self:
        """Those of shipped readings.

        Args:
            names: with versions.
        """
        found = [load(name, ZOO)[0] for name in names]
        return cls([Probe(tensors["weights"], tensors["bias"].item()) for tensors in found])

    @classmethod
    def kept(cls, tensors: Mapping[str, NDArray[Any]]) -> Self:
        """Those that a file holds, see `tensors`."""
        found = zip(tensors[f"{LOOKED_AT}weights"], tensors[f"{LOOKED_AT}bias"].tolist(), strict=True)
        return cls([Probe(weights, bias) for weights, bias in found])

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Natural log odds of fake of a picture (1, s, s, 3) by each reading."""
        row = features_of(shared_tower().tokens(pixels))[None]
        return np.concatenate([probe.logits(row) for probe in self._probes])

    @property
    def tensors(self) -> dict[str, NDArray[Any]]:
        """What `kept` wants."""
        return {
            f"{LOOKED_AT}weights": np.stack([probe.weights for probe in self._probes]),
            f"{LOOKED_AT}bias": np.array([probe.bias for probe in self._probes], np.float64),
        }


class Adversarial:
    """Scores whole pictures; the score is the probability of a perturbed one at equal odds beforehand.

    Args:
        zoo: folder with the weights and the card.
        read: the readings whose gaps are looked at; those that the file keeps if None.
    """

    name = "adversarial"

    def __init__(self, zoo: Path = ZOO, read: Read | None = None) -> None:
        self._zoo = zoo
        self._given = read

    @property
    def card(self) -> ModelCard:
        """Card of the reading; the tower has one of its own."""
        return self._stored[1]

    def score(self, images: Pictures) -> Scores:
        """Score pictures one by one, so that no neighbour in a batch changes a score."""
        said = [self._one(pixels) for pixels in images]
        logits = np.array([logit for logit, _ in said], np.float64)
        reasons = tuple(reason for _, reason in said)
        llr = np.where([reason is None for reason in reasons], self._reading.llr(logits), np.float32(0))
        return Scores(probability(logits).astype(np.float32), llr, abstained=reasons)

    def score_clip(self, frames: Pictures) -> Scores:
        """It judges no clips; no frame is looked at."""
        return Scores(np.zeros(1, np.float32), np.zeros(1, np.float32), abstained=(A_CLIP,))

    def _one(self, pixels: Pixels) -> tuple[float, str | None]:
        if min(pixels.shape[:2]) < MIN_SIDE_PX:
            return 0.0, TOO_SMALL
        found = features(self._read, pixels)
        logit = float(self._reading.logits(found[None])[0])
        if distance(found[None], self._stored[0])[0] > self._stored[0]["limit"].item():
            return logit, UNLIKE
        return logit, too_far_gone(pixels)

    @cached_property
    def _stored(self) -> tuple[dict[str, NDArray[Any]], ModelCard]:
        return load(READING, self._zoo)

    @cached_property
    def _read(self) -> Read:
        return self._given or TowerRead.kept(self._stored[0])

    @cached_property
    def _reading(self) -> Reading:
        return Reading.of(self._stored[0])


def distance(rows: NDArray[np.float32], tensors: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """How far the grain of pictures is from that of the training set, in standard deviations of a feature.

    Args:
        rows: (N, N_FEATURES).
        tensors: with center and scale, (D,) of the grain.

    Returns:
        (N,) roots of the mean squares.
    """
    standard = (rows[:, GROUPS[0]] - tensors["center"]) / tensors["scale"]
    return np.asarray(np.sqrt(np.square(standard, dtype=np.float64).mean(axis=1)))
