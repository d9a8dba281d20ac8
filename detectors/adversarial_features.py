"""What gives a perturbed file away: readings do not hold in small, and its grain is unnatural.

A perturbation lives in directions that natural pictures hardly have, and was found on what a network sees of the
picture. Shrunk further, it averages out: readings of `synthetic` and `glance`, asked at both sizes that the tower looks
at, then move much further than on a photo. That tells attacks on this very tower, also weak ones, at either size. The
grain tells any change of every pixel, whatever network it was meant for.

On sources held out, all but patches: grain alone 0.888; beside it the gaps of the reading of `synthetic` after a blur
and after JPEG 75 of what the tower sees, which cost two more looks at full size, 0.920; its gap between both sizes
0.924, with that of the reading of `glance` 0.934.

Source: Xu, Evans, Qi, "Feature squeezing: detecting adversarial examples in deep neural networks", NDSS 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.glance import SIDE_PX
from detectors.residual_histograms import N_HISTOGRAMS, histograms
from detectors.token_features import whole_picture
from generators.images import Pixels
from generators.launder import Fit

Read: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""A picture (1, s, s, 3) as the tower sees it -> (N_READINGS,) natural log odds of fake, one by each reading."""

N_READINGS = 2

SMALL_PX = SIDE_PX
"""Of the smaller look."""

MEDIUM_PX = 640
"""Larger pictures are shrunk to it before their grain is counted: perturbations are coarse there, for they were found
on what the tower sees of them."""

SOFTEST = 0.1
"""Added to a gap before its logarithm: a tenth of a natural unit is nothing."""

N_FEATURES = 2 * N_HISTOGRAMS + N_READINGS

GROUPS = (slice(0, 2 * N_HISTOGRAMS), slice(2 * N_HISTOGRAMS, N_FEATURES))
"""Grain, and gaps of the readings; each is read by itself."""


def features(read: Read, pixels: Pixels) -> NDArray[np.float32]:
    """Grain of the picture and of what the tower sees of it, and how far each reading moves from one size to the other.

    Args:
        read: readings of what the tower sees.
        pixels: (H, W, 3) uint8 RGB.

    Returns:
        (N_FEATURES,) float32.
    """
    usual = whole_picture(pixels)
    gaps = np.abs(read(usual) - read(whole_picture(pixels, SMALL_PX)))
    grain = histograms(Fit(MEDIUM_PX)(pixels)), histograms(usual[0])
    return np.concatenate((*grain, np.log(gaps + SOFTEST))).astype(np.float32)
