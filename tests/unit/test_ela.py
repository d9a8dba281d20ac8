"""Error levels are shown, never counted."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from forensics.analyzers.ela import Ela, error_levels
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import decode, jpeg, photo, png


def test_the_finding_has_a_map_and_no_ratio() -> None:
    (finding,) = Ela(ScanSettings()).examine(Media.open(png(photo(1, width=256, height=192))))
    assert finding.llr is None
    assert finding.heat is not None and finding.heat.values.max() == 1.0


def test_a_part_that_was_never_compressed_is_brighter_than_the_rest() -> None:
    fresh = photo(1, noise=3.0)
    pasted = decode(jpeg(fresh, 90))
    pasted[160:320, 160:320] = fresh[160:320, 160:320]
    levels = error_levels(pasted)
    heat = cv2.resize(levels, (768, 576))
    mask = np.zeros((576, 768), bool)
    mask[160:320, 160:320] = True
    assert heat[mask].mean() > 1.3 * heat[~mask].mean()


def test_levels_are_the_change_that_another_encoder_makes() -> None:
    pixels = photo(2, width=320, height=240)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    change = np.abs(decode(out.getvalue()).astype(float) - pixels).mean(axis=2)
    assert error_levels(pixels).mean() == pytest.approx(change.mean(), rel=0.05)


def test_large_pictures_are_reduced_and_keep_their_mean() -> None:
    tile = photo(3, width=320, height=256)
    large = np.tile(tile, (4, 5, 1))
    levels = error_levels(large)
    assert max(levels.shape) <= 512
    assert levels.mean() == pytest.approx(error_levels(tile).mean(), rel=0.02)


def test_tiny_pictures_are_skipped_with_a_reason() -> None:
    assert Ela(ScanSettings()).skip_reason(Media.open(png(photo(1, width=96, height=64)[:12]))) is not None


def test_an_impossible_quality_is_refused() -> None:
    with pytest.raises(ValueError, match="quality"):
        error_levels(photo(1, width=64, height=64), quality=0)
