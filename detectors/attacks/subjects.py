"""Generators as what can be tuned, and the tuned ones as weight files that the generators read like their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from detectors.attacks.tuning import Tuned
from generators.gan.sampler import GanSampler
from generators.images import Pixels, to_float
from generators.restoration.rebuilt import Rebuilt
from generators.restoration.shipped import packed
from generators.runs import first_weights
from generators.weights import ModelCard, load, save


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


class RebuildingTask(Protocol):
    """How photos are made ready for a network that rebuilds them; those of `generators.restoration.tasks`."""

    def network(self) -> nn.Module:
        """One with random weights."""
        ...

    def inputs(self, reals: Tensor, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """What the network is called with."""
        ...


class Rebuilding:
    """A network that rebuilds photos.

    Args:
        task: of the network.
        untuned: where its weights lie.
        photos: to draw from, of one size.

    Raises:
        ValueError: the photos differ in size.
    """

    def __init__(self, task: RebuildingTask, untuned: Rebuilt, photos: Sequence[Pixels]) -> None:
        if len({pixels.shape for pixels in photos}) != 1:
            raise ValueError("photos to tune on must be of one size")
        self._task, self._untuned, self._photos = task, untuned, photos

    def network(self) -> nn.Module:
        """See `tuning.Subject`."""
        tensors, _ = load(self._untuned.stem, self._untuned.folder)
        with first_weights(0):
            network = self._task.network()
        network.load_state_dict({name: torch.from_numpy(t.astype(np.float32)) for name, t in tensors.items()})
        return network

    def inputs(self, n: int, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Some photos made ready."""
        drawn = rng.integers(len(self._photos), size=n)
        return self._task.inputs(torch.from_numpy(to_float(np.stack([self._photos[i] for i in drawn]))), rng)

    def fakes(self, output: Tensor) -> Tensor:
        """From about 0..1."""
        return output.float().clamp(0, 1)


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
