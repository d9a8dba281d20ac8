"""Fixed residuals of a picture at its own resolution: what is left when the scene is filtered out.

Decoders and up-samplers draw neighbouring pixels out of one coarser value, a sensor measures each by itself. What tells
them apart lies in differences of a few steps, beside which the scene is large: it is filtered out and cut off before
anything is learned, so that no network can go by what a picture shows.

Source:
    Tan et al., "Rethinking the up-sampling operations in CNN-based generative network for generalizable deepfake
    detection", CVPR 2024 (neighbours). Kirchner, Fridrich, SPIE 7541, 2010 (median). Fridrich, Kodovsky, "Rich models
    for steganalysis of digital images", IEEE TIFS 7(3), 2012 (high-pass residuals, and cutting them off).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.residuals import IMMERKAER
from generators.images import Pixels

Planes = NDArray[np.float32]
"""(C, H, W) float32, what a network reads of a picture."""

CUT_OFF = 8.0
"""Steps of 8 bits beyond which a residual says no more: noise and traces lie within, edges of the scene beyond."""

NEIGHBOURS = (np.array([[-1, 1]], np.float32), np.array([[-1], [1]], np.float32))
"""Differences to the pixel on the left and to the one above."""

MEDIAN_PX = 3

N_PLANES = 3 * (len(NEIGHBOURS) + 2)


def residual_planes(pixels: Pixels) -> Planes:
    """Differences to two neighbours, to the median around, and a high-pass, of each colour.

    Args:
        pixels: (H, W, 3) uint8 RGB.

    Returns:
        (N_PLANES, H, W) float32 within -1..1; the same for a picture that is lighter or darker by some steps, as long
        as nothing is clipped.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"pixels must be (H, W, 3) uint8, not {pixels.shape} {pixels.dtype}")
    found = np.empty((3, N_PLANES // 3, *pixels.shape[:2]), np.float32)
    for planes, colour in zip(found, cv2.split(pixels), strict=True):
        for plane, kernel in zip(planes, (*NEIGHBOURS, IMMERKAER), strict=False):
            cv2.filter2D(colour, cv2.CV_32F, kernel, dst=plane, borderType=cv2.BORDER_REPLICATE)
        cv2.subtract(colour, cv2.medianBlur(colour, MEDIAN_PX), dst=planes[-1], dtype=cv2.CV_32F)
    np.clip(found, -CUT_OFF, CUT_OFF, out=found)
    found *= np.float32(1 / CUT_OFF)
    return found.reshape(N_PLANES, *pixels.shape[:2])
