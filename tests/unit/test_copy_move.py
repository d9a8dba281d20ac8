"""Copy-move: a planted copy is found with its outline, repetition and smoothness stay quiet."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from forensics.analyzers.copy_move import CopyMove
from forensics.analyzers.copymove.geometry import Motion, motions
from forensics.analyzers.copymove.keypoints import match_within
from forensics.analyzers.copymove.regions import compare
from forensics.finding import Finding
from forensics.media import Media
from forensics.settings import ScanSettings
from generators.forgeries import Forgery, copy_move
from tests.make_media import Pixels, jpeg, photo, png

LIKELY = ScanSettings().likely_llr


def examine(data: bytes) -> Finding:
    (finding,) = CopyMove(ScanSettings()).examine(Media.open(data))
    return finding


def overlap(finding: Finding, forged: Forgery) -> float:
    """Intersection over union of heat and truth."""
    assert finding.heat is not None
    truth = forged.mask | forged.origin
    heat = cv2.resize(finding.heat.values, truth.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
    return float((heat & truth).sum() / (heat | truth).sum())


def planted(seed: int, angle_deg: float = 0.0, scale: float = 1.0) -> Forgery:
    return copy_move(photo(seed, width=640, height=480), seed=seed, area=0.03, angle_deg=angle_deg, scale=scale)


@pytest.mark.parametrize(("angle_deg", "scale"), [(0.0, 1.0), (20.0, 1.0), (0.0, 1.15), (-35.0, 0.85)])
@pytest.mark.parametrize("quality", [None, 85])
def test_a_planted_copy_is_flagged_with_its_outline(angle_deg: float, scale: float, quality: int | None) -> None:
    forged = planted(3, angle_deg, scale)
    finding = examine(png(forged.pixels) if quality is None else jpeg(forged.pixels, quality))
    assert finding.llr is not None
    assert finding.llr >= LIKELY
    assert overlap(finding, forged) > 0.7


@pytest.mark.parametrize(("angle_deg", "scale"), [(20.0, 1.0), (0.0, 1.15), (-30.0, 0.9)])
def test_turn_and_scale_are_measured(angle_deg: float, scale: float) -> None:
    measures = examine(png(planted(3, angle_deg, scale).pixels)).measures
    # Which of the two is the original is not known: the map may be found the other way round.
    forward = measures["turn_deg"], measures["scale"]
    backward = -measures["turn_deg"], 1 / measures["scale"]
    assert any(
        turn == pytest.approx(angle_deg, abs=1.0) and size == pytest.approx(scale, rel=0.02)
        for turn, size in (forward, backward)
    )


def test_part_and_copy_share_a_group_and_lie_where_they_were_planted() -> None:
    forged = planted(3)
    regions = examine(png(forged.pixels)).regions
    first = [r for r in regions if r.group == 1]
    assert len(first) == 2
    for truth in (forged.mask, forged.origin):
        rows, columns = np.nonzero(truth)
        box = np.array([columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1])
        assert min(np.abs(np.array([r.x, r.y, r.width, r.height]) - box).max() for r in first) <= 8


def test_two_copies_have_two_groups() -> None:
    pixels = photo(3, width=640, height=480)
    pixels[20:100, 30:130] = pixels[300:380, 200:300]
    pixels[350:430, 500:600] = pixels[120:200, 300:400]
    groups = {r.group for r in examine(png(pixels)).regions}
    assert {1, 2} <= groups


def test_a_copy_in_a_large_photo_is_outlined_on_the_full_size() -> None:
    small = planted(3)
    pixels = cv2.resize(small.pixels, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    finding = examine(jpeg(np.asarray(pixels, np.uint8), 90))
    assert finding.llr is not None
    assert finding.llr >= LIKELY
    rows, columns = np.nonzero(small.mask)
    near = [r for r in finding.regions if abs(r.x - 3 * columns.min()) < 24 and abs(r.y - 3 * rows.min()) < 24]
    assert near


@pytest.mark.parametrize("seed", range(6))
def test_an_untouched_photo_stays_quiet(seed: int) -> None:
    for data in (png(photo(seed, width=640, height=480)), jpeg(photo(seed, width=640, height=480), 80)):
        finding = examine(data)
        assert finding.llr is not None
        assert finding.llr < 0
        assert not finding.regions
        assert finding.heat is None


def objects(seed: int, step: int) -> Pixels:
    """The same object in rows and columns, each seen by the camera anew: lit a little differently, with fresh noise."""
    rng = np.random.default_rng(seed)
    tile = cv2.GaussianBlur(photo(seed, width=step, height=step, noise=0.0), (0, 0), 0.8).astype(np.float32)
    rows = [np.concatenate([tile * rng.uniform(0.85, 1.0) for _ in range(6)], axis=1) for _ in range(4)]
    wall = np.concatenate(rows, axis=0)
    return np.clip(np.rint(wall + rng.normal(0, 4, wall.shape)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rows_of_equal_objects_seen_by_a_camera_are_not_flagged(seed: int) -> None:
    for data in (png(objects(seed, 96)), jpeg(objects(seed, 96), 85)):
        finding = examine(data)
        assert finding.llr is not None
        assert finding.llr < LIKELY


def grid(step: int) -> Pixels:
    """A drawn grid of identical tiles with joints, exact to the pixel."""
    tile = photo(9, width=step, height=step, noise=0.0)
    tile[:3], tile[:, :3] = 60, 60
    return np.tile(tile, (480 // step, 640 // step, 1))


@pytest.mark.parametrize("step", [32, 64, 80])
def test_a_regular_grid_of_identical_tiles_is_not_flagged(step: int) -> None:
    finding = examine(png(grid(step)))
    assert finding.llr is not None
    assert finding.llr < LIKELY


ALPHABET = "abcdefghijklmnopqrstuvwxyz  0123456789"
WORDS = (
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "you",
    "that",
    "it",
    "he",
    "was",
    "for",
    "on",
    "are",
    "as",
    "with",
    "his",
)


def text_page(seed: int, words: Sequence[str] = ()) -> Pixels:
    """A printed page seen by a camera: equal letters, or words, but noise of its own at each."""
    page, rng = np.full((600, 600, 3), 235, np.uint8), np.random.default_rng(seed)
    for y in range(40, 590, 30):
        line = " ".join(rng.choice(words, 8))[:34] if words else "".join(rng.choice(list(ALPHABET), 28))
        cv2.putText(page, line, (30, y), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (30, 30, 30), 2, cv2.LINE_AA)
    return np.clip(page + rng.normal(0, 6, page.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("words", [(), WORDS], ids=["letters", "words"])
@pytest.mark.parametrize("seed", [1, 3])
def test_text_in_which_letters_or_words_recur_is_not_flagged(seed: int, words: Sequence[str]) -> None:
    finding = examine(jpeg(text_page(seed, words), 85))
    assert finding.llr is not None
    assert finding.llr < LIKELY


def test_a_copied_paragraph_is_flagged_although_letters_recur() -> None:
    page = text_page(1)
    page[380:500, 220:420] = page[60:180, 30:230]
    finding = examine(jpeg(page, 85))
    assert finding.llr is not None
    assert finding.llr >= LIKELY


def _gradient() -> Pixels:
    ramp = np.linspace(40, 220, 640)[None, :] + np.linspace(-20, 20, 480)[:, None]
    return np.repeat(ramp[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("pixels", [np.full((480, 640, 3), 128, np.uint8), _gradient()], ids=["flat", "gradient"])
def test_a_picture_without_texture_is_quiet(pixels: Pixels) -> None:
    for data in (png(pixels), jpeg(pixels, 80)):
        finding = examine(data)
        assert finding.measures["evidence"] == 0
        assert finding.llr is not None
        assert finding.llr < 0


def test_the_smallest_picture_is_examined_and_a_smaller_one_skipped() -> None:
    analyzer = CopyMove(ScanSettings())
    assert analyzer.skip_reason(Media.open(png(photo(1, width=64, height=64)))) is None
    assert list(analyzer.examine(Media.open(png(photo(1, width=64, height=64)))))
    reason = analyzer.skip_reason(Media.open(png(photo(1, width=62, height=200))))
    assert reason is not None
    assert "64" in reason


def test_the_same_file_gives_the_same_finding() -> None:
    data = jpeg(planted(3, 20.0).pixels, 85)
    assert examine(data).measures == examine(data).measures


def test_matches_are_listed_in_both_directions() -> None:
    matches = match_within(gray(planted(3).pixels))
    forward = {(*s, *t) for s, t in zip(matches.source.tolist(), matches.target.tolist(), strict=True)}
    assert forward
    assert forward == {(c, d, a, b) for a, b, c, d in forward}


def test_a_whole_pixel_shift_is_found_exactly() -> None:
    pixels = photo(4, width=640, height=480)
    pixels[60:180, 400:540] = pixels[250:370, 90:230]
    luma = gray(pixels)
    best = max(motions(match_within(luma), limit=4), key=lambda m: m.n_inliers)
    assert np.allclose(np.abs(best.offset_px), (310, 190), atol=0.5)
    copy = compare(luma.astype(np.float32), best)
    assert copy is not None
    assert copy.fine > 0.99
    assert copy.correlation > 0.99


def test_a_map_moves_along_when_the_picture_is_resized() -> None:
    matrix = np.array([[0.9, -0.3, 40.0], [0.3, 0.9, -12.0]])
    points = np.array([[10.0, 20.0], [100.0, 50.0]], np.float32)
    motion = Motion(matrix, points, (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32))
    resized = motion.scaled(2.0)
    assert np.allclose(resized.source @ resized.matrix[:, :2].T + resized.matrix[:, 2], resized.target, atol=1e-3)
    assert resized.scale == pytest.approx(motion.scale)
    assert resized.turn_deg == pytest.approx(motion.turn_deg)
    assert np.allclose(resized.scaled(0.5).matrix, matrix)


def gray(pixels: Pixels) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
