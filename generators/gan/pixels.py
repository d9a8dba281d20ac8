"""Which pictures a network sees next, and how they get there and back: uint8 pixels outside, -1..1 inside."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def positions(n_seen: int, n: int, n_pictures: int, seed: int) -> NDArray[np.int64]:
    """Which pictures come after `n_seen`: each once an epoch, in an order of its own for each epoch."""
    order: list[NDArray[np.int64]] = []
    epoch, start = divmod(n_seen, n_pictures)
    missing = n
    while missing > 0:
        shuffled = np.random.default_rng((seed, epoch)).permutation(n_pictures)[start : start + missing]
        order.append(shuffled)
        missing -= len(shuffled)
        epoch, start = epoch + 1, 0
    return np.concatenate(order)


def from_pixels(pixels: NDArray[np.uint8]) -> Tensor:
    """(N, S, S, 3) uint8 -> (N, 3, S, S) float32 -1..1, without a copy of another memory order."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def to_pixels(images: Tensor) -> NDArray[np.uint8]:
    """(N, 3, S, S) about -1..1 -> (N, S, S, 3) uint8."""
    levels = ((images.float() + 1.0) * 127.5).clamp(0, 255).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
