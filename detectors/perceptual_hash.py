"""Perceptual hashes (PDQ): pictures that look alike differ in few of 256 bits, whatever their encoding or size.

Source: ThreatExchange, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_QUALITY = 50
"""Below it a picture has too little structure (a wall, a black frame): unrelated ones collide. The paper's bound."""

MAX_DISTANCE_BITS = 31
"""Two pictures this close are the same to the eye; the paper's working threshold."""

HASH_SIDE_PX = 512
"""PDQ works on 64 x 64; shrinking first, as the reference tools do, keeps large pictures cheap. It moves 12 bits on a
12-megapixel picture, the same ones on each copy of it."""

_N_SET = np.array([bin(value).count("1") for value in range(256)], np.uint8)


def pdq(pixels: NDArray[np.uint8]) -> str | None:
    """Hash of one picture.

    Args:
        pixels: (H, W, 3) uint8 sRGB.

    Returns:
        64 hex digits; None when the picture has too little structure.
    """
    import cv2
    import pdqhash

    height, width = pixels.shape[:2]
    scale = HASH_SIDE_PX / max(height, width)
    if scale < 1.0:
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    bits, quality = pdqhash.compute(np.ascontiguousarray(pixels))
    return np.packbits(bits.astype(np.uint8)).tobytes().hex() if quality >= MIN_QUALITY else None


def distances(hashes: NDArray[np.uint8], wanted: str) -> NDArray[np.int64]:
    """Hamming distances in bits.

    Args:
        hashes: (n, 32) uint8.
        wanted: 64 hex digits.

    Returns:
        (n,) 0..256.
    """
    if hashes.size == 0:
        return np.zeros(0, np.int64)
    if hasattr(np, "bitwise_count") and hashes.flags.c_contiguous:
        # From NumPy 2 on processors count bits themselves, eight bytes at a time: some ten times as fast.
        words = hashes.view(np.uint64) ^ packed(wanted).view(np.uint64)  # (n, 4)
        return np.asarray(np.bitwise_count(words).sum(axis=1, dtype=np.int64))
    counted: NDArray[np.int64] = _N_SET[hashes ^ packed(wanted)].sum(axis=1, dtype=np.int64)
    return counted


def packed(text: str) -> NDArray[np.uint8]:
    """64 hex digits -> (32,) uint8.

    Raises:
        ValueError: it is not 64 hex digits.
    """
    if len(text) != 64:
        raise ValueError(f"a PDQ hash has 64 hex digits, not {len(text)}")
    return np.frombuffer(bytes.fromhex(text), np.uint8)
