"""Forgeries: exact masks, exact surroundings, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from generators import forgeries
from generators.forgeries import Forgery
from tests.make_media import Pixels, photo

Forge = Callable[[Pixels, int], Forgery]

KINDS: dict[str, Forge] = {
    "splice": lambda pixels, seed: forgeries.splice(pixels, photo(99, width=320, height=200), seed=seed, area=0.06),
    "copy_move": lambda pixels, seed: forgeries.copy_move(pixels, seed=seed, area=0.06),
    "turned": lambda pixels, seed: forgeries.copy_move(pixels, seed=seed, area=0.06, angle_deg=20.0, scale=1.15),
    "removal": lambda pixels, seed: forgeries.removal(pixels, seed=seed, area=0.06),
}


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return photo(1, width=384, height=288)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pixels_outside_the_mask_are_untouched(kind: str, seed: int, pixels: Pixels) -> None:
    before = pixels.copy()
    forged = KINDS[kind](pixels, seed)
    assert np.array_equal(pixels, before)
    assert np.array_equal(forged.pixels[~forged.mask], pixels[~forged.mask])
    changed = (forged.pixels != pixels).any(axis=2)
    assert changed[forged.mask].mean() > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_alone_decides(kind: str, pixels: Pixels) -> None:
    one, same, other = (KINDS[kind](pixels, seed) for seed in (7, 7, 8))
    assert np.array_equal(one.pixels, same.pixels)
    assert np.array_equal(one.mask, same.mask)
    assert not np.array_equal(one.mask, other.mask)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_the_mask_covers_about_the_wanted_area(kind: str, seed: int, pixels: Pixels) -> None:
    forged = KINDS[kind](pixels, seed)
    assert forged.mask.shape == pixels.shape[:2]
    assert 0.04 < forged.mask.mean() < 0.09


def test_a_plain_copy_holds_the_pixels_of_its_origin(pixels: Pixels) -> None:
    forged = forgeries.copy_move(pixels, seed=3, area=0.04)
    assert forged.mask.sum() == forged.origin.sum()
    assert np.array_equal(forged.pixels[forged.mask], pixels[forged.origin])


@pytest.mark.parametrize("scale", [0.8, 1.25])
def test_the_origin_is_as_much_smaller_as_the_copy_is_scaled(scale: float, pixels: Pixels) -> None:
    forged = forgeries.copy_move(pixels, seed=3, area=0.04, angle_deg=30.0, scale=scale)
    assert forged.mask.sum() / forged.origin.sum() == pytest.approx(scale**2, rel=0.05)


def test_a_copy_lies_apart_from_its_origin_where_there_is_room(pixels: Pixels) -> None:
    for seed in range(8):
        forged = forgeries.copy_move(pixels, seed=seed, area=0.02)
        assert not (forged.mask & forged.origin).any()


def test_a_removed_part_is_smoother_than_the_photo(pixels: Pixels) -> None:
    forged = forgeries.removal(pixels, seed=2, area=0.05)
    detail = np.abs(np.diff(forged.pixels.astype(int), axis=1)).mean(axis=2)
    inside, before = forged.mask[:, 1:], np.abs(np.diff(pixels.astype(int), axis=1)).mean(axis=2)
    assert detail[inside].mean() < 0.6 * before[inside].mean()


def test_a_donor_smaller_than_the_part_is_extended(pixels: Pixels) -> None:
    forged = forgeries.splice(pixels, photo(5, width=64, height=64), seed=1, area=0.2)
    assert forged.mask.mean() > 0.1


@pytest.mark.parametrize("area", [0.0, -0.1, 0.6])
def test_an_area_out_of_range_is_refused(area: float, pixels: Pixels) -> None:
    for forge in (forgeries.copy_move, forgeries.removal):
        with pytest.raises(ValueError, match="area"):
            forge(pixels, seed=1, area=area)


def test_other_than_colour_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        forgeries.removal(np.zeros((100, 100), np.uint8), seed=1)
    with pytest.raises(ValueError, match="uint8"):
        forgeries.copy_move(np.zeros((100, 100, 3), np.float32), seed=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="64"):
        forgeries.removal(np.zeros((20, 100, 3), np.uint8), seed=1)
