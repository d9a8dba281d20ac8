"""The planes of `residual_planes`, of many squares at once, wherever they lie: what a network is trained on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from detectors.residual_planes import CUT_OFF, N_PLANES, residual_planes

MEDIAN_OF_9 = (
    *((1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3), (5, 8), (4, 7)),
    *((3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2)),
)
"""Which two of nine values to put in order, one after the other, until the middle one lies at 4.
Source: Paeth, "Median finding on a 3 x 3 grid", Graphics Gems, 1990."""


def planes_of(squares: Tensor) -> Tensor:
    """What `detectors.residual_planes.residual_planes` gives of each square.

    Args:
        squares: (N, H, W, 3) uint8 RGB, on any device.

    Returns:
        (N, N_PLANES, H, W) within -1..1 on the same device: float32 on a processor, elsewhere float16.
    """
    if squares.device.type == "cpu":
        # Eight times as fast as the same arithmetic in PyTorch.
        return torch.from_numpy(np.stack([residual_planes(pixels) for pixels in squares.numpy()]))
    return on_a_card(squares)


def on_a_card(squares: Tensor) -> Tensor:
    """The planes in float16, in which sums and differences of a few bytes are exact: see `planes_of`."""
    colours = squares.permute(0, 3, 1, 2).to(torch.float16)
    wide = pad(colours, (1, 1, 1, 1), mode="replicate")
    height, width = colours.shape[2:]
    around = [wide[:, :, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    crosses = around[1] + around[3] + around[5] + around[7]
    corners = around[0] + around[2] + around[6] + around[8]
    left, above = colours - around[3], colours - around[1]
    high = (4 * colours - 2 * crosses + corners) / 6
    planes = torch.stack([left, above, high, colours - _median(around)], dim=2)
    return (planes.clamp_(-CUT_OFF, CUT_OFF) / CUT_OFF).reshape(len(squares), N_PLANES, height, width)


def _median(around: list[Tensor]) -> Tensor:
    values = list(around)
    for low, high in MEDIAN_OF_9:
        values[low], values[high] = torch.minimum(values[low], values[high]), torch.maximum(values[low], values[high])
    return values[4]
