"""How hard a picture was compressed is read off its pixels, whatever its file; what is too far gone is refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from detectors.degradation import FINEST, jpeg_quality, sharpness, too_far_gone
from tests.make_media import decode, jpeg, photo, png

PHOTO = photo(3, width=480, height=360)


@pytest.mark.parametrize("quality", [8, 10, 15, 20, 30, 50, 70])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_quality_of_a_jpeg_is_read_off_its_pixels(quality: int, seed: int) -> None:
    pixels = decode(jpeg(photo(seed, width=480, height=360), quality=quality))
    assert jpeg_quality(pixels) == pytest.approx(quality, rel=0.08)
    assert jpeg_quality(decode(png(pixels))) == jpeg_quality(pixels), "another container hides nothing"


def test_the_coarser_of_two_compressions_counts() -> None:
    coarse = decode(jpeg(PHOTO, quality=12))
    assert jpeg_quality(decode(jpeg(coarse, quality=90))) == pytest.approx(12, rel=0.15)


def test_what_was_never_compressed_or_resized_since_shows_no_lattice() -> None:
    assert jpeg_quality(PHOTO) == FINEST
    assert jpeg_quality(np.full((64, 64, 3), 90, np.uint8)) == FINEST
    shrunk = cv2.resize(decode(jpeg(PHOTO, quality=30)), (333, 250), interpolation=cv2.INTER_AREA)
    assert jpeg_quality(shrunk) == FINEST


def test_blur_takes_sharpness_away_and_size_alone_does_not() -> None:
    levels = [sharpness(cv2.GaussianBlur(PHOTO, (0, 0), s), 224) for s in (1, 2, 4, 8)]
    assert levels == sorted(levels, reverse=True) and sharpness(PHOTO, 224) > levels[0]
    assert sharpness(np.zeros((64, 64, 3), np.uint8), 224) < -2


@pytest.mark.parametrize(
    ("quality", "words"), [(8, "quality of about 8"), (12, "quality of about 12"), (25, None), (90, None)]
)
def test_too_hard_a_compression_is_named_with_its_quality(quality: int, words: str | None) -> None:
    reason = too_far_gone(decode(jpeg(PHOTO, quality=quality)))
    assert reason is None if words is None else reason is not None and words in reason


def test_too_strong_a_blur_is_named() -> None:
    reason = too_far_gone(cv2.GaussianBlur(PHOTO, (0, 0), 16))
    assert reason is not None and "blurred" in reason and too_far_gone(PHOTO) is None


def test_odd_and_tiny_sizes_are_measured() -> None:
    for height, width in ((8, 8), (9, 70), (71, 65), (64, 3000)):
        assert 0 < jpeg_quality(photo(1, width=max(width, 16), height=max(height, 16))[:height, :width]) <= FINEST
