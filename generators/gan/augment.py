"""Differentiable augmentation of what the discriminator sees, so that few pictures do not get learned by heart.

Colour, translation and cutout, alike for reals and fakes and with gradients back to the generator, as in Zhao et al.
(NeurIPS 2020). Each of the three is drawn for each picture with a probability that the caller steers, as in Karras et
al. (NeurIPS 2020).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

SHIFT = 0.125
"""Largest translation over the side; with `CUTOUT` the setting of Zhao et al. for all their data sets."""
CUTOUT = 0.5
"""Side of the grey square over the side of the picture."""

N_DRAWS = 10


def augment(images: Tensor, strength: float, random: torch.Generator) -> Tensor:
    """Change pictures at random in colour, place and content; the result is differentiable twice.

    Args:
        images: (N, 3, H, W) float, -1..1 where 0 is mid-grey.
        strength: probability 0..1 with which a picture goes through each of the three kinds; 0 gives `images` itself.
        random: decides every draw; it may live on another device than the images.

    Returns:
        (N, 3, H, W) of the same type. Colours may leave -1..1, as in the paper: clipping would stop gradients.

    Raises:
        ValueError: no pictures of three channels, or a strength out of its range.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images must be (N, 3, H, W), not {tuple(images.shape)}")
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"strength must lie between 0 and 1, not {strength}")
    if strength == 0.0:
        return images
    draws = torch.rand((N_DRAWS, len(images)), generator=random, device=random.device).to(images.device)
    recoloured, shifted, cut = draws[:3] < strength
    images = _colour(images, recoloured, *draws[3:6])
    images = _translated(images, shifted, *draws[6:8])
    return images * _cutout(images, cut, *draws[8:10])


def _colour(images: Tensor, drawn: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    """Brightness -0.5..0.5, saturation 0..2, contrast 0.5..1.5 in turn: affine maps, so one does for all."""
    add = _per_picture(torch.where(drawn, brightness - 0.5, 0.0), images)
    saturate = _per_picture(torch.where(drawn, saturation * 2, 1.0), images)
    stretch = _per_picture(torch.where(drawn, contrast + 0.5, 1.0), images)
    grey = (images[:, :1] + images[:, 1:2] + images[:, 2:]) / 3  # (N, 1, H, W)
    mean = grey.mean(dim=(2, 3), keepdim=True)  # (N, 1, 1, 1)
    added: Tensor = grey * (stretch * (1 - saturate)) + (mean * (1 - stretch) + add)
    return images * (stretch * saturate) + added


def _translated(images: Tensor, drawn: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Moved by whole pixels, mid-grey where nothing is left."""
    height, width = images.shape[2:]
    reach_y, reach_x = int(height * SHIFT + 0.5), int(width * SHIFT + 0.5)
    down_px = torch.where(drawn, (down * (2 * reach_y + 1)).long() - reach_y, 0)
    right_px = torch.where(drawn, (right * (2 * reach_x + 1)).long() - reach_x, 0)
    moved: Tensor = _Shift.apply(images, down_px, right_px, reach_y, reach_x)
    return moved


def _cutout(images: Tensor, drawn: Tensor, middle_y: Tensor, middle_x: Tensor) -> Tensor:
    """(N, 1, H, W): 0 in a square whose middle lies anywhere in the picture, 1 elsewhere."""
    inside = []
    for middle, length in ((middle_y, images.shape[2]), (middle_x, images.shape[3])):
        side = int(length * CUTOUT + 0.5)
        start = (middle * (length + 1 - side % 2)).long() - side // 2
        places = torch.arange(length, device=images.device) - start[:, None]  # (N, length)
        inside.append((places >= 0) & (places < side))
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :] & drawn[:, None, None, None]
    return (~square).to(images.dtype)


def _per_picture(values: Tensor, images: Tensor) -> Tensor:
    return values.to(images.dtype)[:, None, None, None]


class _Shift(torch.autograd.Function):
    """Translation by another step for each picture; backwards it is the translation by minus that step.

    Autograd's own way back through the view below would add into an array of every possible step.
    """

    @staticmethod
    def forward(context: Any, images: Tensor, down_px: Tensor, right_px: Tensor, reach_y: int, reach_x: int) -> Tensor:
        context.save_for_backward(down_px, right_px)
        context.reach = (reach_y, reach_x)
        n, channels, height, width = images.shape
        pixels = images.permute(0, 2, 3, 1)
        padded = F.pad(pixels, (0, 0, reach_x, reach_x, reach_y, reach_y)).contiguous()
        # Every row at every horizontal step, without a copy, so that whole rows are gathered.
        rows = padded.as_strided(
            (n, height + 2 * reach_y, 2 * reach_x + 1, width * channels),
            (padded.stride(0), padded.stride(1), channels, 1),
        )
        from_y = reach_y - down_px[:, None] + torch.arange(height, device=images.device)  # (N, H)
        picture = torch.arange(n, device=images.device)[:, None]
        moved = rows[picture, from_y, (reach_x - right_px)[:, None]]  # (N, H, W * C)
        return moved.view(n, height, width, channels).permute(0, 3, 1, 2)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        down_px, right_px = context.saved_tensors
        return _Shift.apply(gradients[0], -down_px, -right_px, *context.reach), None, None, None, None
