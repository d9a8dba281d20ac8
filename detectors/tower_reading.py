"""What detectors share that read the shipped tower linearly: where their weights lie, how a picture is looked at."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from detectors.face_features import PLACE, Look
from detectors.reading import Reading
from detectors.shared_tower import shared_tower
from detectors.synthetic import ZOO
from detectors.vision_tower import Tokens
from generators.weights import ModelCard, load


def look_with_tower(pixels: NDArray[np.uint8]) -> Tokens:
    """Tokens of a picture (1, SIDE_PX, SIDE_PX, 3) by the shipped tower."""
    return shared_tower().tokens(pixels)[PLACE]


class TowerReading:
    """A stored reading of the tower's tokens.

    Args:
        zoo: folder with the weights and the card.
        look: gives the tokens of a picture; the shipped tower if None.
        stored_as: name and version of the weights; those that ship if "".

    Attributes:
        stored_as: name and version of the weights that ship.
    """

    stored_as: ClassVar[str]

    def __init__(self, zoo: Path = ZOO, look: Look | None = None, stored_as: str = "") -> None:
        self._zoo = zoo
        self._look = look or look_with_tower
        self._stored_as = stored_as or self.stored_as

    @classmethod
    def of_version(cls, folder: Path, stem: str) -> Self:
        """See `Relearnable.of_version`; the tower stays the shipped one."""
        return cls(folder, stored_as=stem)

    @property
    def card(self) -> ModelCard:
        """Card of the reading; the tower has one of its own."""
        return self._stored[1]

    @cached_property
    def _stored(self) -> tuple[dict[str, NDArray[Any]], ModelCard]:
        return load(self._stored_as, self._zoo)

    @cached_property
    def _reading(self) -> Reading:
        return Reading.of(self._stored[0])
