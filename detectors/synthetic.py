"""The detector `synthetic`: is this picture made by a machine? A linear reading of what a CLIP tower sees in it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.base import Neighbour, Pictures, Scores
from detectors.degradation import too_far_gone
from detectors.neighbours import Neighbourhood, Origins
from detectors.probe import Probe
from detectors.reading import Reading, probability
from detectors.token_features import Tower, features_of, patch_map, tokens_of
from detectors.vision_tower import SIDE_PX, Tokens
from generators.images import Pixels
from generators.weights import ModelCard, load

ZOO = Path(__file__).parent / "zoo"
TOWER = "clip_vit_b16_10-1"
READING = "synthetic-3"

MIN_SIDE_PX = 64
"""Smaller pictures were not trained on."""

HEAT_SIDE = 56
"""Longer side of the heat map, in the picture's proportion; the tower sees 14 by 14 patches at most."""

UNLIKE = "it is unlike every picture the detector was trained on"


class Synthetic:
    """Scores whole pictures; the score is the probability of a machine-made one at equal odds beforehand.

    Args:
        zoo: folder with the weights and the card.
        tower: gives the tokens; the shipped one if None.
        reading: name and version of the weights; those that ship if "".

    Attributes:
        stored_as: name and version of the weights that ship.
        side_px: of the picture in small that the tower looks at.
    """

    name = "synthetic"
    stored_as: ClassVar[str] = READING
    side_px: ClassVar[int] = SIDE_PX

    def __init__(self, zoo: Path = ZOO, tower: Tower | None = None, reading: str = "") -> None:
        self._zoo = zoo
        self._given = tower
        self._stored_as = reading or self.stored_as

    @classmethod
    def of_version(cls, folder: Path, stem: str) -> Self:
        """See `Relearnable.of_version`; the tower stays the shipped one."""
        return cls(folder, reading=stem)

    @property
    def card(self) -> ModelCard:
        """Card of the reading; the tower has one of its own."""
        return self._reading[1]

    def score(self, images: Pictures) -> Scores:
        """Score pictures one by one, so that no neighbour in a batch changes a score.

        Raises:
            ValueError: a picture is not (H, W, 3) uint8, or has no pixel.
        """
        said = [self._one(pixels) for pixels in images]
        logits = np.array([logit for logit, *_ in said], np.float64)
        reasons = tuple(reason for _, reason, *_ in said)
        llr = Reading.of(self._reading[0]).llr(logits)
        return Scores(
            fake=probability(logits).astype(np.float32),
            llr=np.where([reason is None for reason in reasons], llr, np.float32(0)),
            heat=[heat for _, _, heat, _ in said],
            abstained=reasons,
            neighbours=tuple(neighbours for *_, neighbours in said) if self._neighbourhood.origins.kinds else None,
        )

    def _one(self, pixels: Pixels) -> tuple[float, str | None, NDArray[np.float32], tuple[Neighbour, ...]]:
        if pixels.size == 0:
            raise ValueError(f"pixels must be (H, W, 3) uint8 and one at least, not {pixels.shape} {pixels.dtype}")
        tokens = tokens_of(self._tower, pixels, self.side_px)
        features = features_of(tokens)
        logit = float(self._probe.logits(features[None])[0])
        distance, neighbours = self._neighbourhood.around(features)
        return logit, self._refusal(pixels, distance), self._heat(tokens, pixels), neighbours

    def _refusal(self, pixels: Pixels, distance: float) -> str | None:
        if min(pixels.shape[:2]) < MIN_SIDE_PX:
            return f"it is smaller than {MIN_SIDE_PX} pixels"
        if distance > self._neighbourhood.limit:
            return UNLIKE
        return too_far_gone(pixels)

    def _heat(self, tokens: tuple[Tokens, ...], pixels: Pixels) -> NDArray[np.float32]:
        low, high = self._reading[0]["heat_range"]
        readings = patch_map(tokens, self._probe.weights)
        height, width = pixels.shape[:2]
        size = [max(1, round(side * HEAT_SIDE / max(height, width))) for side in (width, height)]
        heat = np.clip((readings - low) / (high - low), 0, 1).astype(np.float32)
        return np.asarray(cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR), np.float32)

    @cached_property
    def _reading(self) -> tuple[dict[str, NDArray[Any]], ModelCard]:
        return load(self._stored_as, self._zoo)

    @cached_property
    def _tower(self) -> Tower:
        from detectors.shared_tower import shared_tower

        return self._given or shared_tower()

    @cached_property
    def _probe(self) -> Probe:
        return Probe(self._reading[0]["weights"], self._reading[0]["bias"].item())

    @cached_property
    def _neighbourhood(self) -> Neighbourhood:
        tensors = self._reading[0]
        limit = tensors["neighbour_limit"].item()
        axes = tensors["axes"].astype(np.float32)
        return Neighbourhood(tensors["center"], axes, tensors["bank"], limit, Origins.read(tensors))
