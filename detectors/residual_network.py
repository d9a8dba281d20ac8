"""The network of the detector `residual` as it is trained, with PyTorch; it ships as plain convolutions."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv2d, softplus

from detectors.residual_graph import BLOCKS, STEM
from detectors.residual_planes import N_PLANES


class ResidualNetwork(nn.Module):
    """Planes (N, C, H, W) in, readings of cells (N, 1, h, w) out, natural log odds.

    Args:
        n_planes: that are seen.
        width: of its layers, times that of `detectors.residual_graph`.

    The last layer adds up evidence for a fake and takes none away: a photo is where none is found, so that nothing can
    be learned about how photos look.

    Source:
        Rajan, Lee, "Stay-positive: a case for ignoring real image features in fake image detection", ICML 2025.
    """

    def __init__(self, n_planes: int = N_PLANES, width: float = 1.0) -> None:
        super().__init__()
        self.stem = _Convolution(n_planes, wide(STEM, width), 3, stride=2)
        blocks = [(wide(n_in, width), wide(n_out, width), stride) for n_in, n_out, stride in BLOCKS]
        self.blocks = nn.ModuleList(_Block(*block) for block in blocks)
        self.head = _Evidence(blocks[-1][1])

    def forward(self, planes: Tensor) -> Tensor:
        """See the class."""
        x = self.stem(planes)
        for block in self.blocks:
            x = block(x)
        cells: Tensor = self.head(x)
        return cells

    def plain(self) -> dict[str, NDArray[np.float16]]:
        """Weights as `detectors.residual_graph.graph` reads them: each normalisation folded into its convolution."""
        found = {"head.weight": self.head.weight, "head.bias": self.head.bias}
        for name, part in self.named_modules():
            if isinstance(part, _Convolution):
                found |= {f"{name.removeprefix('blocks.')}.{key}": value for key, value in part.folded().items()}
        return {name: tensor.detach().cpu().half().numpy() for name, tensor in found.items()}


class _Convolution(nn.Module):
    """A convolution, normalised and rectified."""

    def __init__(self, n_in: int, n_out: int, side: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.layer = nn.Conv2d(n_in, n_out, side, stride, side // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.layer(x)))

    def folded(self) -> dict[str, Tensor]:
        """Weight and bias of the convolution that says the same, as it is used after training."""
        norm = self.norm.state_dict()
        scale = norm["weight"] / torch.sqrt(norm["running_var"] + self.norm.eps)
        return {
            "weight": self.layer.weight.detach() * scale[:, None, None, None],
            "bias": norm["bias"] - norm["running_mean"] * scale,
        }


class _Evidence(nn.Module):
    """A convolution of one pixel whose weights are positive, and small at first, when they add up to what it takes."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.raw = nn.Parameter(torch.full((1, n_in, 1, 1), -4.0))
        self.bias = nn.Parameter(torch.full((1,), -1.0))

    @property
    def weight(self) -> Tensor:
        """(1, n_in, 1, 1), over 0; clamping would take the gradient away where a weight had come down to 0."""
        return softplus(self.raw)

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight, self.bias)


class _Block(nn.Module):
    """A depthwise and a pointwise convolution."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.depthwise = _Convolution(n_in, n_in, 3, stride=stride, groups=n_in)
        self.pointwise = _Convolution(n_in, n_out, 1)
        self.adds = (n_in, stride) == (n_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pointwise(self.depthwise(x))
        return x + y if self.adds else y


def wide(n_channels: int, width: float) -> int:
    """Channels of a layer of another width: a multiple of 8, as processors like them."""
    return max(8, round(n_channels * width / 8) * 8)


def pooled(cells: Tensor) -> Tensor:
    """One reading (N,) of each map (N, 1, h, w): see `detectors.residual.pooled`."""
    flat = cells.flatten(1)
    return (flat.softmax(dim=1) * flat).sum(dim=1)
