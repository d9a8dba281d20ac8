"""Local noise: a part with noise of its own is found, brightness and texture are not mistaken for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from detectors.residuals import noise_blocks, noise_deviation
from forensics.analyzers.compact import heat_map, outline, window_contrast
from forensics.analyzers.noise import Noise
from forensics.finding import Claim, Finding
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import Pixels, jpeg, photo, png

PART = np.s_[200:330, 300:450]


def examine(data: bytes) -> Finding:
    (finding,) = Noise(ScanSettings()).examine(Media.open(data))
    return finding


def with_noise(seed: int, sigma: float) -> Pixels:
    pixels = photo(seed).astype(np.float32)
    pixels[PART] += np.random.default_rng(seed + 900).normal(0, sigma, pixels[PART].shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def smoothed(seed: int) -> Pixels:
    pixels = photo(seed, noise=4.0)
    pixels[PART] = cv2.GaussianBlur(pixels, (0, 0), 1.2)[PART]
    return pixels


@pytest.mark.parametrize("sigma", [0.5, 2.0, 8.0])
def test_the_sigma_of_white_noise_is_measured(sigma: float) -> None:
    noise = np.random.default_rng(1).normal(128, sigma, (512, 512)).astype(np.float32)
    assert noise_blocks(noise, 8).sigma.mean() == pytest.approx(sigma, rel=0.02)
    assert noise_blocks(noise, 32).sigma.mean() == pytest.approx(sigma, rel=0.12)


def test_a_block_measures_the_same_in_a_large_picture_and_in_a_part_of_it() -> None:
    plane = np.random.default_rng(1).normal(128, 5, (1200, 64)).astype(np.float32)
    whole, part = noise_blocks(plane, 8).sigma, noise_blocks(plane[400:800], 8).sigma
    # The outermost rows of a part see no neighbours.
    np.testing.assert_allclose(part[1:-1], whole[51:99], rtol=1e-5)


def test_a_slope_of_light_is_no_noise() -> None:
    ramp = np.add.outer(np.linspace(20, 110, 256), np.linspace(0, 100, 256)).astype(np.float32)
    assert noise_blocks(ramp, 8).sigma[2:-2, 2:-2].max() < 0.01


def test_an_edge_leaves_most_of_a_block_to_measure() -> None:
    plane = np.random.default_rng(2).normal(60, 2, (256, 256)).astype(np.float32)
    plane[:, 132:] += 120
    sigma = noise_blocks(plane, 32).sigma
    assert sigma[:, 4].mean() == pytest.approx(sigma[:, :4].mean(), rel=0.15)


def test_clipped_and_flat_blocks_are_left_out() -> None:
    plane = np.random.default_rng(3).normal(128, 3, (128, 128)).astype(np.float32)
    plane[:32, :32], plane[:32, 32:64], plane[:32, 64:96] = 255, 0, 128
    valid = noise_blocks(plane, 8).valid
    assert not valid[:3, :11].any() and valid[5:].all()


def test_shot_noise_is_explained_by_brightness() -> None:
    level = np.linspace(20, 220, 512, dtype=np.float32)[None].repeat(512, 0)
    plane = level + np.random.default_rng(4).normal(0, 1, level.shape).astype(np.float32) * np.sqrt(level) * 0.3
    blocks = noise_blocks(plane.astype(np.float32), 8)
    deviation, _ = noise_deviation(blocks)
    dark, bright = blocks.level < 70, blocks.level > 170
    assert blocks.sigma[bright].mean() > 1.5 * blocks.sigma[dark].mean()
    assert abs(deviation[bright].mean() - deviation[dark].mean()) < 0.3


def test_too_few_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="blocks with noise"):
        noise_deviation(noise_blocks(np.full((128, 128), 255, np.float32), 8))


@pytest.mark.parametrize("block_px", [7, 0, 640])
def test_a_block_that_does_not_fit_is_refused(block_px: int) -> None:
    with pytest.raises(ValueError, match="multiple of 2"):
        noise_blocks(np.zeros((128, 128), np.float32), block_px)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("quality", [None, 92])
def test_planted_noise_is_found_where_it_is(seed: int, quality: int | None) -> None:
    pixels = with_noise(seed, 5.0)
    finding = examine(png(pixels) if quality is None else jpeg(pixels, quality))
    (region,) = finding.regions
    x, y = region.x + region.width / 2, region.y + region.height / 2
    assert 300 < x < 450 and 200 < y < 330 and region.label == "more noise"
    clean = examine(png(photo(seed)) if quality is None else jpeg(photo(seed), quality))
    assert finding.measures["contrast_small"] > clean.measures["contrast_small"] + 1
    assert finding.heat is not None
    row, column = np.unravel_index(finding.heat.values.argmax(), finding.heat.values.shape)
    assert 200 < (row + 0.5) * 8 < 330 and 300 < (column + 0.5) * 8 < 450


def test_a_smoothed_part_has_less_noise() -> None:
    (region,) = examine(png(smoothed(5))).regions
    assert region.label == "less noise"
    assert 300 < region.x + region.width / 2 < 450 and 200 < region.y + region.height / 2 < 330


def test_the_ratio_rises_with_the_noise_and_speaks_for_manipulation() -> None:
    clean, planted = examine(jpeg(photo(2), 92)), examine(jpeg(with_noise(2, 6.0), 92))
    assert clean.llr is not None and planted.llr is not None
    assert clean.llr < 0.4 < planted.llr and planted.claim is Claim.MANIPULATED
    assert clean.llr < 1.0 and (clean.llr > 0 or not clean.regions)


def test_flat_and_small_pictures_are_skipped_with_a_reason() -> None:
    noise = Noise(ScanSettings())
    assert "flat" in str(noise.skip_reason(Media.open(png(np.full((256, 256, 3), 255, np.uint8)))))
    assert "pixels" in str(noise.skip_reason(Media.open(png(photo(1, width=120, height=200)))))
    assert noise.skip_reason(Media.open(png(photo(1)))) is None


def test_the_window_finds_the_block_that_was_raised() -> None:
    plane = np.zeros((40, 60), np.float32)
    plane[10:17, 30:37] = 3.0
    contrast = window_contrast(plane, np.ones(plane.shape, bool), 0.02)
    assert contrast.side == 7 and contrast.value == pytest.approx(3.0)
    assert np.unravel_index(contrast.means.argmax(), plane.shape) == (13, 33)


def test_blocks_that_cannot_be_judged_do_not_count() -> None:
    plane = np.zeros((40, 60), np.float32)
    plane[10:17, 30:37] = 3.0
    assert window_contrast(plane, plane == 0, 0.02).value == 0.0


def test_the_outline_holds_the_peak_and_stays_inside() -> None:
    plane = np.zeros((10, 12), np.float32)
    plane[7:10, 9:12] = 1.0
    region = outline(plane, 8, (77, 95), label="part")
    assert region is not None and (region.x, region.y, region.width, region.height) == (72, 56, 23, 21)
    assert outline(np.zeros((4, 4), np.float32), 8, (32, 32), label="none") is None
    assert outline(np.ones((4, 4), np.float32), 8, (32, 32), label="all") is None


def test_heat_stays_small_and_within_bounds() -> None:
    heat = heat_map(np.linspace(-2, 9, 1200 * 900, dtype=np.float32).reshape(900, 1200), 1.0, 3.0)
    assert max(heat.shape) <= 512 and heat.min() == 0.0 and heat.max() == 1.0
