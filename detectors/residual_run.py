"""The training of the network of `residual`: one loop, resumable, on any device.

What is drawn depends on the seed and the number of the step alone, so that a run that was stopped goes on as if nothing
had happened: on the processor bit for bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from detectors.residual_crops import Crops
from detectors.residual_draws import Draws
from detectors.residual_network import ResidualNetwork, pooled
from detectors.residual_settings import ResidualSettings
from detectors.residual_tensors import planes_of
from generators.checkpoints import load_state, save_state
from generators.runs import Diverged, check_same, crossed, first_weights, launch, plain_settings, rate_at, restore_steps

SHARE_FALLING = 0.7
"""Of a run, over which the learning rate falls to nothing."""

Seen: TypeAlias = Callable[[Tensor], Tensor]
"""What the network reads of squares: (N, S, S, 3) uint8 -> (N, C, S, S), on the same device."""


class Run:
    """Network, optimiser and how far they are.

    Args:
        crops: to learn from.
        settings: of the run.
        seen: what the network reads of squares.

    Attributes:
        step: number of steps taken.
    """

    def __init__(self, crops: Crops, settings: ResidualSettings, seen: Seen = planes_of) -> None:
        self.settings, self._seen = settings, seen
        self.fabric = launch(settings)
        self._draws = Draws(crops, settings.aligned, self.fabric.device)
        with first_weights(settings.seed):
            n_planes = seen(torch.from_numpy(crops.pixels[0, :1])).shape[1]
            network = ResidualNetwork(n_planes, settings.width).to(memory_format=torch.channels_last)
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.network = network
        self._wrapped, self._optimiser = self.fabric.setup(network, optimiser)
        self.step = 0

    @property
    def n_seen(self) -> int:
        return min(self.step * self.settings.batch_size, self.settings.n_images)

    def state(self) -> dict[str, Any]:
        """Everything that decides how the run goes on."""
        return {
            "network": dict(self.network.state_dict()),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "settings": plain_settings(self.settings),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state.

        Raises:
            ValueError: it is of a run with other settings.
        """
        check_same(state.get("settings", {}), self.settings)
        self.network.load_state_dict(state["network"])
        restore_steps(self._optimiser, state["optimiser"])
        self.step = state["step"]

    def advance(self) -> dict[str, float]:
        """One step. Returns the losses.

        Raises:
            Diverged: they are no numbers.
        """
        settings = self.settings
        rng = np.random.default_rng((settings.seed, self.step, self.fabric.global_rank))
        batch = self._draws(max(4, settings.batch_size // settings.n_devices), rng)
        for group in self._optimiser.param_groups:
            group["lr"] = settings.learning_rate * rate_at(self.n_seen / settings.n_images, SHARE_FALLING)
        planes = self._seen(batch.pixels).contiguous(memory_format=torch.channels_last)
        cells = self._wrapped(planes).float()
        readings = pooled(cells)
        hard, mild = readings.chunk(2)
        losses = {
            "pictures": cross_entropy(readings, batch.fake),
            "cells": cross_entropy(cells[:, 0], batch.made),
            "consistency": settings.consistency * (hard - mild).square().mean(),
        }
        self._optimiser.zero_grad()
        self.fabric.backward(torch.stack(list(losses.values())).sum())
        self._optimiser.step()
        self.step += 1
        found = dict(zip(losses, torch.stack([loss.detach() for loss in losses.values()]).tolist(), strict=True))
        if not all(map(math.isfinite, found.values())):
            raise Diverged(f"losses are no numbers after {self.n_seen:,} windows; the last checkpoint is kept")
        return found


def train(
    crops: Crops,
    settings: ResidualSettings,
    *,
    checkpoint: Path | None = None,
    seen: Seen = planes_of,
    progress: Callable[[int], None] | None = None,
) -> ResidualNetwork:
    """Train until `n_images` windows were shown or time is up.

    Args:
        crops: to learn from.
        settings: of the run.
        checkpoint: written from time to time; where it is there, the run goes on from it. None keeps nothing.
        seen: what the network reads of squares.
        progress: called with the number of windows shown since the last call.

    Returns:
        The network on the processor, as it is used.

    Raises:
        ValueError: a checkpoint of other settings, or nothing to learn from.
        Diverged: losses that are no numbers.
    """
    run = Run(crops, settings, seen)
    if checkpoint is not None and checkpoint.is_file():
        run.restore(load_state(checkpoint))
        if progress is not None:
            progress(run.n_seen)
    started = time.monotonic()
    while run.n_seen < settings.n_images and not _time_is_up(started, settings.minutes):
        before = run.n_seen
        run.advance()
        if progress is not None:
            progress(run.n_seen - before)
        if checkpoint is not None and crossed(before, run.n_seen, settings.n_between_saves):
            _save(run, checkpoint)
    if checkpoint is not None:
        _save(run, checkpoint)
    return run.network.cpu().eval().requires_grad_(False)


def _save(run: Run, checkpoint: Path) -> None:
    if run.fabric.is_global_zero:
        save_state(checkpoint, run.state())


def _time_is_up(started: float, minutes: float) -> bool:
    return minutes > 0 and time.monotonic() - started > minutes * 60
