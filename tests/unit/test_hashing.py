"""Perceptual hashes stay close under re-encoding and apart for other pictures."""

from __future__ import annotations

import cv2
import numpy as np

from detectors.perceptual_hash import MAX_DISTANCE_BITS, distances, packed, pdq
from forensics.hashing import media_hashes
from forensics.media import Media
from tests.make_media import decode, jpeg, photo


def apart(one: str | None, other: str | None) -> int:
    assert one is not None and other is not None
    return int(distances(packed(one)[None], other)[0])


def test_resaving_and_resizing_stay_within_the_threshold() -> None:
    pixels = photo(1)
    small = cv2.resize(pixels, (384, 288), interpolation=cv2.INTER_AREA).astype(np.uint8)
    for copy in (decode(jpeg(pixels, 40)), small, np.clip(pixels.astype(int) + 12, 0, 255).astype(np.uint8)):
        assert apart(pdq(pixels), pdq(copy)) <= MAX_DISTANCE_BITS


def test_different_scenes_are_far_apart() -> None:
    hashes = [pdq(photo(seed)) for seed in range(5)]
    assert min(apart(a, b) for i, a in enumerate(hashes) for b in hashes[:i]) > 2 * MAX_DISTANCE_BITS


def test_a_picture_without_structure_has_no_hash() -> None:
    assert pdq(np.full((200, 300, 3), 128, np.uint8)) is None
    assert pdq(np.zeros((1, 1, 3), np.uint8)) is None


def test_an_image_has_one_hash_and_a_flat_one_none() -> None:
    pixels = photo(2)
    assert media_hashes(Media.open(jpeg(pixels), name="a")) == (pdq(decode(jpeg(pixels))),)
    assert media_hashes(Media.open(jpeg(np.full((64, 64, 3), 9, np.uint8)), name="a")) == ()
