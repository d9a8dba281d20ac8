"""A small detector of one's own, for attackers that cannot look inside the target: EfficientNet-Lite0 and a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.probe import fit
from generators.extras import needs
from generators.images import Pixels, to_float

with needs("learned"):
    import torch
    from torch import Tensor, nn

    from generators.quality import lite0

SIDE_PX = 128
"""Pictures are shrunk or blown up to it: a third of the time of 224."""


class Surrogate(nn.Module):
    """A linear reading of what Lite0 sees; gradients reach the pixels.

    Args:
        weights: (1280,) of the features.
        bias: natural log odds of fake at equal numbers are `features @ weights + bias`.
        network: frozen; the shipped one if None.
        side_px: of the pictures that the network looks at.
    """

    weights: Tensor

    def __init__(
        self, weights: NDArray[np.float32], bias: float, network: lite0.Lite0 | None = None, side_px: int = SIDE_PX
    ) -> None:
        super().__init__()
        self.network = network or lite0.load()
        self.register_buffer("weights", torch.from_numpy(np.ascontiguousarray(weights, np.float32)))
        self.bias, self.side_px = bias, side_px

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float 0..1 of any size -> (N,) float32 natural log odds of fake."""
        logits: Tensor = self.network.features(images, self.side_px) @ self.weights + self.bias
        return logits


def fit_surrogate(
    fakes: Sequence[Pixels],
    reals: Sequence[Pixels],
    *,
    network: lite0.Lite0 | None = None,
    side_px: int = SIDE_PX,
) -> Surrogate:
    """Learn a surrogate, as an attacker would who has pictures but not the target.

    Args:
        fakes, reals: pictures (H, W, 3) uint8 of any sizes, best washed alike.
        network: frozen; the shipped one if None.
        side_px: of the pictures that the network looks at.

    Raises:
        ValueError: there are fewer than two of either.
    """
    if min(len(fakes), len(reals)) < 2:
        raise ValueError(f"a surrogate learns from two fakes and two reals at least, not {len(fakes)} and {len(reals)}")
    eye = network or lite0.load()
    with torch.inference_mode():
        rows = [eye.features(torch.from_numpy(to_float(pixels)), side_px)[0].numpy() for pixels in (*fakes, *reals)]
    labels = np.repeat((1, 0), (len(fakes), len(reals))).astype(np.int64)
    weight = np.where(labels == 1, 0.5 / len(fakes), 0.5 / len(reals)) * len(labels)
    probe = fit(np.asarray(rows, np.float32), labels, weight)
    return Surrogate(probe.weights, probe.bias, eye, side_px)
