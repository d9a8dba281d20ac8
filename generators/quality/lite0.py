"""EfficientNet-Lite0 as a fixed eye: what pictures show as 1280 numbers, for distances between sets and for losses.

Source: Tan, Le, EfficientNet, ICML 2019; the Lite variant has ReLU6, no squeeze and excitation, and a stem and head of
fixed width. Batch norms are folded into the convolutions, so nothing is left that training could move; weights are
stored as int8 with one scale for each output channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from generators.images import to_float
from generators.weights import ZOO
from generators.weights import load as load_weights

STEM = "efficientnet_lite0-1"

SIDE_PX = 224
"""Of the pictures that it was trained on."""
N_FEATURES, N_CLASSES = 1280, 1000

MEAN = STD = 0.5
"""Pixels from -1 to 1, as its training had them."""


class Stage(NamedTuple):
    """Inverted residual blocks of one width.

    Attributes:
        expansion: width inside a block over the width before it.
        kernel_px, stride: of the depthwise convolution; only the first block strides.
        width, n_blocks: channels and blocks.
    """

    expansion: int
    kernel_px: int
    stride: int
    width: int
    n_blocks: int


STAGES = (
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)
"""EfficientNet-B0, table 1."""
STEM_WIDTH = 32
LAST_OF_SIZE = (0, 2, 4, 10, 15)
"""Blocks after which the picture is shrunk by 2, 4, 8, 16 and 32: the maps of a perceptual loss."""


class Lite0(nn.Module):
    """The network, frozen; gradients flow through it to the pictures.

    Starts with random weights; `load` gives the shipped ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, STEM_WIDTH, 3, stride=2)
        self.blocks = nn.ModuleList(_blocks())
        self.head = _Convolution(STAGES[-1].width, N_FEATURES, 1)
        self.classifier = nn.Linear(N_FEATURES, N_CLASSES)
        self.requires_grad_(False)

    def features(self, images: Tensor, side_px: int = SIDE_PX) -> Tensor:
        """What the pictures show.

        Args:
            images: (N, 3, H, W) float RGB 0..1 of any size.
            side_px: pictures are resized to a square of it; 64 costs a twelfth of 224, and means less.

        Returns:
            (N, 1280), the mean over places of the last map.
        """
        x = self.stem(_prepared(images, side_px))
        for block in self.blocks:
            x = block(x)
        pooled: Tensor = self.head(x).mean((2, 3))
        return pooled

    def logits(self, images: Tensor, side_px: int = SIDE_PX) -> Tensor:
        """(N, 1000) log odds of the ImageNet classes, up to a constant a picture; see `features`."""
        classes: Tensor = self.classifier(self.features(images, side_px))
        return classes

    def stages(self, images: Tensor, side_px: int = SIDE_PX) -> list[Tensor]:
        """Maps for a perceptual loss: (N, C, S, S) with C 16, 24, 40, 112, 320 and S side_px / 2, 4, 8, 16, 32."""
        x = self.stem(_prepared(images, side_px))
        maps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in LAST_OF_SIZE:
                maps.append(x)
        return maps

    def forward(self, images: Tensor) -> Tensor:
        """The same as `logits`."""
        return self.logits(images)


@cache
def load(device: str = "cpu") -> Lite0:
    """The shipped network; read once a process and device, so do not change it.

    Raises:
        FileNotFoundError, ValueError: the weights are missing, or not those of their card.
    """
    tensors, _ = load_weights(STEM, ZOO)
    # First weights come from the global random state, which is not ours to move.
    with torch.random.fork_rng(devices=[]):
        network = Lite0()
    network.load_state_dict(unpacked(tensors))
    network.eval().to(device)
    network.to(memory_format=torch.channels_last)
    return network


def packed(state: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    """Weights as they are stored: int8 with a float16 scale for each output channel, biases as float16.

    Args:
        state: of a `Lite0`; each `x.weight` has its outputs first.

    Returns:
        For each layer x `x.weight`, `x.scale` and `x.bias`; weight times scale is the weight to half a step.
    """
    stored: dict[str, NDArray[Any]] = {}
    for name, tensor in state.items():
        if name.endswith(".bias"):
            stored[name] = tensor.numpy().astype(np.float16)
            continue
        weight = tensor.numpy().astype(np.float64)
        scale = np.maximum(np.abs(weight.reshape(len(weight), -1)).max(axis=1) / 127, np.finfo(np.float16).tiny)
        rounded = scale.astype(np.float16)
        # A scale rounded down would clip the largest weight.
        rounded = np.where(rounded < scale, np.nextafter(rounded, np.float16(np.inf)), rounded)
        steps = weight / rounded.astype(np.float64).reshape(-1, *[1] * (weight.ndim - 1))
        stored[name] = np.rint(steps).astype(np.int8)
        stored[name.removesuffix("weight") + "scale"] = rounded
    return stored


def unpacked(stored: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """State of a `Lite0` from what `packed` stored, float32."""
    state: dict[str, Tensor] = {}
    for name, value in stored.items():
        if name.endswith(".scale"):
            continue
        number = value.astype(np.float32)
        if name.endswith(".weight"):
            scale = stored[name.removesuffix("weight") + "scale"].astype(np.float32)
            number *= scale.reshape(-1, *[1] * (number.ndim - 1))
        state[name] = torch.from_numpy(number)
    return state


def embed(
    pixels: NDArray[np.uint8], *, batch_size: int = 8, network: Lite0 | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features and class probabilities of many pictures.

    Args:
        pixels: (N, H, W, 3) uint8 RGB of any one size.
        batch_size: at once; changes results by rounding only. On a processor 8 take half the time of 32, whose maps
            overflow its caches.
        network: None for the shipped one.

    Returns:
        (N, 1280) float32 features, and (N, 1000) float32 probabilities of the ImageNet classes.
    """
    eye = network or load()
    device = eye.classifier.weight.device
    features = np.empty((len(pixels), N_FEATURES), np.float32)
    probabilities = np.empty((len(pixels), N_CLASSES), np.float32)
    with torch.inference_mode():
        for start in range(0, len(pixels), batch_size):
            part = slice(start, start + batch_size)
            found = eye.features(torch.from_numpy(to_float(pixels[part])).to(device))
            features[part] = found.cpu().numpy()
            probabilities[part] = eye.classifier(found).softmax(1).cpu().numpy()
    return features, probabilities


class _Convolution(nn.Module):
    """Convolution with the padding of TensorFlow, which puts the odd pixel at the right and bottom; then ReLU6."""

    def __init__(
        self, width_in: int, width: int, kernel_px: int, *, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width, width_in // groups, kernel_px, kernel_px))
        self.bias = nn.Parameter(torch.zeros(width))
        nn.init.kaiming_normal_(self.weight)
        self.stride, self.groups, self.linear = stride, groups, linear

    def forward(self, x: Tensor) -> Tensor:
        pads = [_padding(side, self.weight.shape[-1], self.stride) for side in (x.shape[3], x.shape[2])]
        even = all(before == after for before, after in pads)
        if not even:
            x = functional.pad(x, [*pads[0], *pads[1]])
        inside = (pads[1][0], pads[0][0]) if even else (0, 0)
        x = functional.conv2d(x, self.weight, self.bias, self.stride, inside, groups=self.groups)
        return x if self.linear else functional.relu6(x)


class _Block(nn.Module):
    """Inverted residual block: widen, look around within each channel, narrow. Source: Sandler et al., CVPR 2018."""

    def __init__(self, width_in: int, stage: Stage, stride: int) -> None:
        super().__init__()
        inside = width_in * stage.expansion
        self.expand = _Convolution(width_in, inside, 1) if stage.expansion > 1 else nn.Identity()
        self.depth = _Convolution(inside, inside, stage.kernel_px, stride=stride, groups=inside)
        self.project = _Convolution(inside, stage.width, 1, linear=True)
        self.shortcut = stride == 1 and width_in == stage.width

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.project(self.depth(self.expand(x)))
        return x + changed if self.shortcut else changed


def _blocks() -> Iterator[_Block]:
    width = STEM_WIDTH
    for stage in STAGES:
        for index in range(stage.n_blocks):
            yield _Block(width, stage, stage.stride if index == 0 else 1)
            width = stage.width


def _padding(side: int, kernel_px: int, stride: int) -> tuple[int, int]:
    """Pixels before and after, so that the output has side / stride places, rounded up."""
    total = max((-(-side // stride) - 1) * stride + kernel_px - side, 0)
    return total // 2, total - total // 2


def _prepared(images: Tensor, side_px: int) -> Tensor:
    """Resized without aliasing to (N, 3, side_px, side_px), and normalised."""
    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise ValueError(f"images must be (N, 3, H, W) float, not {tuple(images.shape)} {images.dtype}")
    if tuple(images.shape[2:]) != (side_px, side_px):
        small = functional.interpolate(
            images.float(), (side_px, side_px), mode="bicubic", align_corners=False, antialias=True
        )
        images = small.clamp(0, 1)  # bicubic weights overshoot at edges
    return ((images - MEAN) / STD).contiguous(memory_format=torch.channels_last)
