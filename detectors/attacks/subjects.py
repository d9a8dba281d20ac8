"""Generators as what can be tuned, and the tuned ones as weight files that the generators read like their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from detectors.attacks.tuning import Tuned
from generators.gan.sampler import GanSampler
from generators.restoration.shipped import packed
from generators.weights import ModelCard, save


class Drawn:
    """A GAN, which draws pictures from latents.

    Args:
        sampler: the untuned one.
    """

    def __init__(self, sampler: GanSampler) -> None:
        self._sampler = sampler

    def network(self) -> nn.Module:
        """See `tuning.Subject`."""
        return self._sampler.network()

    def inputs(self, n: int, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """(n, latent), normal."""
        return (torch.from_numpy(rng.standard_normal((n, self._sampler.latent), np.float32)),)

    def fakes(self, output: Tensor) -> Tensor:
        """From -1..1."""
        return output.add(1).div(2).clamp(0, 1)


def keep(tuned: Tuned, card: ModelCard, folder: Path) -> None:
    """Write a tuned network under the name that its untuned one has.

    Args:
        tuned: what was tuned.
        card: of the untuned weights; measures and picture of these are not the tuned ones' and are left out.
        folder: written to.
    """
    settings = {**card.settings, "tuned_steps": tuned.n_steps}
    limits = f"Tuned against a detector ({tuned.words}) so that it is taken for real. {card.limits}".strip()
    save(packed(tuned.network), replace(card, settings=settings, limits=limits, measures={}, sheet=""), folder)
