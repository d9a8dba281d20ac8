"""The three ways of taking something from a photo that a network then has to rebuild."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from generators.forgeries import hole
from generators.restoration.networks import LATENT_NOISE, N_LATENT, Autoencoder, Inpainter, Upsampler, smoothly_filled

KERNELS = ("area", "bilinear", "bicubic")
"""How photos are shrunk, each with the low-pass that its scale asks for."""

MAX_HOLE_PX, MAX_HOLE_SHARE, WINDOW_PX = 2000, 0.3, 80
"""Holes have at most so many pixels, and so large a share of a patch; losses look at a window around each."""


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """What a network made of photos.

    Attributes:
        reals: (N, 3, H, W), the photos, as far as it is about them.
        output: (N, 3, H, W), about 0..1, as the network gave it.
        fakes: (N, 3, H, W), what a viewer sees: the photo where nothing was rebuilt.
        weights: (N, 1, H, W), how much each pixel of the output counts.
    """

    reals: Tensor
    output: Tensor
    fakes: Tensor
    weights: Tensor


class Task(Protocol):
    """What is taken away and which network puts it back."""

    def network(self) -> nn.Module: ...

    def rebuild(self, network: nn.Module, reals: Tensor, rng: np.random.Generator) -> Rebuilt:
        """Take something from (N, 3, H, W) photos 0..1 at random and let the network put it back."""
        ...


@dataclass(frozen=True)
class Reconstruct:
    """The whole photo through a bottleneck, `factor` times smaller a side, with noise on the latents."""

    factor: int

    def network(self) -> nn.Module:
        return Autoencoder(self.factor)

    def inputs(self, reals: Tensor, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """What the network is called with: the photos, and noise on their latents."""
        n, _, height, width = reals.shape
        shape = (n, N_LATENT[self.factor], height // self.factor, width // self.factor)
        strength = rng.uniform(0, LATENT_NOISE, (n, 1, 1, 1))
        return reals, torch.from_numpy((strength * rng.standard_normal(shape)).astype(np.float32)).to(reals.device)

    def rebuild(self, network: nn.Module, reals: Tensor, rng: np.random.Generator) -> Rebuilt:
        output = network(*self.inputs(reals, rng)).float()
        return Rebuilt(reals, output, output, torch.ones_like(reals[:, :1]))


@dataclass(frozen=True)
class Enlarge:
    """The photo shrunk `factor` times and grown again."""

    factor: int

    def network(self) -> nn.Module:
        return Upsampler(self.factor)

    def inputs(self, reals: Tensor, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """What the network is called with: the photos in small."""
        return (shrink(reals, self.factor, KERNELS[int(rng.integers(len(KERNELS)))]),)

    def rebuild(self, network: nn.Module, reals: Tensor, rng: np.random.Generator) -> Rebuilt:
        output = network(*self.inputs(reals, rng)).float()
        return Rebuilt(reals, output, output, torch.ones_like(reals[:, :1]))


@dataclass(frozen=True)
class Fill:
    """Blob-shaped holes filled. What is looked at is a square around each hole, large enough for nearly all of it."""

    def network(self) -> nn.Module:
        return Inpainter()

    def rebuild(self, network: nn.Module, reals: Tensor, rng: np.random.Generator) -> Rebuilt:
        size = (reals.shape[2], reals.shape[3])
        largest = min(MAX_HOLE_SHARE, MAX_HOLE_PX / (size[0] * size[1]))
        holes = np.stack([hole(size, float(rng.uniform(0.02, largest)), rng) for _ in range(len(reals))])
        masks = torch.from_numpy(holes[:, None].astype(np.float32)).to(reals.device)
        output = network(smoothly_filled(reals, masks), masks).float()
        side = min(WINDOW_PX, *size)
        corners = [_corner(own, side) for own in holes]

        def windows(pictures: Tensor) -> Tensor:
            return torch.stack([p[:, y : y + side, x : x + side] for p, (y, x) in zip(pictures, corners, strict=True)])

        output = windows(output)
        return Rebuilt(windows(reals), output, output, windows(masks))


def _corner(hole: NDArray[np.bool_], side: int) -> tuple[int, int]:
    """Top and left of a square window around the middle of a hole, within the picture."""
    middles = [np.flatnonzero(hole.any(axis=axis))[[0, -1]].mean() for axis in (1, 0)]
    y, x = (int(np.clip(round(m - side / 2), 0, n - side)) for m, n in zip(middles, hole.shape, strict=True))
    return y, x


TASKS: Mapping[str, Task] = {
    "reconstruct-f4": Reconstruct(4),
    "reconstruct-f8": Reconstruct(8),
    "superres-x2": Enlarge(2),
    "superres-x4": Enlarge(4),
    "inpaint": Fill(),
}
"""What each preset learns."""


def shrink(images: Tensor, factor: int, kernel: str) -> Tensor:
    """(N, 3, H, W) -> (N, 3, H / factor, W / factor) within 0 and 1; sides are multiples of `factor`."""
    if kernel == "area":
        return functional.avg_pool2d(images, factor)
    size = (images.shape[2] // factor, images.shape[3] // factor)
    return functional.interpolate(images, size, mode=kernel, antialias=True, align_corners=False).clamp(0, 1)
