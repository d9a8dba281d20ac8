"""An outside model as a detector like any other, without ratios until it was calibrated on a user's own sources."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.base import Pictures, Scores
from detectors.calibration import LOG10_E
from detectors.outside.described import Described
from detectors.outside.model_folder import read, read_weights
from detectors.outside.networks import Network, network_of
from detectors.reading import probability
from generators.images import Pixels
from generators.weights import ModelCard

MIN_SIDE_PX = 32
"""A smaller picture would be mostly enlarged or black; no network here was trained on that."""


class Outside:
    """Scores whole pictures with a network of somebody else.

    The score is the probability that the network itself states, and after calibration the one at equal odds beforehand
    on the sources it was calibrated on.

    Args:
        name: of the model.
        folder: where outside models are kept.

    Raises:
        LookupError: there is no such model.
        ValueError: its card makes no sense.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.card: ModelCard = read(name, folder)
        self._folder = folder
        self._described = Described.of(self.card)

    def score(self, images: Pictures) -> Scores:
        """Score pictures one by one, so that no neighbour in a batch changes a score."""
        prepared = [self._described.preprocessing(pixels) for pixels in images]
        logits = np.array([self._logit(values) for values in prepared], np.float64)
        heat = [self._heat(*given) for given in zip(images, prepared, logits, strict=True)]
        reasons = tuple(
            f"it is smaller than {MIN_SIDE_PX} pixels" if min(pixels.shape[:2]) < MIN_SIDE_PX else None
            for pixels in images
        )
        fitted = self._described.calibration
        llr = None
        if fitted is not None:
            logits = fitted.slope * logits + fitted.bias
            bounded = np.clip(logits * LOG10_E, fitted.floor, fitted.ceiling)
            llr = np.where([reason is None for reason in reasons], bounded, 0.0).astype(np.float32)
        can_show = self._described.kind != "onnx"
        return Scores(probability(logits).astype(np.float32), llr, heat if can_show else None, abstained=reasons)

    def logit(self, pixels: Pixels) -> float:
        """Natural log odds of a fake as the network sees it, before any calibration."""
        return self._logit(self._described.preprocessing(pixels))

    def _logit(self, values: NDArray[np.float32]) -> float:
        return self._described.reading.logit(self._network.outputs(values))

    def _heat(self, pixels: Pixels, values: NDArray[np.float32], logit: float) -> NDArray[np.float32]:
        """Where the network saw a fake, (h, w) 0..1; its brightest place is as bright as the network is sure.

        Of what it takes for real there is nothing to show, and nothing is reckoned.
        """
        height, width = pixels.shape[:2]
        found = self._network.activation_map(values, self._described.reading) if logit > 0 else None
        if found is None or not found.any():
            return np.zeros((1, 1), np.float32)
        strength = float(probability(np.array([logit]))[0]) / float(found.max())
        return self._described.preprocessing.over_whole(found * np.float32(strength), width, height)

    @cached_property
    def _network(self) -> Network:
        return network_of(self._described, read_weights(self.card, self._folder))
