"""A patch discriminator: how real each neighbourhood of a picture looks, and the losses that it is taught with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class PatchDiscriminator(nn.Module):
    """(N, 3, H, W) 0..1 -> (N, 1, H / 8, W / 8): higher where a neighbourhood of about 50 pixels looks more real.

    Source: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017; without
    normalisation, which gradient penalties do not go with.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 96)) -> None:
        super().__init__()
        a, b, c = widths
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, a, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(a, b, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(b, c, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(c, c, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(c, 1, 3, padding=1),
        )
        # PyTorch's own first weights let scores start so close to 0 that nothing is learned for a hundred steps.
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=0.2)

    def forward(self, images: Tensor) -> Tensor:
        return cast("Tensor", self.layers(images * 2 - 1))


def relativistic(higher: Tensor, lower: Tensor) -> Tensor:
    """Loss that falls as each score of `higher` rises above its partner in `lower`; scores of any one shape.

    Source: Jolicoeur-Martineau, The Relativistic Discriminator, ICLR 2019, with each real patch paired with its own
    rebuilt one.
    """
    return functional.softplus(lower.float() - higher.float()).mean()


def gradient_penalty(discriminator: nn.Module, reals: Tensor) -> Tensor:
    """Mean squared slope of the scores at real pictures, R1, by place that is scored.

    Source: Mescheder et al., Which Training Methods for GANs do actually Converge?, ICML 2018.
    """
    reals = reals.detach().requires_grad_()
    scores = discriminator(reals).float()
    (slope,) = torch.autograd.grad(scores.sum(), reals, create_graph=True)
    return cast("Tensor", slope.float().square().sum() / scores.numel())
