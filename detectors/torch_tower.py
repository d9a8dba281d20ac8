"""The shipped tower in torch: slower than on ONNX Runtime, but gradients reach the pixels, which attacks need.

Weights are the int8 ones multiplied out, activations stay in float32: class tokens have a cosine of 0.9999 with those
of `vision_tower.VisionTower`, which rounds activations too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from detectors.vision_tower import EPSILON, GRID, MEAN, N_HEADS, PATCH_PX, QUICK_GELU, STD, WIDTH, Tensors
from generators.trainers import HALF, usual_precision

PARTS = ("query", "key", "value", "output", "up", "down")
"""Products of a block."""


class TorchTower(nn.Module):
    """Turns pictures into the tokens of some blocks.

    Args:
        tensors: weights as `vision_tower.graph` reads them.
        blocks: blocks whose tokens are wanted, counted from 1; the tower ends after the last one.

    Raises:
        ValueError: the weights lack something.
    """

    mean: Tensor
    std: Tensor
    _patch: Tensor
    _start: Tensor
    _places: Tensor
    _first_weight: Tensor
    _first_bias: Tensor

    def __init__(self, tensors: Tensors, blocks: Sequence[int]) -> None:
        super().__init__()
        self.wanted = frozenset(blocks)
        try:
            self._take(tensors, max(blocks))
        except KeyError as error:
            raise ValueError(f"the weights of the tower lack {error}") from error
        for name, values in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.from_numpy(values).view(1, 3, 1, 1))

    def forward(self, images: Tensor, grid: int = GRID) -> tuple[Tensor, ...]:
        """Tokens after each wanted block.

        Args:
            images: (N, 3, H, W) float 0..1; of any size, they are resized to that of the patches, sides alike.
            grid: patches in a row to look at.

        Returns:
            One (N, 1 + grid * grid, WIDTH) a block, lowest block first.
        """
        size = (grid * PATCH_PX, grid * PATCH_PX)
        if images.shape[2:] != size:
            images = F.interpolate(images.float(), size=size, mode="bicubic", antialias=True).clamp(0, 1)
        x = F.conv2d((images - self.mean) / self.std, self._patch, stride=PATCH_PX).flatten(2).transpose(1, 2)
        x = torch.cat((self._start.expand(len(x), 1, WIDTH), x + self._places_of(grid)), dim=1)
        x = F.layer_norm(x, (WIDTH,), *self._norm_first, eps=EPSILON)
        found = []
        for number, block in enumerate(self._blocks, 1):
            x = block(x)
            if number in self.wanted:
                found.append(x)
        return tuple(found)

    def _take(self, tensors: Tensors, n_blocks: int) -> None:
        position = _floats(tensors["position"])
        self.register_buffer("_patch", _floats(tensors["patch.weight"]))
        self.register_buffer("_start", _floats(tensors["class"]).view(1, 1, WIDTH) + position[:1])
        self.register_buffer("_places", position[1:][None])
        self.register_buffer("_first_weight", _floats(tensors["norm.weight"]))
        self.register_buffer("_first_bias", _floats(tensors["norm.bias"]))
        self._blocks = nn.ModuleList(_Block(tensors, index) for index in range(n_blocks))

    def _places_of(self, grid: int) -> Tensor:
        """As `vision_tower.places` has them: (1, grid * grid, WIDTH)."""
        if grid == GRID:
            return self._places
        of_channels = self._places.view(1, GRID, GRID, WIDTH).permute(0, 3, 1, 2)
        return F.interpolate(of_channels, size=(grid, grid), mode="bicubic").flatten(2).transpose(1, 2)

    @property
    def _norm_first(self) -> tuple[Tensor, Tensor]:
        return self._first_weight, self._first_bias


class TorchReading(nn.Module):
    """The linear reading of `synthetic` on a torch tower: a network that attacks can take gradients of.

    Args:
        tower: gives tokens of the blocks that the reading was fitted on.
        weights: (N_FEATURES,) of the reading, see `token_features.features_of`.
        bias: natural log odds of fake at equal priors are `features @ weights + bias`.
    """

    weights: Tensor

    def __init__(self, tower: nn.Module, weights: NDArray[np.float32], bias: float) -> None:
        super().__init__()
        self.tower = tower
        self.register_buffer("weights", _floats(weights))
        self.bias = bias

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float 0..1 -> (N,) float32 natural log odds of fake."""
        # A third of the time of float32 where there are products of bfloat16, many times as long elsewhere.
        half = usual_precision(images.device.type) == HALF
        with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=half):
            tokens = self.tower(images)
        parts = [part.float() for block in tokens for part in (block[:, 0], block[:, 1:].mean(dim=1))]
        logits: Tensor = torch.cat(parts, dim=1) @ self.weights + self.bias
        return logits


class _Block(nn.Module):
    def __init__(self, tensors: Tensors, index: int) -> None:
        super().__init__()
        parts = {
            name: _linear(
                tensors[f"{index}.{name}.weight"].astype(np.float32) * tensors[f"{index}.{name}.scale"],
                tensors[f"{index}.{name}.bias"],
            )
            for name in PARTS
        }
        self.query, self.key, self.value = parts["query"], parts["key"], parts["value"]
        self.output, self.up, self.down = parts["output"], parts["up"], parts["down"]
        self.norm1, self.norm2 = (_norm(tensors, f"{index}.{name}") for name in ("norm1", "norm2"))

    def forward(self, x: Tensor) -> Tensor:
        n, length, _ = x.shape
        normed = self.norm1(x)
        query, key, value = (
            part(normed).view(n, length, N_HEADS, WIDTH // N_HEADS).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(n, length, WIDTH)
        x = x + self.output(mixed)
        up = self.up(self.norm2(x))
        added: Tensor = x + self.down(up * torch.sigmoid(QUICK_GELU * up))
        return added


def _linear(weight: NDArray[np.float32], bias: NDArray[np.float32]) -> nn.Linear:
    """From (inputs, outputs) and (outputs,)."""
    layer = nn.Linear(*weight.shape)
    layer.weight.data.copy_(_floats(weight.T))
    layer.bias.data.copy_(_floats(bias))
    return layer


def _floats(values: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def _norm(tensors: Tensors, name: str) -> nn.LayerNorm:
    norm = nn.LayerNorm(WIDTH, eps=EPSILON)
    norm.weight.data.copy_(_floats(tensors[f"{name}.weight"]))
    norm.bias.data.copy_(_floats(tensors[f"{name}.bias"]))
    return norm
