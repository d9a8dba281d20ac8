"""Resampling: interpolation leaves a period, in the part that was resized and nowhere else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from detectors.interpolation import STEP_PX, WINDOW_PX, enlargement, line_peaks, usable, whole_picture_peak
from forensics.analyzers.resampling import WHOLE_PEAK, Resampling
from forensics.finding import Finding
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import Pixels, jpeg, photo, png


def luma(pixels: Pixels) -> np.ndarray:
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)


def enlarged(pixels: Pixels, factor: float) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8)


def examine(data: bytes) -> Finding:
    (finding,) = Resampling(ScanSettings()).examine(Media.open(data))
    return finding


def with_patch(seed: int, factor: float) -> Pixels:
    pixels = photo(seed)
    pixels[192:384, 256:480] = enlarged(photo(seed + 100), factor)[100:292, 100:324]
    return pixels


@pytest.mark.parametrize("factor", [1.2, 1.3, 1.45, 1.7])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_factor_of_an_enlarged_photo_is_measured(factor: float, seed: int) -> None:
    frequency, peak = whole_picture_peak(luma(enlarged(photo(seed), factor)))
    # Either the period of the pixels, or that of the colour filter array, which is twice as long.
    readings = (enlargement(frequency), 1 / (2 * frequency))
    assert min(abs(reading - factor) for reading in readings) < 0.01
    assert peak > WHOLE_PEAK


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_photo_as_it_came_has_no_period(seed: int) -> None:
    for data in (png(photo(seed)), jpeg(photo(seed), 95), jpeg(photo(seed), 75)):
        finding = examine(data)
        assert finding.measures["whole_peak"] < WHOLE_PEAK / 2
        assert finding.measures["local_peak"] < 5


@pytest.mark.parametrize("factor", [1.3, 1.45, 1.7])
def test_a_rescaled_patch_is_found_in_the_map(factor: float) -> None:
    finding = examine(png(with_patch(4, factor)))
    assert finding.measures["local_peak"] > 8
    assert finding.heat is not None
    heat = finding.heat.values
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    assert 192 <= (y + 0.5) * STEP_PX <= 384 and 256 <= (x + 0.5) * STEP_PX <= 480


def test_a_patch_that_was_not_rescaled_is_not_found() -> None:
    assert examine(png(with_patch(4, 1.0))).measures["local_peak"] < 5


def test_a_rescaled_patch_outlives_jpeg_of_high_quality() -> None:
    assert examine(jpeg(with_patch(5, 1.3), 97)).measures["local_peak"] > 6


@pytest.mark.parametrize("factor", [1.2, 1.45, 2.3])
def test_resizing_the_whole_photo_is_not_local(factor: float) -> None:
    for data in (png(enlarged(photo(1), factor)), jpeg(enlarged(photo(1), factor), 95)):
        assert examine(data).measures["local_peak"] < 5.5


def test_turning_the_photo_turns_the_map() -> None:
    pixels = with_patch(4, 1.45)[:576, :576]
    plain = line_peaks(luma(pixels)).strength
    turned = line_peaks(luma(np.ascontiguousarray(pixels.transpose(1, 0, 2)))).strength
    np.testing.assert_allclose(turned, plain.transpose(1, 0, 2), rtol=1e-3, atol=1e-4)


def test_noise_has_the_strength_of_two_exponentials() -> None:
    noise = np.random.default_rng(7).normal(128, 4, (640, 640)).astype(np.float32)
    peaks = line_peaks(noise)
    used = usable(peaks.frequencies, 1 / WINDOW_PX)
    # The mean of the root of a unit exponential is sqrt(pi) / 2, and the axes are independent: pi / 4.
    assert peaks.strength[..., used].mean() == pytest.approx(np.pi / 4, rel=0.08)


def test_frequencies_of_jpeg_blocks_are_left_out() -> None:
    frequencies = np.arange(65) / 128
    left_out = ~usable(frequencies, 1 / 128)
    assert left_out[[16, 32, 48, 64, 15, 17, 33]].all() and not left_out[[12, 20, 27, 40]].any()


@pytest.mark.parametrize("frequency", [0.0, -0.1, 0.51])
def test_a_frequency_beyond_half_a_cycle_is_refused(frequency: float) -> None:
    with pytest.raises(ValueError, match="frequency"):
        enlargement(frequency)


def test_a_picture_smaller_than_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match="128"):
        line_peaks(np.zeros((127, 300), np.float32))


def test_a_small_picture_is_skipped_with_a_reason() -> None:
    reason = Resampling(ScanSettings()).skip_reason(Media.open(png(photo(1, width=256, height=160))))
    assert reason is not None and "pixels" in reason


def test_a_flat_picture_is_examined_without_a_trace() -> None:
    finding = examine(png(np.full((256, 256, 3), 128, np.uint8)))
    assert all(np.isfinite(v) for v in finding.measures.values()) and finding.measures["local_peak"] < 5
