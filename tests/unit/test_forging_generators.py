"""Forgeries as generators: what they do, beyond the rules that every generator keeps (tests/contracts)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from generators.catalog import GENERATORS
from generators.copy_move import CopyMove
from generators.images import Images, to_float, to_uint8
from generators.laundered import WASHES, Launder
from generators.removal import Removal
from generators.splice import Splice
from tests.make_media import photo

FORGING = (Splice, CopyMove, Removal)


@pytest.fixture(scope="module")
def sources() -> Images:
    return np.concatenate([to_float(photo(seed, width=160, height=128)) for seed in range(3)])


@pytest.mark.parametrize("kind", [*FORGING, Launder])
def test_the_catalogue_holds_each_under_its_own_name(kind: type[Splice]) -> None:
    assert GENERATORS.load(kind.name) is kind


@pytest.mark.parametrize("kind", FORGING)
def test_most_of_a_photo_stays_and_most_of_the_mask_changes(kind: type[Splice], sources: Images) -> None:
    batch = kind().forge(sources, seed=5)
    assert all(0.005 < mask.mean() < 0.25 for mask in batch.masks)
    changed = (to_uint8(batch.images) != to_uint8(sources)).any(axis=3)
    assert changed[batch.masks[:, 0] > 0].mean() > 0.5


@pytest.mark.parametrize("kind", FORGING)
def test_values_between_two_steps_of_8_bits_survive_outside_of_the_mask(kind: type[Splice], sources: Images) -> None:
    between = (sources * np.float32(0.9) + np.float32(0.001)).astype(np.float32)
    batch = kind().forge(between, seed=1)
    outside = np.broadcast_to(batch.masks == 0, between.shape)
    assert np.array_equal(batch.images[outside], between[outside])


def test_a_donor_of_one_colour_shows_exactly_in_the_mask(sources: Images) -> None:
    donors = [np.full((90, 70, 3), level, np.uint8) for level in (10, 20, 30)]
    batch = Splice().forge_from(sources, donors, seed=2)
    for fake, mask, level in zip(to_uint8(batch.images), batch.masks[:, 0] > 0, (10, 20, 30), strict=True):
        assert (fake[mask] == level).all()
    with pytest.raises(ValueError, match="2 donors for 3 sources"):
        Splice().forge_from(sources, donors[:2], seed=2)


def test_copies_are_plain_and_turned_in_turn(sources: Images) -> None:
    recipes = [CopyMove().forge(sources[:1], seed=seed).recipes[0] for seed in range(20)]
    assert 4 <= sum("turned 0 degrees, scaled 1" in recipe for recipe in recipes) <= 16


def test_every_wash_is_drawn_and_the_picture_keeps_its_size_and_scene(sources: Images) -> None:
    many = np.repeat(sources[:1], 90, axis=0)
    batch = Launder().forge(many, seed=0)
    assert {recipe.partition(":")[0] for recipe in batch.recipes} == set(WASHES)
    assert batch.images.shape == many.shape and (batch.masks == 1).all()
    uncropped = [i for i, recipe in enumerate(batch.recipes) if "crop " not in recipe]
    assert max(np.abs(batch.images[i] - many[i]).mean() for i in uncropped) < 0.06


def test_a_batch_of_none_gives_none(sources: Images) -> None:
    for kind in (*FORGING, Launder):
        assert len(kind().forge(sources[:0], seed=1)) == 0


@pytest.mark.parametrize(
    "change",
    [lambda values: values * 255, lambda values: values - 1, lambda values: np.where(values > 0.5, np.nan, values)],
    ids=["0 to 255", "-1 to 0", "not finite"],
)
def test_sources_that_leave_their_range_are_refused_by_all(
    change: Callable[[NDArray[np.float32]], NDArray[np.float32]], sources: Images
) -> None:
    for name in GENERATORS.names():
        try:
            generator = GENERATORS.load(name)()
        except ImportError:
            continue  # without its extra
        if generator.needs_sources:
            with pytest.raises(ValueError, match="sources must lie within 0 and 1"):
                generator.forge(change(sources).astype(np.float32), seed=1)
