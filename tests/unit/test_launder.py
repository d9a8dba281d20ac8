"""Washing: the same seed gives the same pixels, and no chain depends on the picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from generators.launder import PRESETS, Chain, Crop, Jpeg, Noise, Resize, Webp, draw, launder
from tests.make_media import Pixels, decode, jpeg, photo


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return photo(1, width=320, height=240)


def tables(data: bytes) -> tuple[list[int], list[int]]:
    with Image.open(io.BytesIO(data)) as image:
        found = image.quantization  # type: ignore[attr-defined]
    return list(found[0]), list(found[1])


@pytest.mark.parametrize("preset", PRESETS)
def test_the_same_seed_gives_the_same_pixels_and_leaves_the_source(preset: str, pixels: Pixels) -> None:
    before = pixels.copy()
    first, second = launder([pixels, pixels], preset, seed=3), launder([pixels, pixels], preset, seed=3)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert np.array_equal(pixels, before)
    assert all(p.dtype == np.uint8 and p.ndim == 3 and min(p.shape[:2]) >= 64 for p in first)


@pytest.mark.parametrize("preset", ["wild", "screenshot", "noise", "messenger"])
def test_another_seed_or_place_draws_another_chain(preset: str) -> None:
    assert len({draw(preset, seed=(s, i)) for s in range(4) for i in range(4)}) > 8


def test_a_fake_goes_through_the_chain_of_its_real(pixels: Pixels) -> None:
    fake = pixels[:, ::-1].copy()
    reals, fakes = launder([pixels] * 6, "wild", seed=5), launder([fake] * 6, "wild", seed=5)
    assert [p.shape for p in reals] == [p.shape for p in fakes]
    assert len({p.shape for p in reals}) > 2


def test_original_is_the_picture_itself(pixels: Pixels) -> None:
    assert launder([pixels], "original", seed=0)[0] is pixels


@pytest.mark.parametrize("quality", [50, 75, 90])
def test_a_fixed_quality_is_that_of_an_ordinary_save(quality: int, pixels: Pixels) -> None:
    assert np.array_equal(launder([pixels], f"q{quality}", seed=1)[0], decode(jpeg(pixels, quality)))


def test_tables_of_luma_and_chroma_can_differ(pixels: Pixels) -> None:
    mixed, fine, coarse = (tables(data) for data in (Jpeg(90, 60, 0).encode(pixels), jpeg(pixels), jpeg(pixels, 60)))
    assert mixed == (fine[0], coarse[1]) and fine != coarse


def test_half_is_half_the_size(pixels: Pixels) -> None:
    assert launder([pixels], "half", seed=1)[0].shape == (120, 160, 3)


def test_shrinking_stops_at_the_least_side_and_enlarges_nothing(pixels: Pixels) -> None:
    assert Resize(0.1)(pixels).shape == (64, 85, 3)
    small = pixels[:40, :50].copy()
    assert Resize(0.5)(small).shape == small.shape and Crop(0.3)(small).shape == small.shape


def test_networks_shrink_large_pictures_only(pixels: Pixels) -> None:
    large = np.zeros((1200, 2400, 3), np.uint8)
    (fitted,), (kept,) = launder([large], "social", seed=1), launder([pixels], "social", seed=1)
    assert fitted.shape == (540, 1080, 3) and kept.shape == pixels.shape


def test_a_crop_lies_where_it_says(pixels: Pixels) -> None:
    assert np.array_equal(Crop(0.5, 0.0, 1.0)(pixels), pixels[:120, 160:])


def test_noise_has_the_deviation_asked_for() -> None:
    grey = np.full((256, 256, 3), 128, np.uint8)
    assert Noise(5.0, 1)(grey).std() == pytest.approx(5.0, rel=0.02)


def test_wild_chains_draw_every_kind_of_coding_and_end_in_one() -> None:
    chains = [draw("wild", seed=i) for i in range(300)]
    last = [chain.last_coding for chain in chains]
    assert all(chain.steps[-1] is coding for chain, coding in zip(chains, last, strict=True))
    jpegs = [c for c in last if isinstance(c, Jpeg)]
    assert 0.15 < sum(isinstance(c, Webp) for c in last) / 300 < 0.35
    assert {c.subsampling for c in jpegs} == {0, 1, 2}
    assert min(c.quality for c in jpegs) < 42 and max(c.quality for c in jpegs) > 88


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(LookupError, match=r"no preset 'q91'; there is original, q90"):
        draw("q91", seed=1)


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        Chain("none", (Jpeg(90),))(np.zeros((8, 8), np.uint8))
