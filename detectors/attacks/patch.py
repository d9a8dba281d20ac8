"""One adversarial patch for all pictures: stuck anywhere on a fake, it draws the detector's eye to itself.

Source: Brown et al., "Adversarial patch", 2017 (learned over random places and sizes, so that it works wherever it is).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import ClassVar

import numpy as np
from PIL import Image

from detectors.attacks.base import Effort, Forged, Report, Target
from detectors.attacks.gradient import drawn_fakes, drawn_wash
from generators.extras import needs
from generators.images import Pixels, to_float, to_uint8
from generators.labels import encode
from generators.whole_files import write_whole

with needs("learned"):
    import torch
    from torch import Tensor
    from torch.nn import functional as F

FILE = "patch.png"

PATCH_PX = 32
"""Side of the patch as it is kept."""

SIDES = (0.2, 0.3)
"""Its side on a picture, as a share of the picture's shorter one; drawn for each picture."""

RATE = 0.03
"""Of Adam, in shares of the full range."""

TUNING_SEED = 1 << 40
"""Fakes that a patch is learned on are drawn from here on, far from the seeds of those that it is tried on."""


class Patch:
    """White box: the patch is learned along gradients of the target, and stuck on without asking it again."""

    name: ClassVar[str] = "patch"
    about: ClassVar[str] = (
        "Fakes with one small square stuck on at a random place, the same for all, learned beforehand."
    )
    generator: ClassVar[str] = "face-64"
    white_box: ClassVar[bool] = True
    side_px: ClassVar[int] = 64
    needs_faces: ClassVar[bool] = True

    def tune(
        self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, report: Report | None = None
    ) -> str:
        """Learn a patch and keep it; see `Attack.tune`."""
        path, draws = folder / FILE, np.random.default_rng(effort.seed)
        patch = (_kept(path) if path.is_file() else _noise(draws)).requires_grad_()
        optimizer = torch.optim.Adam([patch], lr=RATE)
        readings: list[float] = []
        until = monotonic() + 60 * effort.minutes if effort.minutes else float("inf")
        for step in range(effort.n_steps):
            seed = TUNING_SEED + effort.seed + step * effort.batch_size
            fakes, _ = drawn_fakes(self.generator, effort.batch_size, seed=seed)
            readings.append(_learn(target, patch, optimizer, fakes, draws))
            if report is not None:
                report(step + 1, effort.n_steps, f"critic {readings[-1]:.2f}")
            if monotonic() > until:
                break
        _keep(patch.detach(), path)
        return f"{len(readings)} steps, critic {readings[0]:.2f} -> {readings[-1]:.2f}"

    def forge(self, target: Target, photos: Sequence[Pixels], folder: Path, effort: Effort, *, seed: int) -> Forged:
        """Draw a fake for each photo and stick the patch on it; see `Attack.forge`.

        Raises:
            ValueError: no patch was learned into the folder, or it cannot be read.
        """
        patch = _kept(folder / FILE)
        plain, recipes = drawn_fakes(self.generator, len(photos), seed=seed)
        draws = [np.random.default_rng(seed + i) for i in range(len(plain))]
        fakes = tuple(stuck_on(pixels, patch, own) for pixels, own in zip(plain, draws, strict=True))
        return Forged(fakes, plain, tuple(f"{recipe}, with a learned patch" for recipe in recipes))


def stuck_on(pixels: Pixels, patch: Tensor, draws: np.random.Generator) -> Pixels:
    """The picture (H, W, 3) with the patch (1, 3, P, P) at a place and of a size that are drawn; the rest is left."""
    return np.ascontiguousarray(to_uint8(_pasted(torch.from_numpy(to_float(pixels)), patch, draws).numpy())[0])


def _learn(
    target: Target,
    patch: Tensor,
    optimizer: torch.optim.Optimizer,
    fakes: Sequence[Pixels],
    draws: np.random.Generator,
) -> float:
    """One step; the mean reading before it."""
    shown = torch.cat([_pasted(torch.from_numpy(to_float(pixels)), patch, draws) for pixels in fakes])
    loss = target.critic(drawn_wash(draws)(shown)).mean()
    if not torch.isfinite(loss):
        raise ValueError("the reading of the detector is no number")
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    with torch.no_grad():
        patch.clamp_(0, 1)
    return float(loss.detach())


def _pasted(image: Tensor, patch: Tensor, draws: np.random.Generator) -> Tensor:
    """(1, 3, H, W) with the patch on it."""
    height, width = image.shape[2:]
    side = max(1, round(float(draws.uniform(*SIDES)) * min(height, width)))
    top, left = int(draws.integers(height - side + 1)), int(draws.integers(width - side + 1))
    sized = F.interpolate(patch, (side, side), mode="bilinear", antialias=True).clamp(0, 1)
    pads = (left, width - side - left, top, height - side - top)
    cover = F.pad(torch.ones_like(sized), pads)
    return image * (1 - cover) + F.pad(sized, pads)


def _noise(draws: np.random.Generator) -> Tensor:
    return torch.from_numpy(draws.uniform(0, 1, (1, 3, PATCH_PX, PATCH_PX)).astype(np.float32))


def _keep(patch: Tensor, path: Path) -> None:
    write_whole(path, encode(to_uint8(patch.numpy())[0], "png", "Patch that hides a fake"))


def _kept(path: Path) -> Tensor:
    try:
        with Image.open(path) as image:
            return torch.from_numpy(to_float(np.array(image.convert("RGB"))))
    except (OSError, SyntaxError) as error:
        raise ValueError(f"no patch was learned into {path.parent}: {error}") from error
