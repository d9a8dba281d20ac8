"""Somebody else's frozen network in the generator's loss: fakes shall look real to it, even after JPEG and resizing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generators.gan.differentiable import DifferentiableJpeg, DifferentiableResize

SMALLEST = 1e-6
"""A probability of fake is kept this far from 1, where the loss would be infinite."""

INTERPOLATIONS: tuple[Literal["bilinear", "bicubic"], ...] = ("bilinear", "bicubic")


class Critic:
    """A detector that a generator learns to get past. It is handed in and never learns.

    A network is copied: the caller's own stays as it is and may go on learning without changing this one.

    Args:
        network: (N, 3, H, W) float 0..1 -> (N,), high for fakes; any differentiable callable. A module is frozen, in
            evaluation mode, and follows the fakes to their device.
        gives: what it gives: log odds, or probabilities 0..1.
        jpeg_quality: (lowest, highest), one drawn for each picture, on the scale of libjpeg; None for no JPEG.
        scale: (smallest, largest) of the sides between two resizings, one drawn for each batch; None for no resizing.

    Raises:
        ValueError: a range is empty or beyond what JPEG and resizing know.
    """

    def __init__(
        self,
        network: Callable[[Tensor], Tensor],
        *,
        gives: Literal["logits", "probabilities"] = "logits",
        jpeg_quality: tuple[int, int] | None = (60, 95),
        scale: tuple[float, float] | None = (0.5, 1.0),
    ) -> None:
        if gives not in ("logits", "probabilities"):
            raise ValueError(f"a critic gives logits or probabilities, not {gives!r}")
        if jpeg_quality is not None and not 1 <= jpeg_quality[0] <= jpeg_quality[1] <= 100:
            raise ValueError(f"jpeg_quality must rise within 1 and 100, not {jpeg_quality}")
        if scale is not None and not 0 < scale[0] <= scale[1]:
            raise ValueError(f"scale must rise from above 0, not {scale}")
        self.network = network
        if isinstance(network, nn.Module):
            self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.gives, self.jpeg_quality, self.scale = gives, jpeg_quality, scale

    def loss(self, fakes: Tensor, random: torch.Generator) -> Tensor:
        """How surely the critic tells that fakes are fake: mean of -log(1 - probability of fake).

        Args:
            fakes: (N, 3, H, W) float 0..1, with gradients.
            random: decides what the fakes go through; it may live on another device.

        Returns:
            A scalar >= 0, float32; 0 where all look real.

        Raises:
            ValueError: the network did not give one score for each fake.
        """
        if isinstance(self.network, nn.Module):
            self.network.to(fakes.device)
        scores = self.network(self.washed(fakes, random))
        if scores.shape != (len(fakes),):
            raise ValueError(f"a critic gives one score for each of {len(fakes)} pictures, not {tuple(scores.shape)}")
        if self.gives == "logits":
            return F.softplus(scores.float()).mean()
        return -torch.log1p(-scores.float().clamp(max=1 - SMALLEST)).mean()

    def washed(self, fakes: Tensor, random: torch.Generator) -> Tensor:
        """Fakes as the network sees them: resized and back, then through JPEG."""
        if self.scale is not None:
            low, high = self.scale
            place, which = torch.rand(2, generator=random, device=random.device).tolist()
            fakes = DifferentiableResize(low + (high - low) * place, INTERPOLATIONS[int(which * 2)])(fakes)
        if self.jpeg_quality is not None:
            low, high = self.jpeg_quality
            drawn = torch.randint(low, high + 1, (len(fakes),), generator=random, device=random.device)
            fakes = DifferentiableJpeg(tuple(drawn.tolist()))(fakes)
        return fakes
