"""Generators that rebuild photos, with their shipped weights; rules of all generators are tested in tests/contracts."""

from __future__ import annotations

import numpy as np
import pytest

from generators.catalog import GENERATORS
from generators.images import Images, to_float, to_uint8
from generators.inpaint import MAX_AREA_PX, Inpaint
from generators.reconstruct import ReconstructF4, ReconstructF8
from generators.superres import SuperresX2, SuperresX4
from generators.trainers import TRAINERS
from tests.make_media import photo

pytest.importorskip("torch")

WHOLE = (ReconstructF4, ReconstructF8, SuperresX2, SuperresX4)


@pytest.fixture(scope="module")
def sources() -> Images:
    return np.concatenate([to_float(photo(seed, width=131, height=101)) for seed in range(2)])


@pytest.mark.parametrize("kind", [*WHOLE, Inpaint])
def test_each_is_in_the_catalogue_and_its_card_names_its_preset(kind: type[Inpaint]) -> None:
    assert GENERATORS.load(kind.name) is kind
    card = kind().card
    assert card.data and card.measures and card.limits and card.licence
    assert TRAINERS.load(kind.name.replace("_", "-"))().stem == card.stem


@pytest.mark.parametrize("kind", WHOLE)
def test_what_is_rebuilt_shows_the_same_and_is_not_the_same(kind: type[SuperresX2], sources: Images) -> None:
    batch = kind().forge(sources, seed=1)
    flat = [np.corrcoef(fake.ravel(), source.ravel())[0, 1] for fake, source in zip(batch.images, sources, strict=True)]
    assert min(flat) > 0.9
    assert (to_uint8(batch.images) != to_uint8(sources)).mean() > 0.3
    assert batch.masks.all()


@pytest.mark.parametrize("kind", WHOLE)
def test_seeds_draw_other_fakes_of_one_photo(kind: type[SuperresX2], sources: Images) -> None:
    fakes = [kind().forge(sources[:1], seed=seed).images for seed in range(6)]
    assert any(not np.array_equal(fakes[0], fake) for fake in fakes[1:])


def test_less_is_lost_on_the_shorter_way(sources: Images) -> None:
    def error(kind: type[SuperresX2]) -> float:
        return float(np.square(kind().forge(sources, seed=1).images - sources).mean())

    assert error(ReconstructF4) < error(ReconstructF8)
    assert error(SuperresX2) < error(SuperresX4)


def test_a_region_is_filled_closer_than_by_its_surroundings_mean(sources: Images) -> None:
    batch = Inpaint().forge(sources, seed=3)
    for fake, source, mask in zip(batch.images, sources, batch.masks[:, 0] > 0, strict=True):
        assert 0 < mask.sum() <= MAX_AREA_PX * 1.3
        mean = source[:, ~mask].mean(axis=1, keepdims=True)
        assert np.abs(fake[:, mask] - source[:, mask]).mean() < np.abs(mean - source[:, mask]).mean()


def test_a_given_region_is_filled_and_an_empty_one_leaves_the_photo(sources: Images) -> None:
    masks = np.zeros((2, 1, *sources.shape[2:]), np.float32)
    masks[0, 0, 20:40, 30:60] = 1
    batch = Inpaint().repaint(sources, masks)
    assert np.array_equal(batch.images[1], sources[1])
    assert np.array_equal(batch.images[0][:, masks[0, 0] == 0], sources[0][:, masks[0, 0] == 0])
    assert not np.array_equal(batch.images[0], sources[0])
    with pytest.raises(ValueError, match="masks must be"):
        Inpaint().repaint(sources, masks[:, :, :-1])
    with pytest.raises(ValueError, match="of 0 and 1"):
        Inpaint().repaint(sources, masks * np.float32(0.5))
