"""How close rebuilt photos come to their originals, and pictures of them side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from generators.images import to_float, to_uint8
from generators.quality.estimates import Figure, mean
from generators.quality.sheets import write_sheet
from generators.restoration.patches import Patches
from generators.restoration.tasks import Task

N_JUDGED = 64
"""Held-out patches that are looked at while a network learns."""

N_SHOWN = 12
"""Pairs on a sheet of samples."""


def psnr(made: NDArray[np.uint8], reals: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each picture in dB: (N,). Alike to the last bit is 99.

    Args:
        made, reals: (N, H, W, 3) uint8.
    """
    error = np.square(made.astype(np.float64) - reals).mean(axis=(1, 2, 3))
    return np.asarray(np.minimum(20 * np.log10(255) - 10 * np.log10(np.maximum(error, 1e-9)), 99.0))


def judge(task: Task, network: nn.Module, patches: Patches, sheet: Path) -> float:
    """Rebuild the same few held-out patches each time; writes a sheet of pairs.

    Returns:
        Mean PSNR in dB.
    """
    photos = np.unique(np.linspace(0, len(patches) - 1, N_JUDGED).astype(np.int64))
    device = next(network.parameters()).device
    with torch.no_grad():
        shown = torch.from_numpy(to_float(patches.pixels[photos])).to(device)
        rebuilt = task.rebuild(network, shown, np.random.default_rng(0))
    reals, made = _pixels(rebuilt.reals), _pixels(rebuilt.fakes)
    _sheet(sheet, reals[:N_SHOWN], made[:N_SHOWN])
    return float(psnr(made, reals).mean())


def held_out_psnr(task: Task, network: nn.Module, patches: Patches) -> Figure:
    """PSNR in dB of patches of photos that were not learned from, averaged by photo, with its interval over photos."""
    values = []
    for photo in range(len(patches.paths)):
        shown = torch.from_numpy(to_float(patches.pixels[patches.photo == photo]))
        with torch.no_grad():
            rebuilt = task.rebuild(network, shown, np.random.default_rng(photo))
        values.append(psnr(_pixels(rebuilt.fakes), _pixels(rebuilt.reals)).mean())
    return mean(np.array(values), np.random.default_rng(0))


def as_measures(name: str, figure: Figure) -> dict[str, float]:
    """A figure with its interval as a card's measures, the number of pictures in their names."""
    key = f"{name}, n = {figure.n}"
    values = {key: figure.value, f"{key}, low": figure.low, f"{key}, high": figure.high}
    return {name: round(value, 4) for name, value in values.items()}


def _pixels(images: torch.Tensor) -> NDArray[np.uint8]:
    """(N, 3, H, W), about 0..1 -> (N, H, W, 3) uint8."""
    return to_uint8(images.clamp(0, 1).cpu().numpy())


def _sheet(path: Path, reals: NDArray[Any], made: NDArray[Any]) -> None:
    """Photos above, what was made of them below."""
    rows = [np.concatenate(list(pictures), axis=1) for pictures in (reals, made)]
    write_sheet(path, np.concatenate(rows))
