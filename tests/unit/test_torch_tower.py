"""The tower in torch against the tower of scans, both with random weights."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from detectors.torch_tower import TorchReading, TorchTower  # noqa: E402
from detectors.vision_tower import SIDE_PX, WIDTH, VisionTower  # noqa: E402
from generators.images import to_float  # noqa: E402
from tests.make_media import photo  # noqa: E402
from tests.make_tower import random_tower  # noqa: E402

BLOCKS = (1, 2)

LEAST_COSINE = 0.999
"""The scanner's tower rounds activations to 8 bits."""


@cache
def weights() -> dict[str, NDArray[Any]]:
    return random_tower(n_blocks=2, seed=1)


def pictures(n: int = 2, side: int = SIDE_PX) -> NDArray[np.uint8]:
    return np.stack([photo(i, width=side, height=side) for i in range(n)])


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def test_tokens_are_those_of_the_scanners_tower() -> None:
    pixels = pictures()
    scanned = VisionTower(weights(), BLOCKS, n_threads=1).tokens(pixels)
    with torch.inference_mode():
        found = [tokens.numpy() for tokens in TorchTower(weights(), BLOCKS)(torch.from_numpy(to_float(pixels)))]
    assert [tokens.shape for tokens in found] == [tokens.shape for tokens in scanned]
    for own, other in zip(found, scanned, strict=True):
        assert min(cosine(own[i, j], other[i, j]) for i in range(2) for j in range(own.shape[1])) > LEAST_COSINE
        assert cosine(own[0] - own[1], other[0] - other[1]) > LEAST_COSINE, "what differs between pictures agrees too"


def test_a_tower_gives_only_the_blocks_that_are_wanted() -> None:
    images = torch.from_numpy(to_float(pictures(1)))
    with torch.inference_mode():
        both, last = TorchTower(weights(), BLOCKS)(images), TorchTower(weights(), (2,))(images)
    assert len(last) == 1 and torch.equal(last[0], both[1])


def test_small_pictures_are_seen_as_a_scan_enlarges_them() -> None:
    from detectors.token_features import whole_picture

    (small,) = pictures(1, side=64)
    enlarged = torch.from_numpy(to_float(whole_picture(small)))
    tower = TorchTower(weights(), (1,))
    with torch.inference_mode():
        ((own,), (other,)) = tower(torch.from_numpy(to_float(small))), tower(enlarged)
    assert cosine(own.numpy(), other.numpy()) > LEAST_COSINE


def test_a_reading_is_the_linear_one_of_the_features() -> None:
    from detectors.token_features import features_of

    pixels, rng = pictures(), np.random.default_rng(2)
    reading = rng.normal(0, 0.02, len(BLOCKS) * 2 * WIDTH).astype(np.float32)
    tower = VisionTower(weights(), BLOCKS, n_threads=1)
    wanted = [float(features_of(tower.tokens(pixels[i : i + 1])) @ reading) + 0.5 for i in range(2)]
    with torch.inference_mode():
        found = TorchReading(TorchTower(weights(), BLOCKS), reading, 0.5)(torch.from_numpy(to_float(pixels)))
    assert found.shape == (2,) and found.dtype == torch.float32
    # Products in bfloat16 keep three digits of tokens whose reading adds up thousands of terms.
    assert found.tolist() == pytest.approx(wanted, abs=0.1)


def test_gradients_reach_every_pixel_and_no_weight() -> None:
    reading = np.random.default_rng(3).normal(0, 0.02, WIDTH * 2).astype(np.float32)
    critic = TorchReading(TorchTower(weights(), (1,)), reading, 0.0).requires_grad_(False)
    images = torch.from_numpy(to_float(pictures(1, side=64))).requires_grad_()
    critic(images).sum().backward()
    assert images.grad is not None and bool(images.grad.isfinite().all())
    assert float((images.grad.abs() > 0).float().mean()) > 0.99
    assert all(weight.grad is None for weight in critic.parameters())


def test_a_step_down_the_gradient_lowers_the_score() -> None:
    reading = np.random.default_rng(3).normal(0, 0.02, WIDTH * 2).astype(np.float32)
    critic = TorchReading(TorchTower(weights(), (1,)), reading, 0.0)
    images = torch.from_numpy(to_float(pictures(1))).requires_grad_()
    before = critic(images).sum()
    (gradient,) = torch.autograd.grad(before, images)
    with torch.inference_mode():
        assert float(critic((images - gradient.sign() / 255).clamp(0, 1)).sum()) < float(before) - 0.01


def test_weights_that_lack_something_are_named() -> None:
    lacking = {name: tensor for name, tensor in weights().items() if name != "1.up.scale"}
    with pytest.raises(ValueError, match=r"lack '1\.up\.scale'"):
        TorchTower(lacking, BLOCKS)
