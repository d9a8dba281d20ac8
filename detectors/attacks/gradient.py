"""Adversarial examples by projected gradient descent: changes too small to be seen that a detector falls for.

They rest on the near linearity of networks: many small steps along the sign of the gradient add up in its reading.

Source:
    Madry et al., "Towards deep learning models resistant to adversarial attacks", ICLR 2018.
    Dong et al., "Boosting adversarial attacks with momentum", CVPR 2018.
    Athalye et al., "Synthesizing robust adversarial examples", ICML 2018: over what a file goes through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np

from detectors.attacks.base import Effort, Forged, Report, Target
from generators.base import blank
from generators.catalog import GENERATORS
from generators.extras import needs
from generators.images import Pixels, to_float, to_uint8

with needs("learned"):
    import torch
    from torch import Tensor

    from generators.gan.differentiable import DifferentiableJpeg, DifferentiableResize

Critic: TypeAlias = Callable[[Tensor], Tensor]
"""(N, 3, H, W) float 0..1 -> (N,) log odds of fake, differentiable."""

STEP_SHARE = 2.5
"""A step is this times epsilon over the number of steps: the border is reached from anywhere. Source: Madry et al."""

QUALITIES = (70, 96)
"""Of the JPEG that a perturbation shall survive, drawn anew at each step; the upper end is left out."""

SCALES = (0.6, 1.0)
"""Of the resizing in between, drawn likewise."""


def perturb(
    critic: Critic,
    images: Sequence[Pixels],
    epsilon: float,
    n_steps: int,
    seed: int,
    *,
    towards_fake: bool = False,
    momentum: float = 0.0,
    lasting: bool = False,
) -> tuple[Pixels, ...]:
    """Change pictures a little, so that a detector errs about them.

    Args:
        critic: the detector, or another one that stands for it.
        images: N pictures (H, W, 3) uint8 of any sizes.
        epsilon: largest change of a pixel, 0..1; it holds after rounding to 8 bits.
        n_steps: of descent.
        seed: picture i depends on itself and seed + i alone.
        towards_fake: raise the log odds of fake instead of lowering them.
        momentum: share of the past gradients that goes on into the next step; carries over to other detectors better.
        lasting: seek what survives JPEG and resizing too, one drawn way at each step.

    Returns:
        N pictures of the same sizes.

    Raises:
        ValueError: epsilon is less than one step of 8 bits, or the gradient is no number.
    """
    reach = int(epsilon * 255 + 1e-6)
    if reach < 1 or n_steps < 1:
        raise ValueError(f"epsilon must be at least 1/255 and one step be made, not {epsilon:g} and {n_steps}")
    way = 1.0 if towards_fake else -1.0
    found = []
    for place, pixels in enumerate(images):
        draws = np.random.default_rng(seed + place)
        found.append(_perturbed(critic, pixels, reach, n_steps, draws, way, momentum, lasting))
    return tuple(found)


class Perturbed:
    """Fakes of a built-in generator, each one perturbed by itself: nothing is tuned beforehand."""

    name: ClassVar[str]
    about: ClassVar[str]
    generator: ClassVar[str] = "face-64"
    white_box: ClassVar[bool] = True
    side_px: ClassVar[int] = 64
    needs_faces: ClassVar[bool] = True

    def tune(
        self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, report: Report | None = None
    ) -> str:
        """Nothing; see `Attack.tune`."""
        return ""

    def forge(self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, *, seed: int) -> Forged:
        """Draw a fake for each photo and perturb it; see `Attack.forge`."""
        plain, recipes = drawn_fakes(self.generator, len(photos), seed=seed)
        fakes = self.perturbed(target, plain, effort, seed)
        words = f"perturbed by {self.name} within {int(effort.epsilon * 255 + 1e-6)}/255 in {effort.n_iterations} steps"
        return Forged(fakes, plain, tuple(f"{recipe}, {words}" for recipe in recipes))

    def perturbed(self, target: Target, plain: Sequence[Pixels], effort: Effort, seed: int) -> tuple[Pixels, ...]:
        """The fakes, changed so that they get past."""
        raise NotImplementedError


class Pgd(Perturbed):
    """White box: gradients of the target itself, through JPEG and resizing."""

    name = "pgd"
    about = "Fakes with a change of every pixel too small to be seen, found along the gradient of the detector."

    def perturbed(self, target: Target, plain: Sequence[Pixels], effort: Effort, seed: int) -> tuple[Pixels, ...]:
        """See `Perturbed.perturbed`."""
        return perturb(target.critic, plain, effort.epsilon, effort.n_iterations, seed, lasting=True)


def drawn_fakes(generator: str, n: int, *, seed: int) -> tuple[tuple[Pixels, ...], tuple[str, ...]]:
    """Fakes of a generator that needs no source, as pictures of 8 bits, with their recipes; fake i is of seed + i."""
    batch = GENERATORS.load(generator)().forge(blank(n), seed=seed)
    return tuple(np.ascontiguousarray(pixels) for pixels in to_uint8(batch.images)), batch.recipes


def drawn_wash(draws: np.random.Generator) -> Callable[[Tensor], Tensor]:
    """JPEG and resizing in tensors, of a quality and a scale drawn from the ranges above."""
    scale = DifferentiableResize(float(draws.uniform(*SCALES)))
    coding = DifferentiableJpeg((int(draws.integers(*QUALITIES)),))
    return lambda images: coding(scale(images))


def _perturbed(
    critic: Critic,
    pixels: Pixels,
    reach: int,
    n_steps: int,
    draws: np.random.Generator,
    way: float,
    momentum: float,
    lasting: bool,
) -> Pixels:
    """One picture; everything is counted in steps of 8 bits, so that rounding at the end stays within reach."""
    start = torch.from_numpy(to_float(pixels)) * 255  # (1, 3, H, W)
    low, high = (start - reach).clamp_min(0), (start + reach).clamp_max(255)
    noise = torch.from_numpy(draws.uniform(-reach, reach, tuple(start.shape)).astype(np.float32))
    at = torch.minimum(torch.maximum(start + noise, low), high)
    past = torch.zeros_like(at)
    size = STEP_SHARE * reach / n_steps
    for _ in range(n_steps):
        seen = at.round().requires_grad_()  # rounding counts as the identity backwards
        shown = seen / 255
        loss = way * critic(drawn_wash(draws)(shown) if lasting else shown).sum()
        (gradient,) = torch.autograd.grad(loss, seen)
        if not torch.isfinite(gradient).all():
            raise ValueError("the gradient of the detector is no number")
        past = momentum * past + gradient / gradient.abs().mean().clamp_min(1e-20)
        at = torch.minimum(torch.maximum(at + size * past.sign(), low), high)
    return np.ascontiguousarray(to_uint8((at.round() / 255).numpy())[0])
