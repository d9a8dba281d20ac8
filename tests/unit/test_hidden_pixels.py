"""A picture under transparent pixels is told, whatever the file's format; what encoders leave there is not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from forensics.analyzers.hidden_pixels import Hidden, measure
from forensics.analyzers.metadata import Metadata
from forensics.finding import Finding
from forensics.languages import language
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import photo

SEEN, UNSEEN = photo(1, width=160, height=120), photo(2, width=160, height=120)
WINDOW = np.zeros((120, 160), bool)
WINDOW[20:100, 30:130] = True
SHARE = WINDOW.mean()


def veiled(under: NDArray[np.uint8]) -> Image.Image:
    """A photo with a window that nothing shows, and what lies under it."""
    colours = np.where(WINDOW[..., None], under, SEEN)
    return Image.fromarray(np.dstack([colours, np.where(WINDOW, 0, 255).astype(np.uint8)]))


def saved(image: Image.Image, fmt: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def told(data: bytes) -> list[Finding]:
    found = Metadata(ScanSettings()).examine(Media.open(data))
    return [finding for finding in found if "hidden_share" in finding.measures]


def all_transparent() -> Image.Image:
    """Of a palette of which no colour is seen."""
    return Image.fromarray(UNSEEN).quantize(64)


@pytest.mark.parametrize(
    ("data", "share"),
    [
        (saved(veiled(UNSEEN), "png"), SHARE),
        (saved(veiled(UNSEEN).convert("LA"), "png"), SHARE),
        (saved(veiled(UNSEEN), "tiff", compression="tiff_deflate"), SHARE),
        (saved(veiled(UNSEEN), "webp", exact=True), SHARE),
        (saved(veiled(UNSEEN), "webp", lossless=True, exact=True), SHARE),
        (saved(all_transparent(), "png", transparency=bytes(64)), 1.0),
    ],
    ids=["png", "grey png", "tiff", "webp", "lossless webp", "palette"],
)
def test_a_hidden_picture_is_told_without_a_ratio_and_with_its_measures(data: bytes, share: float) -> None:
    (finding,) = told(data)
    assert finding.llr is None and f"{share:.0%} of the picture" in finding.summary
    assert finding.measures["hidden_share"] == pytest.approx(share)
    assert finding.measures["hidden_contrast"] > 10 and 0.2 < finding.measures["hidden_novelty"] <= 1


@pytest.mark.parametrize(
    "data",
    [
        saved(veiled(np.zeros_like(UNSEEN)), "png"),
        saved(veiled(np.where(np.arange(160)[None, :, None] < 80, 0, 255).astype(np.uint8) + 0 * UNSEEN), "png"),
        saved(veiled(UNSEEN), "webp"),
        saved(veiled(UNSEEN), "webp", lossless=True),
        saved(Image.fromarray(np.dstack([UNSEEN, np.full((120, 160), 1, np.uint8)])), "png"),
        saved(Image.fromarray(UNSEEN), "png"),
        saved(Image.fromarray(np.arange(19200, dtype=np.uint16).reshape(120, 160)), "png", transparency=7),
    ],
    ids=["black", "two colours", "webp", "lossless webp", "nearly transparent", "opaque", "16 bits"],
)
def test_what_is_no_hidden_picture_is_not_told(data: bytes) -> None:
    assert told(data) == []


def test_a_corner_is_too_small() -> None:
    assert Hidden(0.04, 10_000, 40.0, 0.9).is_picture("png") is False
    assert Hidden(0.4, 900, 40.0, 0.9).is_picture("png") is False
    assert Hidden(0.4, 10_000, 40.0, 0.1).is_picture("png") and not Hidden(0.4, 10_000, 40.0, 0.1).is_picture("webp")


@pytest.mark.parametrize("rows", [1, 7, 120])
def test_bands_of_rows_are_measured_as_one_picture(rows: int) -> None:
    rgba = np.asarray(veiled(UNSEEN))
    luma = np.asarray(Image.fromarray(rgba[..., :3]).convert("L"), int)
    under, inner = luma[WINDOW], [(y, x) for y in range(21, 100) for x in range(31, 130)]
    new = 0
    for y, x in inner:
        left, top, corner = luma[y, x - 1], luma[y - 1, x], luma[y - 1, x - 1]
        new += luma[y, x] not in (left, top, (left + top) // 2, min(max(left + top - corner, 0), 255))
    found = measure(rgba[top : top + rows] for top in range(0, 120, rows))
    assert (found.n_pixels, found.share) == (under.size, pytest.approx(SHARE))
    assert found.contrast == pytest.approx(under.std(), abs=0.2) and found.novelty == pytest.approx(
        new / len(inner), abs=0.02
    )


def test_it_is_told_in_german() -> None:
    (finding,) = told(saved(veiled(UNSEEN), "png"))
    german = language("de")
    assert german.say(finding.summary).startswith("Unter völlig durchsichtigen Pixeln, 42\xa0% des Bildes")
    assert german.say(finding.explanation).startswith("Alles andere hier")
