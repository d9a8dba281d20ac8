"""Towers with random weights, or of simple arithmetic, so that tests need none of the shipped ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.token_features import BLOCKS
from detectors.vision_tower import GRID, PATCH_PX, WIDTH, Tokens, quantize

SIZES = {"query": (1, 1), "key": (1, 1), "value": (1, 1), "output": (1, 1), "up": (1, 4), "down": (4, 1)}
"""Inputs and outputs of each product, in widths."""


def random_tower(*, n_blocks: int, seed: int) -> dict[str, NDArray[Any]]:
    """Weights of a tower of so many blocks, scaled so that tokens neither vanish nor explode."""
    rng = np.random.default_rng(seed)

    def normal(spread: float, *shape: int) -> NDArray[np.float32]:
        return rng.normal(0, spread, shape).astype(np.float32)

    tensors: dict[str, NDArray[Any]] = {
        "class": normal(0.5, WIDTH),
        "position": normal(0.5, 1 + GRID * GRID, WIDTH),
        "patch.weight": normal(0.03, WIDTH, 3, PATCH_PX, PATCH_PX),
        "norm.weight": 1 + normal(0.1, WIDTH),
        "norm.bias": normal(0.1, WIDTH),
    }
    for block in range(n_blocks):
        for name in ("norm1", "norm2"):
            tensors[f"{block}.{name}.weight"] = 1 + normal(0.1, WIDTH)
            tensors[f"{block}.{name}.bias"] = normal(0.1, WIDTH)
        for name, (inputs, outputs) in SIZES.items():
            weight, scale = quantize(normal(0.03, inputs * WIDTH, outputs * WIDTH))
            tensors |= {f"{block}.{name}.weight": weight, f"{block}.{name}.scale": scale}
            tensors[f"{block}.{name}.bias"] = normal(0.1, outputs * WIDTH)
    return tensors


class ColourTower:
    """Tokens that hold the mean colour of each patch, spread over the width by a fixed matrix."""

    def __init__(self) -> None:
        self.n_calls = 0
        self.sides_px: set[int] = set()
        self._spread = np.random.default_rng(0).normal(0, 1, (3, WIDTH)).astype(np.float32)

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        self.n_calls += 1
        self.sides_px.add(pixels.shape[1])
        n, grid = len(pixels), pixels.shape[1] // PATCH_PX
        cells = pixels.reshape(n, grid, PATCH_PX, grid, PATCH_PX, 3).mean(axis=(2, 4), dtype=np.float32)
        patches = (cells.reshape(n, grid * grid, 3) / 128 - 1) @ self._spread
        tokens = np.concatenate([patches.mean(axis=1, keepdims=True), patches], axis=1).astype(np.float32)
        return tuple(tokens * (1 + i) for i in range(len(BLOCKS)))
