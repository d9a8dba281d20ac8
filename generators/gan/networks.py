"""The two networks of a GAN, sized so that 64-pixel pictures can be learnt on two processor cores.

Both work in -1..1 and hold no batch statistics, so a picture never depends on its neighbours but through the
discriminator's spread channel, and the averaged weights need no second pass over the data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
"""Of the leaky rectifiers, as in Karras et al. 2018."""


class Synthesis(nn.Module):
    """Latents to pictures.

    A learnt 4 x 4 constant grows by nearest-neighbour doubling; each convolution is normalised over its channels and
    then scaled and shifted by what the latent maps to, so the latent speaks at every resolution (Karras et al. 2018,
    2019; self-modulation: Chen et al. 2019). The last doubling is a pixel shuffle: it moves a quarter of the work to
    half the resolution.

    Args:
        side_px: of the pictures: 4 times `2 ** len(channels)`.
        channels: at 4, 8, 16, ... pixels, up to half of `side_px`.
        latent: width of the latent and of what it maps to.
        tail: channels at full resolution.
    """

    def __init__(self, side_px: int, channels: Sequence[int], latent: int, tail: int) -> None:
        super().__init__()
        if side_px != 4 * 2 ** len(channels):
            raise ValueError(f"{len(channels)} levels give {4 * 2 ** len(channels)} pixels a side, not {side_px}")
        self.latent = latent
        self.start = nn.Parameter(torch.randn(1, channels[0], 4, 4))
        self.mapping = nn.Sequential(
            nn.Linear(latent, latent), nn.LeakyReLU(SLOPE), nn.Linear(latent, latent), nn.LeakyReLU(SLOPE)
        )
        layers = [Modulated(channels[0], channels[0], latent)]
        for narrow, wide in zip(channels[1:], channels[:-1], strict=True):
            layers += [Modulated(wide, narrow, latent), Modulated(narrow, narrow, latent)]
        self.layers = nn.ModuleList(layers)
        self.grow = nn.Conv2d(channels[-1], 4 * tail, 3, padding=1)
        self.paint = nn.Conv2d(tail, 3, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        """(N, latent) normal -> (N, 3, side_px, side_px), about -1..1."""
        style = self.mapping(normalised(latents))
        first, *rest = self.layers
        x = first(self.start.expand(len(latents), -1, -1, -1), style)
        for doubled, refined in zip(rest[0::2], rest[1::2], strict=True):
            x = refined(doubled(F.interpolate(x, scale_factor=2, mode="nearest"), style), style)
        x = F.leaky_relu(F.pixel_shuffle(self.grow(x), 2), SLOPE)
        painted: Tensor = self.paint(x)
        return painted


class Modulated(nn.Module):
    """Convolution, normalisation over the channels of each pixel, then a scale and a shift from the style."""

    def __init__(self, n_in: int, n_out: int, latent: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        self.style = nn.Linear(latent, 2 * n_out)
        nn.init.normal_(self.style.weight, std=1 / math.sqrt(latent) / 2)
        nn.init.zeros_(self.style.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(N, n_in, H, W), (N, latent) -> (N, n_out, H, W)."""
        scale, shift = self.style(style)[:, :, None, None].chunk(2, dim=1)
        return F.leaky_relu(torch.addcmul(shift, normalised(self.conv(x)), 1 + scale), SLOPE)


class Discriminator(nn.Module):
    """Pictures to logits; high is real. Residual blocks that halve (Karras et al. 2020), first at half resolution.

    Args:
        side_px: of the pictures.
        channels: at half of `side_px`, a quarter, ... down to 4 pixels.
        n_deep: of the halvings, the last ones, that refine before they halve.
    """

    def __init__(self, side_px: int, channels: Sequence[int], n_deep: int) -> None:
        super().__init__()
        if side_px != 4 * 2 ** len(channels):
            raise ValueError(f"{len(channels)} levels take {4 * 2 ** len(channels)} pixels a side, not {side_px}")
        self.stem = nn.Conv2d(3, channels[0], 4, stride=2, padding=1)
        n_halvings = len(channels) - 1
        self.halvings = nn.Sequential(
            *(Halving(channels[i], channels[i + 1], refines=i >= n_halvings - n_deep) for i in range(n_halvings))
        )
        self.last = nn.Conv2d(channels[-1] + 1, channels[-1], 3, padding=1)
        self.logit = nn.Linear(channels[-1] * 16, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, side_px, side_px) -> (N,)."""
        x = self.halvings(F.leaky_relu(self.stem(images), SLOPE))
        x = F.leaky_relu(self.last(torch.cat([x, spread(x)], dim=1)), SLOPE)
        logits: Tensor = self.logit(x.flatten(1))
        return logits[:, 0]


class Halving(nn.Module):
    """Half the side, more channels; the way past it is averaged."""

    def __init__(self, n_in: int, n_out: int, refines: bool) -> None:
        super().__init__()
        self.refine = nn.Conv2d(n_in, n_in, 3, padding=1) if refines else None
        self.halve = nn.Conv2d(n_in, n_out, 4, stride=2, padding=1)
        self.past = nn.Conv2d(n_in, n_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, n_in, H, W) -> (N, n_out, H / 2, W / 2)."""
        y = x if self.refine is None else F.leaky_relu(self.refine(x), SLOPE)
        y = F.leaky_relu(self.halve(y), SLOPE)
        # Two variances add up; the root keeps the sum at one.
        halved: Tensor = (y + self.past(F.avg_pool2d(x, 2))) * math.sqrt(0.5)
        return halved


def normalised(x: Tensor) -> Tensor:
    """Unit mean square over dim 1 (Karras et al. 2018)."""
    unit: Tensor = x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-6)
    return unit


def spread(x: Tensor, n_group: int = 4) -> Tensor:
    """How much the pictures of a group differ, as one more channel (Karras et al. 2018): (N, 1, H, W).

    A discriminator that sees it notices a generator that paints one picture over and over.
    """
    n, _, height, width = x.shape
    size = math.gcd(n, n_group)
    groups = x.float().reshape(size, n // size, -1)  # every (n / size)-th picture shares a group
    deviation = (groups.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=1)  # (n / size,)
    return deviation.repeat(size)[:, None, None, None].expand(n, 1, height, width).to(x.dtype)
