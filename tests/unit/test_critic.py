"""The critic: frozen, its washing like libjpeg's forwards and open to gradients backwards."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from generators.gan.critic import Critic
from generators.gan.differentiable import DifferentiableJpeg, DifferentiableResize
from generators.images import to_float
from tests.make_media import Pixels, photo


def random(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tensor(pixels: Pixels) -> torch.Tensor:
    return torch.from_numpy(to_float(pixels))


def saved_by_pillow(pixels: Pixels, quality: int, subsampling: int) -> Pixels:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality, subsampling=subsampling)
    with Image.open(out) as image:
        return np.array(image)


def network() -> nn.Sequential:
    torch_state = torch.get_rng_state()
    torch.manual_seed(1)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 8), nn.Flatten(0))
    torch.set_rng_state(torch_state)
    return layers


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("quality", [10, 50, 75, 90, 98])
def test_pixels_are_those_of_libjpeg_within_a_step_or_so(quality: int, subsampling: Literal[0, 2]) -> None:
    pixels = photo(1, width=213, height=155)  # neither side is whole blocks
    wanted = saved_by_pillow(pixels, quality, subsampling)
    found = DifferentiableJpeg((quality,), subsampling)(tensor(pixels))[0].permute(1, 2, 0).numpy() * 255
    off = np.abs(found - wanted).mean()
    assert off < 1.2 and off < np.abs(wanted.astype(float) - pixels).mean() / 2


def test_each_picture_has_its_own_quality() -> None:
    images = tensor(photo(1, width=64, height=48)).repeat(3, 1, 1, 1)
    mixed = DifferentiableJpeg((20, 95, 60))(images)
    for i, quality in enumerate((20, 95, 60)):
        assert torch.allclose(mixed[i], DifferentiableJpeg((quality,))(images[i : i + 1])[0], atol=1e-6)


def test_a_lower_quality_loses_more() -> None:
    images = tensor(photo(2, width=96, height=96))
    lost = [float((DifferentiableJpeg((q,))(images) - images).abs().mean()) for q in (10, 30, 60, 90)]
    assert lost == sorted(lost, reverse=True)


def test_a_resize_there_and_back_keeps_size_and_mean_and_loses_detail() -> None:
    images = tensor(photo(1, width=90, height=70))
    back = DifferentiableResize(0.4)(images)
    assert back.shape == images.shape and abs(float(back.mean() - images.mean())) < 0.005
    assert back.diff(dim=3).abs().mean() < 0.8 * images.diff(dim=3).abs().mean()
    assert torch.equal(DifferentiableResize(1.0)(images), images)


@pytest.mark.parametrize(
    "wash", [DifferentiableJpeg((30,)), DifferentiableJpeg((80,), 0), DifferentiableResize(0.6, "bicubic")]
)
def test_gradients_reach_every_pixel_and_point_where_the_loss_falls(
    wash: DifferentiableJpeg | DifferentiableResize,
) -> None:
    images = (tensor(photo(3, width=32, height=32)) * 0.8 + 0.1).requires_grad_()
    aim = tensor(photo(4, width=32, height=32))
    before = ((wash(images) - aim) ** 2).mean()
    (gradient,) = torch.autograd.grad(before, images)
    assert torch.isfinite(gradient).all() and (gradient.abs() > 0).float().mean() > 0.99
    after = ((wash((images - 100 * gradient).clamp(0, 1)) - aim) ** 2).mean()
    assert after < before


def test_the_critic_stays_as_it_was_while_the_generator_learns_to_please_it() -> None:
    mine = network().train()
    critic = Critic(mine, jpeg_quality=(70, 95), scale=(0.7, 1.0))
    frozen = critic.network
    assert isinstance(frozen, nn.Module)
    before = {name: value.clone() for name, value in frozen.state_dict().items()}
    fakes = nn.Parameter(torch.rand((8, 3, 16, 16), generator=random()))
    steps = torch.optim.Adam([fakes], 0.02)
    draws = random(2)
    losses = []
    for _ in range(40):
        loss = critic.loss(fakes.clamp(0, 1), draws)
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.02
    after = frozen.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.grad is None for parameter in mine.parameters())
    assert mine.training and all(parameter.requires_grad for parameter in mine.parameters())


def test_the_generator_given_decides_every_draw() -> None:
    critic, fakes = Critic(network()), tensor(photo(1, width=16, height=16)).repeat(4, 1, 1, 1)
    state = torch.get_rng_state()
    first, again, other = (critic.loss(fakes, random(seed)) for seed in (1, 1, 2))
    assert first == again and first != other
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_fakes_in_half_precision_give_about_the_same_loss(layout: torch.memory_format) -> None:
    critic, fakes = Critic(network(), scale=(0.7, 0.7)), tensor(photo(1, width=16, height=16)).repeat(4, 1, 1, 1)
    whole = critic.loss(fakes, random())
    half = fakes.bfloat16().to(memory_format=layout).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        loss = critic.loss(half, random())
    (gradient,) = torch.autograd.grad(loss, half)
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(whole.item(), abs=0.03)
    assert torch.isfinite(gradient).all() and gradient.abs().sum() > 0


def test_the_loss_is_the_log_of_what_is_left_for_real() -> None:
    logits = torch.tensor([-3.0, 0.0, 2.0])
    fakes = torch.zeros(3, 3, 8, 8)
    by_logits = Critic(lambda _: logits).loss(fakes, random())
    by_probability = Critic(lambda _: logits.sigmoid(), gives="probabilities").loss(fakes, random())
    assert float(by_logits) == pytest.approx(float(-(1 - logits.sigmoid()).log().mean()), rel=1e-5)
    assert float(by_probability) == pytest.approx(float(by_logits), rel=1e-5)
    assert torch.isfinite(Critic(lambda _: torch.ones(3), gives="probabilities").loss(fakes, random()))


def test_wrong_ranges_and_scores_are_named() -> None:
    for wrong in ({"jpeg_quality": (90, 60)}, {"jpeg_quality": (0, 60)}, {"scale": (0.0, 1.0)}, {"gives": "labels"}):
        with pytest.raises(ValueError, match=next(iter(wrong)) if "gives" not in wrong else "labels"):
            Critic(network(), **wrong)
    with pytest.raises(ValueError, match="one score for each of 2"):
        Critic(lambda images: images.mean(dim=(2, 3))).loss(torch.zeros(2, 3, 16, 16), random())
    with pytest.raises(ValueError, match="2 qualities for 3"):
        DifferentiableJpeg((50, 60))(torch.zeros(3, 3, 16, 16))
