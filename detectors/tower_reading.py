"""What detectors share that read the shipped tower linearly: where their weights lie, how a picture is looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.face_features import BLOCK, Look
from detectors.shared_tower import shared_tower
from detectors.stored_reading import StoredReading
from detectors.synthetic import ZOO
from detectors.vision_tower import Tokens


def look_with_tower(pixels: NDArray[np.uint8]) -> Tokens:
    """Tokens of a picture (1, SIDE_PX, SIDE_PX, 3) by the shipped tower."""
    return shared_tower().tokens_at(BLOCK, pixels)


class TowerReading(StoredReading):
    """A stored reading of the tower's tokens.

    Args:
        zoo: folder with the weights and the card.
        look: gives the tokens of a picture; the shipped tower if None.
        stored_as: name and version of the weights; those that ship if "".
    """

    def __init__(self, zoo: Path = ZOO, look: Look | None = None, stored_as: str = "") -> None:
        super().__init__(zoo, stored_as=stored_as)
        self._look = look or look_with_tower
