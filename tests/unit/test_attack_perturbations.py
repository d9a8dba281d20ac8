"""Planted in a toy detector: a linear one, whose best attack is known in closed form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from detectors.attacks import gradient, patch, surrogates, transfer
from detectors.attacks.base import Effort, Target
from detectors.attacks.catalog import ATTACKS
from generators.images import Pixels, to_float
from generators.quality.lite0 import Lite0

EPSILON = 4 / 255


def plane(seed: int, side_px: int = 16) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((3, side_px, side_px)).astype(np.float32))


def linear(weights: torch.Tensor) -> gradient.Critic:
    return lambda images: (images * weights).sum((1, 2, 3))


def bright(images: torch.Tensor) -> torch.Tensor:
    """Takes bright pictures for fakes: survives any wash."""
    return 20 * (images.mean((1, 2, 3)) - 0.4)


def grey(n: int, side_px: int = 16) -> list[Pixels]:
    draws = np.random.default_rng(7)
    return [draws.integers(40, 200, (side_px, side_px, 3)).astype(np.uint8) for _ in range(n)]


def read(critic: gradient.Critic, pictures: tuple[Pixels, ...] | list[Pixels]) -> np.ndarray:
    return np.array([float(critic(torch.from_numpy(to_float(pixels)))[0]) for pixels in pictures])


def target(critic: gradient.Critic, other: gradient.Critic | None = None) -> Target:
    return Target(lambda pictures: 1 / (1 + np.exp(-read(critic, list(pictures)))), 0.5, critic, other)


def test_against_a_linear_detector_every_pixel_goes_to_the_border_along_its_weight() -> None:
    weights = plane(1)
    pictures = grey(2)
    found = gradient.perturb(linear(weights), pictures, EPSILON, 10, 3)
    best = -4 * np.sign(weights.numpy()).transpose(1, 2, 0)
    for before, after in zip(pictures, found, strict=True):
        assert np.array_equal(after.astype(int) - before, best)


@pytest.mark.parametrize("epsilon", [1 / 255, 1.9 / 255, 8 / 255])
def test_epsilon_holds_after_rounding(epsilon: float) -> None:
    pictures = [*grey(2), np.full((9, 12, 3), 255, np.uint8)]
    found = gradient.perturb(lambda images: images.square().sum((1, 2, 3)), pictures, epsilon, 7, 0, lasting=True)
    for before, after in zip(pictures, found, strict=True):
        assert after.dtype == np.uint8 and after.shape == before.shape
        assert np.abs(after.astype(int) - before).max() <= epsilon * 255


def test_either_way_is_open() -> None:
    critic, pictures = linear(plane(2)), grey(1)
    up = gradient.perturb(critic, pictures, EPSILON, 5, 0, towards_fake=True)
    down = gradient.perturb(critic, pictures, EPSILON, 5, 0)
    assert read(critic, down)[0] < read(critic, pictures)[0] < read(critic, up)[0]


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    critic, pictures = linear(plane(3)), grey(3)
    together = gradient.perturb(critic, pictures, EPSILON, 4, 10, lasting=True)
    alone = gradient.perturb(critic, pictures[2:], EPSILON, 4, 12, lasting=True)
    assert np.array_equal(together[2], alone[0])


def test_what_is_no_number_is_said() -> None:
    with pytest.raises(ValueError, match="no number"):
        gradient.perturb(lambda images: (images * float("nan")).sum((1, 2, 3)), grey(1), EPSILON, 2, 0)
    with pytest.raises(ValueError, match="at least 1/255"):
        gradient.perturb(bright, grey(1), 0.001, 2, 0)


def test_pgd_gets_fakes_past_and_leaves_the_plain_ones(tmp_path: Path) -> None:
    forged = gradient.Pgd().forge(target(bright), grey(3), tmp_path, Effort(n_steps=4), seed=5)
    assert (read(bright, forged.fakes) < read(bright, forged.plain) - 0.2).all()
    again = gradient.Pgd().forge(target(bright), grey(1), tmp_path, Effort(n_steps=4), seed=6)
    assert np.array_equal(again.fakes[0], forged.fakes[1])
    assert np.array_equal(again.plain[0], forged.plain[1])


def test_transfer_never_asks_the_target(tmp_path: Path) -> None:
    def asked(images: object) -> torch.Tensor:
        raise AssertionError("a black-box attack asked the target")

    blind = Target(asked, 0.5, asked, bright)  # type: ignore[arg-type]
    forged = transfer.Transfer().forge(blind, grey(2), tmp_path, Effort(n_steps=3), seed=1)
    assert (read(bright, forged.fakes) < read(bright, forged.plain)).all()
    with pytest.raises(ValueError, match="another detector"):
        transfer.Transfer().forge(target(bright), grey(1), tmp_path, Effort(), seed=1)


def redness(images: torch.Tensor) -> torch.Tensor:
    """Positive for fakes, but falls for anything blue."""
    return 2 - 40 * (images[:, 2] - images[:, 0]).clamp_min(0).mean((1, 2))


def test_a_patch_is_learned_and_gone_on_from(tmp_path: Path) -> None:
    attack, effort = patch.Patch(), Effort(n_steps=12, batch_size=2, epsilon=EPSILON)
    said = attack.tune(target(redness), grey(2), tmp_path, effort)
    assert said.startswith("12 steps, critic")
    learned = np.asarray(Image.open(tmp_path / patch.FILE)).astype(int)
    assert (learned[..., 2] - learned[..., 0]).mean() > 40
    attack.tune(target(redness), grey(2), tmp_path, effort)
    further = np.asarray(Image.open(tmp_path / patch.FILE)).astype(int)
    assert (further[..., 2] - further[..., 0]).mean() > (learned[..., 2] - learned[..., 0]).mean()
    forged = attack.forge(target(redness), grey(3), tmp_path, effort, seed=9)
    assert read(redness, forged.fakes).mean() < read(redness, forged.plain).mean() - 0.2


def test_a_patch_covers_one_square_and_nothing_else(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), (255, 0, 255)).save(tmp_path / patch.FILE)
    forged = patch.Patch().forge(target(bright), grey(4), tmp_path, Effort(), seed=2)
    for fake, plain in zip(forged.fakes, forged.plain, strict=True):
        rows, columns = np.nonzero((fake != plain).any(axis=2))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert height == width and 12 <= height <= 20
        covered = fake[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert (covered == (255, 0, 255)).all()


def test_without_a_patch_nothing_is_forged(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no patch was learned"):
        patch.Patch().forge(target(bright), grey(1), tmp_path, Effort(), seed=2)


def test_a_surrogate_learns_to_tell_and_lets_gradients_through() -> None:
    torch_state = torch.random.get_rng_state()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Lite0().eval()
    assert torch.equal(torch_state, torch.random.get_rng_state())
    draws = np.random.default_rng(0)
    smooth = [np.full((40, 40, 3), draws.integers(60, 200, 3), np.uint8) for _ in range(6)]
    noisy = [draws.integers(0, 256, (40, 40, 3)).astype(np.uint8) for _ in range(6)]
    critic = surrogates.fit_surrogate(noisy[:4], smooth[:4], network=network, side_px=32)
    assert read(critic, noisy[4:]).min() > read(critic, smooth[4:]).max()
    changed = gradient.perturb(critic, noisy[4:], EPSILON, 3, 0)
    assert (read(critic, changed) < read(critic, noisy[4:])).all()
    with pytest.raises(ValueError, match="two fakes"):
        surrogates.fit_surrogate(noisy, smooth[:1])


def test_the_catalogue_knows_them() -> None:
    for name in ("pgd", "transfer", "patch"):
        assert ATTACKS.load(name)().name == name
