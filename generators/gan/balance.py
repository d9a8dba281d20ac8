"""Keeps the game even: how strongly pictures are augmented, and who learns how often.

It is read off the sign of D(real) - D(fake) over pairs: 1 when every real is told from every fake, 0 when none is. A
relativistic discriminator has no zero of its own, so the sign of D(real) alone (Karras et al. 2020, ADA) would say
nothing; the sign of the difference is the same reading without that zero. Evaluations read it on held-out reals too:
where that falls behind, the discriminator knows its pictures by heart.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TARGET = 0.6
"""Of the mean sign (Karras et al. 2020)."""

MEMORY = 0.95
"""Share of the running mean that stays at each step."""

N_IMAGES_TO_FULL = 500_000
"""Pictures in which the strength may go from 0 to 1 (Karras et al. 2020)."""

LOST, WON = 0.05, 0.97
"""Mean signs at which the discriminator is as good as beaten, or has all but won."""


@dataclass(frozen=True)
class Balance:
    """Where the game stands.

    Attributes:
        sign: running mean of the sign, -1..1.
        strength: of the augmentation, 0..1.
        d_per_g: steps of the discriminator for one of the generator: 0.5, 1 or 2.
    """

    sign: float = 0.5
    strength: float = 0.0
    d_per_g: float = 1.0

    def after(self, sign: float, n_images: int, *, max_strength: float) -> Balance:
        """The balance after a step of the discriminator over that many reals."""
        mean = MEMORY * self.sign + (1 - MEMORY) * sign
        change = n_images / N_IMAGES_TO_FULL * (1 if mean > TARGET else -1)
        return Balance(mean, min(max(self.strength + change, 0.0), max_strength), self._ratio(mean))

    def _ratio(self, mean: float) -> float:
        # Left only in the middle of the range, so that the ratio does not flicker at a border.
        if mean > WON:
            return 0.5
        if mean < LOST:
            return 2.0
        return 1.0 if 0.2 < mean < 0.9 else self.d_per_g


def mean_sign(real: Tensor, fake: Tensor) -> float:
    """Mean sign of D(real) - D(fake), -1..1, over pairs of (N,) logits."""
    return float(torch.sign(real - fake).mean())
