"""Trained GANs as generators: the weights and the seed decide every pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from generators.base import blank  # noqa: E402
from generators.gan.networks import Synthesis  # noqa: E402
from generators.gan.sampler import Face64, GanSampler  # noqa: E402
from generators.samples import write_samples  # noqa: E402
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
        assert np.array_equal(batch[i], sampler.forge(blank(1), seed=3 + i).images[0])
    assert np.abs(batch[0] - batch[1]).max() > 1 / 255


def test_a_seed_gives_the_same_bits_in_every_batch() -> None:
    faces = Face64()
    batch = faces.forge(blank(19), seed=5)
    assert batch.recipes[3].endswith("seed 8") and len(batch) == len(batch.recipes) == 19
    for i, n in ((0, 1), (2, 1), (3, 8), (7, 12), (18, 1)):
        assert np.array_equal(faces.forge(blank(n), seed=5 + i).images, batch.images[i : i + n])


def test_a_seed_gives_the_same_file_whatever_is_made_besides(tmp_path: Path) -> None:
    for name, n, seed in (("many", 21, 0), ("few", 3, 5), ("one", 1, 20)):
        write_samples(Face64(), tmp_path / name, n=n, seed=seed)
    for name, n, seed in (("few", 3, 5), ("one", 1, 20)):
        for i in range(n):
            same = tmp_path / "many" / f"{seed + i:04d}.png"
            assert (tmp_path / name / f"{i:04d}.png").read_bytes() == same.read_bytes()


def test_weights_of_another_shape_are_refused(sampler: Small, tmp_path: Path) -> None:
    save({"start": np.zeros((1, 4, 4, 4), np.float16)}, ModelCard("small-16", "1", "", settings=SETTINGS), tmp_path)
    with pytest.raises(ValueError, match="small-16-1 does not fit"):
        sampler.forge(blank(1), seed=0)
