"""How close rebuilt photos come to their originals, and pictures of them side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from generators.images import to_float, to_uint8
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
    reals = patches.pixels[photos]
    device = next(network.parameters()).device
    with torch.no_grad():
        rebuilt = task.rebuild(network, torch.from_numpy(to_float(reals)).to(device), np.random.default_rng(0))
    made = to_uint8(rebuilt.fakes.clamp(0, 1).cpu().numpy())
    _sheet(sheet, reals[:N_SHOWN], made[:N_SHOWN])
    return float(psnr(made, reals).mean())


def held_out_figures(task: Task, network: nn.Module, patches: Patches) -> dict[str, float]:
    """PSNR of patches of photos that were not learned from, averaged by photo, with its 95 % interval over photos."""
    values = []
    for photo in range(len(patches.paths)):
        reals = patches.pixels[patches.photo == photo]
        with torch.no_grad():
            rebuilt = task.rebuild(network, torch.from_numpy(to_float(reals)), np.random.default_rng(photo))
        values.append(psnr(to_uint8(rebuilt.fakes.clamp(0, 1).numpy()), reals).mean())
    low, high = bootstrap(np.array(values))
    figures = {"PSNR in dB": float(np.mean(values)), "PSNR in dB, low": low, "PSNR in dB, high": high}
    return {f"held-out patches, {name}": round(value, 2) for name, value in figures.items()} | {
        "held-out patches, photos": len(values)
    }


def bootstrap(values: NDArray[np.float64], *, seed: int = 1, n_draws: int = 1000) -> tuple[float, float]:
    """95 % interval of a mean, by drawing pictures with replacement."""
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), (n_draws, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _sheet(path: Path, reals: NDArray[Any], made: NDArray[Any]) -> None:
    """Photos above, what was made of them below."""
    rows = [np.concatenate(list(pictures), axis=1) for pictures in (reals, made)]
    Image.fromarray(np.concatenate(rows)).save(path)
