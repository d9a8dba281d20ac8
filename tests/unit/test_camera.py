"""Camera fingerprints: the sensor that took a photo is found again, and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors.fingerprint import FingerprintSum, best_peak, missing_fingerprint, noise_residual, without_lines
from forensics import camera
from forensics.analyzers.camera_match import ABSENT_DEVIATIONS
from forensics.analyzers.noise import Noise
from forensics.camera import BLOCK_PX, WINDOW_BLOCKS, Fingerprint
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import Pixels, decode, jpeg, photo, png, prnu_pattern

WIDTH, HEIGHT = 512, 384
# Seeds far from the scenes': one generator seeded alike would draw the scene out of the sensor's own pattern.
SENSOR = prnu_pattern(1001, width=WIDTH, height=HEIGHT, strength=0.02)
OTHER_SENSOR = prnu_pattern(1002, width=WIDTH, height=HEIGHT, strength=0.02)


def shot(seed: int, sensor: np.ndarray = SENSOR) -> Pixels:
    return decode(jpeg(photo(seed, width=WIDTH, height=HEIGHT, prnu=sensor), 92))


def media(pixels: Pixels, name: str = "photo.png") -> Media:
    return Media.open(png(pixels), name=name)


@pytest.fixture(scope="module")
def fingerprint() -> Fingerprint:
    return camera.enroll("phone", (media(shot(seed)) for seed in range(8)))


@pytest.fixture
def folder(fingerprint: Fingerprint, tmp_path: Path) -> Path:
    camera.save(fingerprint, tmp_path)
    return tmp_path


def test_the_camera_that_took_a_photo_matches(fingerprint: Fingerprint) -> None:
    found = camera.match(fingerprint, media(shot(50)))
    assert found.is_match and found.pce > 500 and (found.y_px, found.x_px) == (0, 0)


def test_another_camera_does_not_match(fingerprint: Fingerprint) -> None:
    for seed in (50, 51, 52):
        assert not camera.match(fingerprint, media(shot(seed, OTHER_SENSOR))).is_match


def test_a_crop_is_found_where_it_was_cut(fingerprint: Fingerprint) -> None:
    found = camera.match(fingerprint, media(shot(51)[37:337, 61:401]))
    assert found.is_match and (found.y_px, found.x_px) == (37, 61)


def test_a_crop_of_another_camera_does_not_match(fingerprint: Fingerprint) -> None:
    assert not camera.match(fingerprint, media(shot(51, OTHER_SENSOR)[37:337, 61:401])).is_match


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_photo_matches(fingerprint: Fingerprint, turns: int) -> None:
    found = camera.match(fingerprint, media(np.ascontiguousarray(np.rot90(shot(52), -turns))))
    assert found.is_match and found.quarter_turns == turns


def test_a_rescaled_photo_does_not_match(fingerprint: Fingerprint) -> None:
    small = cv2.resize(shot(53), None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    assert not camera.match(fingerprint, media(np.asarray(small, np.uint8))).is_match


def test_a_photo_larger_than_the_sensor_does_not_match(fingerprint: Fingerprint) -> None:
    assert camera.match(fingerprint, media(photo(3, width=WIDTH + 2, height=HEIGHT + 2))).pce == 0.0


def test_a_part_from_elsewhere_lacks_the_fingerprint(folder: Path) -> None:
    pixels = shot(54)
    pixels[120:260, 200:360] = shot(55, OTHER_SENSOR)[120:260, 200:360]
    findings = list(Noise(ScanSettings(cameras=folder)).examine(media(pixels)))
    assert len(findings) == 2 and findings[1].heat is not None and findings[1].llr is None
    (region,) = findings[1].regions
    x, y = region.x + region.width / 2, region.y + region.height / 2
    assert 200 < x < 360 and 120 < y < 260
    assert "phone" in findings[1].summary and "missing" in findings[1].summary


def test_an_untouched_photo_has_the_fingerprint_everywhere(folder: Path) -> None:
    for seed in (54, 56, 57):
        finding = list(Noise(ScanSettings(cameras=folder)).examine(media(shot(seed))))[1]
        assert "phone" in finding.summary and not finding.regions


@pytest.mark.parametrize(("unevenness", "is_pointed_out"), [(0.0, True), (0.5, False)])
def test_a_gap_is_pointed_out_only_beyond_how_uneven_the_fingerprint_is(
    unevenness: float, is_pointed_out: bool
) -> None:
    rng = np.random.default_rng(7)
    pattern = rng.normal(0, 0.02, (512, 512)).astype(np.float32)
    light = np.full(pattern.shape, 128, np.float32)
    # Texture and compression leave more of the fingerprint here and less there.
    strength = 1 + unevenness * rng.choice([-1.0, 1.0], (8, 8)).repeat(64, 0).repeat(64, 1)
    strength[192:256, 192:256] = 0.1
    residual = (strength * pattern * light + rng.normal(0, 3, pattern.shape)).astype(np.float32)
    short = missing_fingerprint(pattern, residual, light, block_px=BLOCK_PX, window=WINDOW_BLOCKS)
    assert (short.max() >= ABSENT_DEVIATIONS) is np.bool_(is_pointed_out)


def test_no_match_is_said_once(folder: Path, fingerprint: Fingerprint) -> None:
    camera.save(replace(fingerprint, name="tablet"), folder)
    findings = list(Noise(ScanSettings(cameras=folder)).examine(media(shot(58, OTHER_SENSOR))))
    assert len(findings) == 2 and "2 enrolled cameras" in findings[1].summary and findings[1].llr is None


def test_a_saved_fingerprint_is_the_same(fingerprint: Fingerprint, folder: Path) -> None:
    again = camera.load("phone", folder)
    assert camera.enrolled(folder) == ("phone",)
    assert again.n_photos == 8 and again.agreement_pce == pytest.approx(fingerprint.agreement_pce, abs=0.1)
    np.testing.assert_allclose(again.pattern, fingerprint.pattern, atol=1e-4)


def test_a_damaged_fingerprint_is_refused(folder: Path) -> None:
    path = folder / "phone-1.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(ValueError, match="SHA-256"):
        camera.load("phone", folder)


@pytest.mark.parametrize("name", ["", "../phone", "a b", "a-1", "x" * 65])
def test_a_name_that_is_no_file_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="letters"):
        camera.enroll(name, [])
    with pytest.raises(LookupError):
        camera.load(name, tmp_path)


def test_too_few_photos_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 5"):
        camera.enroll("phone", [media(shot(1))] * 4)


def test_photos_of_several_sizes_are_refused_by_name() -> None:
    photos = [media(shot(1)), media(shot(2)), media(shot(3)), media(shot(4)[:200], "odd.png")]
    with pytest.raises(ValueError, match=r"odd\.png: photos must be 512 x 384, not 512 x 200"):
        camera.enroll("phone", photos)


def test_photos_that_share_no_sensor_are_refused() -> None:
    sensors = [prnu_pattern(2000 + i, width=WIDTH, height=HEIGHT, strength=0.02) for i in range(6)]
    with pytest.raises(ValueError, match="do not share"):
        camera.enroll("phone", [media(shot(i, sensor)) for i, sensor in enumerate(sensors)])


def test_a_folder_that_does_not_exist_holds_no_camera(tmp_path: Path) -> None:
    assert camera.enrolled(tmp_path / "none") == ()


def test_the_fingerprint_resembles_the_sensor(fingerprint: Fingerprint) -> None:
    assert np.corrcoef(fingerprint.pattern.ravel(), SENSOR.ravel())[0, 1] > 0.3


def test_the_sum_of_halves_is_the_whole() -> None:
    planes = [np.asarray(shot(i)[..., 1], np.float32) for i in range(4)]
    sums = [FingerprintSum((HEIGHT, WIDTH)) for _ in range(3)]
    for i, plane in enumerate(planes):
        sums[i % 2].add(plane)
        sums[2].add(plane)
    np.testing.assert_allclose((sums[0] + sums[1]).pattern(), sums[2].pattern(), atol=1e-5)


def test_a_smooth_picture_leaves_no_residual() -> None:
    ramp = np.linspace(20, 220, 128, dtype=np.float32)[None].repeat(128, 0)
    assert np.abs(noise_residual(ramp)[8:-8, 8:-8]).max() < 0.01


def test_rows_and_columns_of_each_bayer_lattice_average_to_zero() -> None:
    clean = without_lines(np.random.default_rng(3).normal(1, 1, (64, 96)).astype(np.float32))
    for y in (0, 1):
        for x in (0, 1):
            assert np.abs(clean[y::2, x::2].mean(axis=0)).max() < 1e-5
            assert np.abs(clean[y::2, x::2].mean(axis=1)).max() < 1e-5


def test_the_peak_agrees_with_direct_correlation() -> None:
    rng = np.random.default_rng(5)
    pattern = rng.normal(0, 0.01, (60, 80)).astype(np.float32)
    light = np.full((20, 30), 100, np.float32)
    probe = pattern[11:31, 22:52] * 100
    direct = cv2.matchTemplate(pattern, without_lines(probe * light), cv2.TM_CCORR)
    peak = best_peak(pattern, probe, light)
    assert (peak.y_px, peak.x_px) == np.unravel_index(direct.argmax(), direct.shape) == (11, 22)
