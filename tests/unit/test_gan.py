"""The game of a GAN: what each side wants, and which pictures a step sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from generators.gan.losses import Judge, discriminator_loss, generator_loss, gradient_penalty  # noqa: E402
from generators.gan.networks import Discriminator, Synthesis, spread  # noqa: E402
from generators.gan.pixels import from_pixels, positions, to_pixels  # noqa: E402
from generators.gan.presets import split  # noqa: E402
from generators.gan.settings import GanSettings, gan_settings  # noqa: E402

TINY = GanSettings(
    n_images=96,
    batch_size=8,
    side_px=16,
    latent=8,
    g_channels=(8, 8),
    g_tail=4,
    d_channels=(8, 8),
    d_deep=1,
    penalty_every=2,
    precision="32-true",
    device="cpu",
    n_between_saves=24,
    n_between_evaluations=10**6,
)


def discs(n: int, side_px: int = 16, seed: int = 0) -> NDArray[np.uint8]:
    """Light discs on dark ground: a small world that two small networks can learn."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side_px, :side_px]
    middle = rng.uniform(0.35, 0.65, (n, 2)) * side_px
    inside = (y - middle[:, :1, None]) ** 2 + (x - middle[:, 1:, None]) ** 2 < (side_px / 4) ** 2
    return np.repeat(np.where(inside, 220, 30).astype(np.uint8)[..., None], 3, axis=3)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):  # JSON knows no tuples
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.parametrize(
    ("name", "size"), [(n, s) for n in ("face-64", "face-128", "photo-64") for s in ("cpu", "gpu")]
)
def test_every_preset_makes_networks_that_fit_each_other(name: str, size: Any) -> None:
    s = gan_settings(name, size)
    with torch.device("meta"):
        made = Synthesis(s.side_px, s.g_channels, s.latent, s.g_tail)(torch.zeros(4, s.latent))
        assert made.shape == (4, 3, s.side_px, s.side_px)
        assert Discriminator(s.side_px, s.d_channels, s.d_deep)(made).shape == (4,)


def test_the_losses_are_equal_and_log_2_when_nothing_is_told_apart() -> None:
    alike = torch.full((5,), 3.0)
    assert float(discriminator_loss(alike, alike)) == pytest.approx(np.log(2))
    assert float(generator_loss(alike, alike)) == pytest.approx(np.log(2))


def test_only_the_difference_of_real_and_fake_counts() -> None:
    real, fake = torch.randn(2, 6, generator=torch.Generator().manual_seed(1))
    assert float(discriminator_loss(real, fake)) == pytest.approx(float(discriminator_loss(real + 7, fake + 7)))
    assert float(generator_loss(real, fake)) == pytest.approx(float(discriminator_loss(fake, real)))


def test_the_penalty_of_a_linear_judge_is_the_square_of_its_weights() -> None:
    weights = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(2))
    images = torch.rand(5, 3, 4, 4).requires_grad_()
    penalty = gradient_penalty((images * weights).sum(dim=(1, 2, 3)), images)
    assert float(penalty) == pytest.approx(float(weights.square().sum()), rel=1e-5)


def test_the_penalty_reaches_the_weights_of_the_judge() -> None:
    judge = Judge(Discriminator(16, (8, 8), 1))
    ((_, penalty),) = judge(torch.rand(4, 3, 16, 16), penalised=True)
    penalty.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for n, p in judge.named_parameters() if "weight" in n)


def test_the_spread_of_one_picture_over_and_over_is_almost_nothing() -> None:
    one = torch.rand(1, 3, 4, 4)
    assert float(spread(one.repeat(8, 1, 1, 1)).max()) < 1e-3
    assert float(spread(torch.rand(8, 3, 4, 4)).min()) > 0.05


def test_pixels_survive_the_way_there_and_back() -> None:
    pixels = np.arange(4 * 8 * 8 * 3, dtype=np.uint8).reshape(4, 8, 8, 3)
    assert (to_pixels(from_pixels(pixels)) == pixels).all()


def test_each_picture_comes_once_an_epoch_in_an_order_of_its_own() -> None:
    first, second = positions(0, 10, 10, seed=3), positions(10, 10, 10, seed=3)
    assert sorted(first) == sorted(second) == list(range(10))
    assert list(first) != list(second)


def test_the_pictures_of_a_step_follow_from_how_many_were_seen() -> None:
    whole = positions(0, 24, 7, seed=4)
    parts = [positions(start, 4, 7, seed=4) for start in range(0, 24, 4)]
    assert list(np.concatenate(parts)) == list(whole)


def test_held_out_pictures_are_never_learnt_from() -> None:
    learnt, held_out = split(range(100), TINY)
    assert len(held_out) == 10 and sorted([*learnt, *held_out]) == list(range(100))
