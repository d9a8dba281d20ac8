"""Trained GANs as generators: the weights and the seed decide every pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from generators.base import blank  # noqa: E402
from generators.gan.networks import Synthesis  # noqa: E402
from generators.gan.sampler import GanSampler  # noqa: E402
from generators.weights import ModelCard, save  # noqa: E402

SETTINGS = {"side_px": 16, "g_channels": [8, 8], "latent": 8, "g_tail": 4}


class Small(GanSampler):
    name = "small-16"
    about = "Nothing in particular, 16 pixels a side."
    stem = "small-16-1"
    min_side_px = 16


@pytest.fixture
def sampler(tmp_path: Path) -> Small:
    network = Synthesis(16, (8, 8), 8, 4)
    tensors = {name: tensor.numpy().astype(np.float16) for name, tensor in network.state_dict().items()}
    save(tensors, ModelCard("small-16", "1", "nothing", settings=SETTINGS), tmp_path)
    return Small(tmp_path)


def test_as_many_fakes_as_sources_and_all_of_each_is_made(sampler: Small) -> None:
    fakes = sampler.forge(blank(5), seed=1)
    assert fakes.images.shape == (5, 3, 16, 16) and fakes.masks.min() == 1
    assert len(sampler.forge(blank(0), seed=1)) == 0


def test_the_same_seed_gives_the_same_pixels(sampler: Small, tmp_path: Path) -> None:
    first, again = sampler.forge(blank(3), seed=7).images, Small(tmp_path).forge(blank(3), seed=7).images
    assert (first == again).all()
    assert (first != sampler.forge(blank(3), seed=17).images).any()


def test_each_fake_has_a_seed_of_its_own(sampler: Small) -> None:
    batch = sampler.forge(blank(40), seed=3).images
    for i in (0, 1, 33):
        assert np.abs(batch[i] - sampler.forge(blank(1), seed=3 + i).images[0]).max() < 1 / 255
    assert np.abs(batch[0] - batch[1]).max() > 1 / 255


def test_weights_of_another_shape_are_refused(sampler: Small, tmp_path: Path) -> None:
    save({"start": np.zeros((1, 4, 4, 4), np.float16)}, ModelCard("small-16", "1", "", settings=SETTINGS), tmp_path)
    with pytest.raises(ValueError, match="small-16-1 does not fit"):
        sampler.forge(blank(1), seed=0)
