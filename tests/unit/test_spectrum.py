"""Power spectrum: averages obey Parseval, up-sampling leaves peaks, photos do not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from detectors.spectrum import denoising_residual, grid_peaks, mean_power, radial_profile, sample_tiles
from forensics.analyzers.spectrum import Spectrum
from forensics.finding import Finding
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import Pixels, jpeg, photo, png


def examine(data: bytes) -> Finding:
    (finding,) = Spectrum(ScanSettings()).examine(Media.open(data))
    return finding


def upsampled(seed: int, factor: int) -> Pixels:
    """A small picture through a transposed convolution: zeros in between, then a kernel that overlaps unevenly."""
    small = cv2.resize(photo(seed), None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    wide = np.zeros((small.shape[0] * factor, small.shape[1] * factor, 3), np.float32)
    wide[::factor, ::factor] = small
    taps = np.outer(*[cv2.getGaussianKernel(2 * factor - 1, 0.55 * factor)[:, 0]] * 2)
    out = cv2.filter2D(wide, cv2.CV_32F, taps / taps.sum() * factor**2)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def test_power_sums_to_the_mean_square_as_parseval_says() -> None:
    tiles = np.random.default_rng(1).normal(0, 3, (20, 64, 64)).astype(np.float32)
    power = mean_power(tiles)
    whole = 2 * power.sum() - power[:, 0].sum() - power[:, -1].sum()
    assert whole == pytest.approx(9.0, rel=0.03)


def test_power_agrees_with_the_plain_transform() -> None:
    tile = np.random.default_rng(2).normal(0, 1, (32, 32)).astype(np.float32)
    line = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(32) / 32)
    taper = np.outer(line, line)
    taper /= np.sqrt((taper**2).mean())
    plain = np.abs(np.fft.fft2(tile * taper)) ** 2 / 32**4
    np.testing.assert_allclose(mean_power(tile[None]), plain[:, :17], rtol=1e-3, atol=1e-9)


def test_a_wave_lands_in_the_ring_of_its_frequency() -> None:
    x = np.arange(128)
    for cycles in (10, 25, 50):
        wave = np.sin(2 * np.pi * cycles * x / 128).astype(np.float32)[None].repeat(128, 0)
        profile = radial_profile(mean_power(wave[None]), n_rings=16)
        assert profile.argmax() == int(cycles / 128 * 32)


def test_white_noise_is_flat() -> None:
    noise = np.random.default_rng(3).normal(0, 1, (32, 128, 128)).astype(np.float32)
    profile = radial_profile(mean_power(noise))
    np.testing.assert_allclose(profile[1:] * 128**2, 1.0, rtol=0.1)


def test_white_noise_has_no_peaks() -> None:
    noise = np.random.default_rng(4).normal(0, 1, (32, 128, 128)).astype(np.float32)
    power = mean_power(noise)
    for period in (2, 4, 8):
        assert abs(grid_peaks(power, period)) < 0.25


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_grid_shows_at_its_own_period_only(period: int) -> None:
    tiles = np.random.default_rng(5).normal(0, 1, (16, 128, 128)).astype(np.float32)
    tiles[:, ::period, ::period] += 2.0 * period
    power = mean_power(tiles)
    assert grid_peaks(power, period) > 1.0
    for finer in (p for p in (4, 8) if p > period):
        assert grid_peaks(power, finer) < 0.4


@pytest.mark.parametrize(("factor", "measure"), [(2, "peaks_2px"), (4, "peaks_4px")])
@pytest.mark.parametrize("seed", [1, 2])
def test_transposed_convolution_leaves_peaks(factor: int, measure: str, seed: int) -> None:
    made = upsampled(seed, factor)
    assert examine(png(made)).measures[measure] > 0.8
    assert examine(jpeg(made, 92)).measures[measure] > 0.5


@pytest.mark.parametrize("shift", [0, 1])
def test_repeated_pixels_show_as_uneven_steps(shift: int) -> None:
    small = photo(3, width=384, height=288)
    twice = np.ascontiguousarray(small.repeat(2, axis=0).repeat(2, axis=1)[shift:, shift:])
    assert examine(png(twice)).measures["phase_imbalance"] > 1.0
    assert examine(jpeg(twice, 90)).measures["phase_imbalance"] > 0.2
    for seed in (3, 4):
        assert examine(jpeg(photo(seed), 90)).measures["phase_imbalance"] < 0.05


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_photo_has_no_peaks_whatever_its_compression(seed: int) -> None:
    for data in (jpeg(photo(seed), 95), jpeg(photo(seed), 80)):
        finding = examine(data)
        assert finding.measures["peaks_2px"] < 0.5 and finding.measures["peaks_4px"] < 0.4


def test_the_sentence_speaks_of_peaks_where_there_are_some() -> None:
    made, taken = examine(jpeg(upsampled(1, 4), 92)), examine(jpeg(photo(1), 92))
    assert "has peaks" in made.summary and "no clear peaks" in taken.summary


def test_tiles_lie_on_the_block_grid_inside_the_picture() -> None:
    plane = np.add.outer(np.arange(1001) * 10000.0, np.arange(777)).astype(np.float32)
    tiles = sample_tiles(plane, 128, max_tiles=12)
    assert 8 <= len(tiles) <= 12
    for tile in tiles:
        y, x = divmod(float(tile[0, 0]), 10000.0)
        assert y % 8 == 0 and x % 8 == 0


def test_a_picture_smaller_than_a_tile_is_refused() -> None:
    with pytest.raises(ValueError, match="256"):
        sample_tiles(np.zeros((255, 400), np.float32), 256)


def test_the_residual_of_a_flat_tile_is_nothing() -> None:
    assert not denoising_residual(np.full((2, 64, 64), 77, np.float32)).any()


def test_a_small_picture_is_skipped_with_a_reason() -> None:
    reason = Spectrum(ScanSettings()).skip_reason(Media.open(png(photo(1, width=126, height=200))))
    assert reason is not None and "pixels" in reason


def test_a_flat_picture_is_examined() -> None:
    finding = examine(png(np.full((300, 300, 3), 200, np.uint8)))
    assert all(np.isfinite(value) for value in finding.measures.values())
