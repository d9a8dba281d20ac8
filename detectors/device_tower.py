"""The shipped tower on a device of torch, asked like the one of ONNX Runtime: a graphics card does the products."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.torch_tower import TorchTower
from detectors.vision_tower import Tensors, Tokens, grid_seen

HALF = {"cuda": True, "cpu": False}
"""Kind of device -> whether products are of float16. Processors take longer for those than for float32."""


class DeviceTower:
    """Turns pictures of any side that `vision_tower.grid_seen` takes into the tokens of some blocks.

    Args:
        tensors: weights as `vision_tower.graph` reads them.
        blocks: blocks whose tokens are wanted, counted from 1.
        device: "cpu", "cuda" or "cuda:1".
        half: products in float16, sums and norms in float32; None as is usual on the device.

    Raises:
        ValueError: there is no such device here, or the weights lack something.
    """

    def __init__(self, tensors: Tensors, blocks: Sequence[int], device: str, *, half: bool | None = None) -> None:
        self._device = found_device(device)
        self._half = HALF[self._device.type] if half is None else half
        self._network = TorchTower(tensors, blocks).eval().requires_grad_(False).to(self._device)

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """See `VisionTower.tokens`."""
        kind, grid = self._device.type, grid_seen(pixels)
        images = torch.tensor(pixels, device=self._device).permute(0, 3, 1, 2).float() / 255
        with torch.inference_mode(), torch.autocast(kind, dtype=torch.float16, enabled=self._half):
            found = self._network(images, grid)
        return tuple(tokens.float().cpu().numpy() for tokens in found)


def found_device(name: str) -> torch.device:
    """A device of this machine.

    Args:
        name: "cpu", "cuda" or "cuda:1".

    Raises:
        ValueError: there is none of that name.
    """
    asked = re.fullmatch(r"(cpu|cuda)(?::(\d+))?", name)
    if asked is None or (asked[1] == "cpu" and asked[2]):
        raise ValueError(f"a device is called cpu, cuda or cuda:1, not {name!r}")
    if asked[1] == "cuda":
        n_cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(asked[2] or 0) >= n_cards:
            raise ValueError(f"there is no device {name} here: torch {torch.__version__} finds {_count(n_cards)}")
    return torch.device(name)


def _count(n_cards: int) -> str:
    return f"{n_cards or 'no'} CUDA device{'' if n_cards == 1 else 's'}"
