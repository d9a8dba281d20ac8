"""The shipped tower, once a process: detectors that read the same blocks share its memory and the time to load it.

A picture that several detectors look at whole is not remembered: a face or a frame is another picture.
"""

from __future__ import annotations

from functools import cache

from detectors.synthetic import TOWER, ZOO
from detectors.token_features import BLOCKS
from detectors.vision_tower import VisionTower
from generators.weights import load


@cache
def shared_tower() -> VisionTower:
    """Tokens after each of `token_features.BLOCKS`.

    Raises:
        FileNotFoundError, ValueError: the weights are missing, or not those of their card.
    """
    return VisionTower(load(TOWER, ZOO)[0], BLOCKS)
