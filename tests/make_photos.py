"""Photos of a temple and a flower that come with scikit-learn, taken anew: what people can judge at a glance.

`make_media.photo` draws clouds of any size instead.
"""

from __future__ import annotations

import cv2
import numpy as np

from tests.make_media import Pixels, exposed

CREDIT = "a temple by danielbuechele, a flower by vultilion (Flickr), both CC BY 2.0"

SHRUNK = 0.85
"""Enough for nothing to be left of the JPEG files they lie in."""


def taken(
    name: str, seed: int, *, left: int = 0, width: int = 542, top: int = 0, height: int = 362, noise: float = 0.5
) -> Pixels:
    """A part of one of them, as a camera would take it.

    Args:
        name: "china" or "flower".
        seed: of the sensor noise.
        left, width, top, height: of the part of 544 x 362 pixels; sizes are even.
        noise: of the sensor, see `make_media.photo`; there is what the photo has besides.

    Returns:
        (height, width, 3) uint8.
    """
    from sklearn.datasets import load_sample_image

    whole = load_sample_image(f"{name}.jpg").astype(np.float32)
    small = cv2.resize(whole, None, fx=SHRUNK, fy=SHRUNK, interpolation=cv2.INTER_AREA)
    part = np.ascontiguousarray(small[top : top + height, left : left + width])
    return exposed(part, np.random.default_rng(seed), noise=noise)
