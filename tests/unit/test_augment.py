"""DiffAugment: the identity at strength 0, exact in place, and a way back for gradients at any strength."""

from __future__ import annotations

import pytest
import torch

import generators.gan.augment as augmenting
from generators.gan.augment import CUTOUT, SHIFT, augment


def random(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 8, height: int = 16, width: int = 16, seed: int = 0) -> torch.Tensor:
    return torch.rand((n, 3, height, width), generator=random(seed)) * 2 - 1


def test_strength_zero_is_the_identity() -> None:
    images = pictures()
    assert augment(images, 0.0, random()) is images


def test_the_generator_given_decides_every_draw() -> None:
    images, state = pictures(), torch.get_rng_state()
    first, again, other = (augment(images, 0.7, random(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_strength_is_the_share_of_pictures_that_each_kind_changes() -> None:
    images = torch.full((4000, 3, 16, 16), 0.5)
    images[:, 0] = 0.25
    untouched = (augment(images, 0.3, random()) == images).flatten(1).all(dim=1).float().mean()
    # One colour all over shows no contrast, yet brightness and saturation; one shift in 25 is by nothing.
    shifted = 0.3 * 24 / 25
    assert untouched.item() == pytest.approx(0.7 * 0.7 * (1 - shifted), abs=0.03)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_translation_moves_every_picture_by_its_own_step_and_leaves_grey(layout: torch.memory_format) -> None:
    images = pictures(32, 24, 16).to(memory_format=layout)
    everywhere = torch.ones(32, dtype=torch.bool)
    down, right = torch.rand((2, 32), generator=random())
    moved = augmenting._translated(images, everywhere, down, right)
    steps = set()
    for picture, result, y, x in zip(images, moved, (down * 7).long() - 3, (right * 5).long() - 2, strict=True):
        y, x = int(y), int(x)
        rolled = torch.roll(picture, (y, x), dims=(1, 2))
        if y:
            rolled[:, slice(0, y) if y > 0 else slice(y, None)] = 0
        if x:
            rolled[:, :, slice(0, x) if x > 0 else slice(x, None)] = 0
        assert torch.equal(result, rolled)
        steps.add((y, x))
    assert {abs(y) for y, _ in steps} >= {0, int(24 * SHIFT)} and {abs(x) for _, x in steps} >= {0, int(16 * SHIFT)}


def test_cutout_greys_a_square_of_half_the_side_and_nothing_else() -> None:
    drawn = torch.ones(64, dtype=torch.bool)
    kept = augmenting._cutout(pictures(64), drawn, *torch.rand((2, 64), generator=random()))
    cut = (kept == 0).sum(dim=(1, 2, 3))
    assert int(cut.max()) == int(16 * CUTOUT) ** 2 and int(cut.min()) >= 16  # a quarter at a corner
    drawn[:] = False
    assert augmenting._cutout(pictures(64), drawn, *torch.rand((2, 64), generator=random())).all()


def test_colours_are_changed_as_in_the_paper_one_after_the_other() -> None:
    images, drawn = pictures(), torch.ones(8, dtype=torch.bool)
    brightness, saturation, contrast = torch.rand((3, 8), generator=random())
    wanted = images + (brightness - 0.5).view(-1, 1, 1, 1)
    grey = wanted.mean(dim=1, keepdim=True)
    wanted = (wanted - grey) * (saturation * 2).view(-1, 1, 1, 1) + grey
    mean = wanted.mean(dim=(1, 2, 3), keepdim=True)
    wanted = (wanted - mean) * (contrast + 0.5).view(-1, 1, 1, 1) + mean
    assert torch.allclose(augmenting._colour(images, drawn, brightness, saturation, contrast), wanted, atol=1e-6)


def test_gradients_are_those_of_finite_differences_and_so_are_theirs() -> None:
    images = pictures(3, 6, 6).double().requires_grad_()

    def squared(x: torch.Tensor) -> torch.Tensor:
        return augment(x, 0.8, random(3)) ** 2

    assert torch.autograd.gradcheck(squared, (images,))
    assert torch.autograd.gradgradcheck(squared, (images,))


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match="strength must lie between 0 and 1"):
        augment(pictures(), 1.5, random())
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        augment(pictures()[:, :1], 0.5, random())
