"""The pixel contract: (N, 3, H, W) float32 RGB 0..1 inside, (H, W, 3) uint8 RGB at the border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""
Images = NDArray[np.float32]
"""(N, 3, H, W) float32 RGB 0..1."""
Masks = NDArray[np.float32]
"""(N, 1, H, W) float32, 1 where a picture was changed."""


def to_float(pixels: NDArray[np.uint8]) -> Images:
    """(N, H, W, 3) or (H, W, 3) uint8 -> (N, 3, H, W) float32 0..1."""
    batch = pixels[None] if pixels.ndim == 3 else pixels
    if batch.ndim != 4 or batch.shape[-1] != 3 or batch.dtype != np.uint8:
        raise ValueError(f"pixels must be (N, H, W, 3) uint8, not {pixels.shape} {pixels.dtype}")
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


def to_uint8(images: Images) -> NDArray[np.uint8]:
    """(N, 3, H, W) float 0..1 -> (N, H, W, 3) uint8, rounded to nearest."""
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images must be (N, 3, H, W), not {images.shape}")
    pixels: NDArray[np.uint8] = np.clip(np.rint(images * 255.0), 0, 255).astype(np.uint8)
    return pixels.transpose(0, 2, 3, 1)
