"""How far a rebuilt picture is from the photo: colours, edges at several sizes, features of a frozen network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

Features = Callable[[Tensor], Sequence[Tensor]]
"""(N, 3, H, W) 0..1 -> maps (N, C, h, w) of a frozen network, fine to coarse."""

N_SIZES = 3
"""Edges are compared at full, half and quarter size."""


def colour_loss(made: Tensor, reals: Tensor, weights: Tensor) -> Tensor:
    """Mean absolute difference.

    Args:
        made, reals: (N, 3, H, W) 0..1.
        weights: (N, 1, H, W), how much each pixel counts.
    """
    return ((made - reals).abs() * weights).mean() / weights.mean()


def edge_loss(made: Tensor, reals: Tensor) -> Tensor:
    """Mean absolute difference of the steps between neighbouring pixels, at several sizes.

    Source: Mathieu et al., Deep Multi-Scale Video Prediction Beyond Mean Square Error, ICLR 2016 (gradient difference).
    """
    difference = made - reals
    total = torch.zeros((), device=made.device)
    for size in range(N_SIZES):
        if size:
            difference = functional.avg_pool2d(difference, 2)
        across, down = difference.diff(dim=-1), difference.diff(dim=-2)
        total = total + across.abs().mean() + down.abs().mean()
    return total / N_SIZES


def feature_loss(features: Features, made: Tensor, reals: Tensor) -> Tensor:
    """Mean squared difference of feature maps whose channels have unit length at every place.

    Source: Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018, without
    learned weights of the channels.
    """
    with torch.no_grad():
        wanted = [functional.normalize(stage.float(), dim=1) for stage in features(reals)]
    found = [functional.normalize(stage.float(), dim=1) for stage in features(made)]
    parts = [(a - b).square().sum(dim=1).mean() for a, b in zip(found, wanted, strict=True)]
    return torch.stack(parts).mean()
