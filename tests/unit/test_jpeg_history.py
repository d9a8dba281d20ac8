"""A pasted part is found where its JPEG history differs; a photo with one history all over stays quiet."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import binom
from sklearn.metrics import roc_auc_score

from forensics.analyzers.jpeg.coefficients import coefficients_of, read_coefficients
from forensics.analyzers.jpeg.double_quantization import double_quantization
from forensics.analyzers.jpeg.ghosts import find_ghost
from forensics.analyzers.jpeg.grid import MIN_LOG_CHANCE, _log_chance, find_grid
from forensics.analyzers.jpeg.tables import STANDARD_LUMA, scale_table
from forensics.analyzers.jpeg_history import JpegHistory
from forensics.finding import Finding, Trace
from forensics.media import Media
from forensics.settings import Limits, ScanSettings
from generators.forgeries import Forgery, splice
from tests.make_media import decode, jpeg, photo, png

ONES = np.ones(64, np.float32)


def examine(data: bytes) -> tuple[Finding, Finding]:
    parts, history = JpegHistory(ScanSettings()).examine(Media.open(data))
    return parts, history


def auroc(finding: Finding, mask: NDArray[np.bool_]) -> float:
    assert finding.heat is not None
    heat = cv2.resize(finding.heat.values, mask.shape[::-1])
    return float(roc_auc_score(mask[::4, ::4].ravel(), heat[::4, ::4].ravel()))


def spliced(seed: int, quality: int = 60) -> Forgery:
    return splice(decode(jpeg(photo(seed), quality)), photo(seed + 100, noise=4.0), seed=seed, area=0.08)


def luma(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fresh_part_in_a_resaved_photo_is_found_in_its_place(seed: int) -> None:
    forged = spliced(seed)
    parts, _ = examine(jpeg(forged.pixels, 90))
    assert parts.measures["own_history"] > 0.95
    assert auroc(parts, forged.mask) > 0.95
    assert parts.heat is not None
    marked = cv2.resize(parts.heat.values, forged.mask.shape[::-1]) > 0.5
    assert (marked & forged.mask).sum() / (marked | forged.mask).sum() > 0.5


def test_a_fresh_part_in_a_png_that_was_a_jpeg_is_found() -> None:
    forged = spliced(4)
    parts, history = examine(png(forged.pixels))
    assert parts.measures["own_history"] > 0.95
    assert auroc(parts, forged.mask) > 0.95
    assert "JPEG once, of about quality 6" in history.summary


def test_a_part_with_a_grid_of_its_own_is_found() -> None:
    donor = decode(jpeg(photo(9), 50))
    pixels = photo(8).copy()
    pixels[160:320, 240:480] = donor[163:323, 245:485]
    mask = np.zeros(pixels.shape[:2], bool)
    mask[160:320, 240:480] = True
    parts, _ = examine(jpeg(pixels, 90))
    assert parts.measures["foreign_grid"] > 1
    assert auroc(parts, mask) > 0.9


@pytest.mark.parametrize("qualities", [(90,), (75,), (60, 90), (75, 95), (85, 70), (70, 80, 92)])
def test_a_photo_with_one_history_all_over_is_quiet(qualities: tuple[int, ...]) -> None:
    pixels = photo(11)
    for quality in qualities:
        data = jpeg(pixels, quality)
        pixels = decode(data)
    parts, _ = examine(data)
    assert parts.measures["own_history"] < 0.2
    assert parts.llr is None or parts.llr <= 0
    assert not parts.regions


def test_a_never_compressed_png_is_quiet_and_has_no_grid() -> None:
    parts, history = examine(png(photo(12)))
    assert parts.measures["own_history"] < 0.2
    assert "No trace of an earlier JPEG" in history.summary


def test_saving_twice_is_told_with_the_earlier_quality_and_is_not_held_against_the_photo() -> None:
    _, once = examine(jpeg(photo(13), 92))
    _, twice = examine(jpeg(decode(jpeg(photo(13), 70)), 92))
    assert "no earlier save" in once.summary and "quality 92, IJG tables" in once.summary
    assert "saved before as JPEG of about quality 70" in twice.summary
    assert once.llr is None and twice.llr is None


def test_first_steps_are_those_of_the_first_table() -> None:
    data = jpeg(decode(jpeg(photo(14), 65)), 93)
    stored = read_coefficients(data, Limits())
    smooth = coefficients_of(luma(decode(data)), (4, 4)).values.reshape(-1, 64).astype(np.float32)
    found = double_quantization(stored.luma, smooth).steps
    truth = scale_table(STANDARD_LUMA, 65)
    assert len(found) >= 6
    assert sum(step == truth[at] for at, step in found.items()) >= 0.8 * len(found)


@pytest.mark.parametrize("crop", [(0, 0), (1, 6), (4, 4), (7, 0), (11, 13)])
def test_cropping_moves_the_grid_by_the_crop(crop: tuple[int, int]) -> None:
    pixels = decode(jpeg(photo(15, width=400, height=320), 75))
    cropped = pixels[crop[0] :, crop[1] :]
    assert find_grid(luma(cropped), ONES).offset_px == (-crop[0] % 8, -crop[1] % 8)


def test_the_grid_is_the_one_where_brute_force_counts_most_zeros() -> None:
    plane = luma(decode(jpeg(photo(16, width=256, height=192), 80)))[3:, 5:]
    zeros = {
        (y, x): float((coefficients_of(plane, (y, x)).values[:20, :28] == 0).mean()) for y in range(8) for x in range(8)
    }
    assert find_grid(plane, ONES).offset_px == max(zeros, key=lambda at: zeros[at])


def test_a_picture_that_never_was_a_jpeg_has_no_grid() -> None:
    assert find_grid(luma(photo(17)), ONES).offset_px is None


def test_a_ghost_shows_at_the_quality_of_the_part() -> None:
    fresh = photo(18)
    pixels = fresh.copy()
    pixels[96:288, 96:288] = decode(jpeg(fresh, 55))[96:288, 96:288]
    ghost = find_ghost(coefficients_of(luma(pixels)))
    assert ghost.quality in (45, 55, 65)
    inside = ghost.changes[13:35, 13:35].mean()
    assert inside < 0.7 * ghost.changes[:, 40:].mean()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_map_with_the_picture(orientation: int) -> None:
    forged = spliced(5)
    exif = Image.Exif()
    exif[0x0112] = orientation
    media = Media.open(jpeg(forged.pixels, 90, exif=exif.tobytes()))
    flags = Image.fromarray(forged.mask.astype(np.uint8) * 255)
    flags.getexif()[0x0112] = orientation
    out = io.BytesIO()
    flags.save(out, "PNG", exif=exif.tobytes())
    from PIL import ImageOps

    with Image.open(io.BytesIO(out.getvalue())) as image:
        mask = np.asarray(ImageOps.exif_transpose(image)) > 0
    parts, _ = JpegHistory(ScanSettings()).examine(media)
    assert media.luma.shape == mask.shape
    assert auroc(parts, mask) > 0.9


def test_formats_with_their_own_coding_and_tiny_pictures_are_skipped_with_a_reason() -> None:
    analyzer = JpegHistory(ScanSettings())
    out = io.BytesIO()
    Image.fromarray(photo(1, width=128, height=96)).save(out, "WEBP")
    assert "WEBP" in (analyzer.skip_reason(Media.open(out.getvalue())) or "")
    assert "64 pixels" in (analyzer.skip_reason(Media.open(jpeg(photo(1, width=96, height=48)))) or "")
    assert analyzer.skip_reason(Media.open(jpeg(photo(1, width=96, height=64)))) is None


def test_findings_say_whose_they_are() -> None:
    for finding in examine(jpeg(photo(19, width=128, height=96))):
        assert (finding.analyzer, finding.trace) == ("jpeg_history", Trace.COMPRESSION)


@pytest.mark.parametrize("chance", [1 / 64, 0.3, 1.0])
def test_the_chance_of_so_many_votes_is_the_tail_of_a_binomial_distribution(chance: float) -> None:
    rng = np.random.default_rng(1)
    n = rng.integers(0, 14_000, 500)
    hits = np.concatenate([rng.integers(0, n + 1)[:-50], np.zeros(25, np.int64), n[-25:]])
    expected = np.maximum(binom.logsf(hits - 1, n, chance), MIN_LOG_CHANCE)
    np.testing.assert_allclose(_log_chance(hits, n, chance), expected, rtol=1e-9, atol=1e-12)
