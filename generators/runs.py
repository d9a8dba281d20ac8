"""What every training run needs around its steps: the clock, the devices, and checkpoints that fit their settings."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from generators.trainers import CHECKPOINT as CHECKPOINT
from generators.trainers import RunSettings

MAX_ROLLBACKS = 5
"""A run that breaks more often is not going to get well by itself."""

FREE = (
    *("n_images", "minutes", "device", "n_devices", "n_workers"),
    *("n_between_saves", "n_between_evaluations", "n_quality", "start_from"),
)
"""Settings that a resumed run may change: they decide how long it goes and where, not what it does in a step."""


class Diverged(RuntimeError):
    """A run that breaks again however often it went back. Its last good checkpoint is kept."""


def counted_rollback(n_before: int, why: str) -> int:
    """How often a run has gone back, this time included.

    Raises:
        Diverged: too often.
    """
    if n_before >= MAX_ROLLBACKS:
        raise Diverged(f"{why}, and {n_before} ways back did not help; the last good checkpoint is kept")
    return n_before + 1


def check_folder(out: Path, resume: bool) -> None:
    """Complain before any picture is read.

    Raises:
        FileNotFoundError: nothing to resume.
        FileExistsError: there is a run already and `resume` is False.
    """
    exists = (out / CHECKPOINT).exists()
    if exists and not resume:
        raise FileExistsError(17, "there is a run already; resume it or choose another folder", str(out))
    if resume and not exists:
        raise FileNotFoundError(2, "there is no checkpoint to resume", str(out / CHECKPOINT))


def launch(settings: RunSettings) -> Any:
    """The `lightning_fabric.Fabric` of a run, on its devices and in its precision."""
    from lightning_fabric import Fabric

    precision: Any = settings.precision
    fabric = Fabric(accelerator=settings.device, devices=settings.n_devices, precision=precision)
    fabric.launch()
    return fabric


@contextmanager
def first_weights(seed: int) -> Iterator[None]:
    """Networks made within get weights that depend on the seed alone; the global random state is put back."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def restore_steps(steps: Any, state: Mapping[str, Any]) -> None:
    """Load the state of an optimiser that Fabric has set up, its moments in the memory order of their weights.

    Files know no channels-last order, and a fused step walks through memory: moments in another order would be those of
    other weights.
    """
    steps.load_state_dict(state)
    for weights, moments in steps.optimizer.state.items():
        for name, moment in moments.items():
            if moment.shape == weights.shape:
                moments[name] = torch.empty_like(weights).copy_(moment)


def rate_at(done: float, share_falling: float) -> float:
    """Share 1..0 of the learning rate when `done` (0..1) of a run is over: constant, then a half cosine."""
    if done <= 1 - share_falling:
        return 1.0
    return 0.5 + 0.5 * math.cos(math.pi * min((done - 1 + share_falling) / share_falling, 1.0))


def average_into(average: nn.Module, network: nn.Module, kept: float) -> None:
    """Move averaged weights towards those of now; `kept` (0..1) of the old ones stays."""
    averages: list[Tensor] = list(average.parameters())
    now: list[Tensor] = list(network.parameters())
    with torch.no_grad():
        torch._foreach_lerp_(averages, now, 1 - kept)


def plain_settings(settings: RunSettings) -> dict[str, Any]:
    """Settings as a checkpoint gives them back."""
    return {name: _plain(value) for name, value in asdict(settings).items()}


def check_same(found: Mapping[str, Any], settings: RunSettings) -> None:
    """Complain when a checkpoint was made with other settings than those asked for.

    Raises:
        ValueError: names the setting and both values.
    """
    for field in fields(settings):
        # A checkpoint from before a setting was there was made with its default.
        asked, had = _plain(getattr(settings, field.name)), found.get(field.name, _plain(field.default))
        if field.name not in FREE and asked != had:
            raise ValueError(f"the checkpoint was made with {field.name} {had}, not {asked}; resume with the same")


def crossed(before: int, after: int, every: int) -> bool:
    """Whether a multiple of `every` lies in (before, after]."""
    return after // every > before // every


class Pace:
    """How fast a run goes and how long it has taken.

    Args:
        n_seen: pictures seen before it began.
    """

    def __init__(self, n_seen: int) -> None:
        self._start_s = self._lap_start_s = self._last_s = time.monotonic()
        self._last_n = n_seen
        self._rate = 0.0

    def is_up(self, minutes: float) -> bool:
        """Whether the time is over; never for 0 minutes."""
        return minutes > 0 and time.monotonic() - self._start_s >= 60 * minutes

    def is_due(self) -> bool:
        """Whether a second has gone by since the last report."""
        return time.monotonic() - self._last_s >= 1.0

    def lap_s(self) -> float:
        """Seconds since the last call, or since the start."""
        now = time.monotonic()
        lap, self._lap_start_s = now - self._lap_start_s, now
        return lap

    def per_second(self, n_seen: int) -> float:
        """Pictures a second since the last call, smoothed."""
        now = time.monotonic()
        rate = max(n_seen - self._last_n, 0) / max(now - self._last_s, 1e-6)
        self._last_s, self._last_n = now, n_seen
        self._rate = rate if self._rate == 0 else 0.8 * self._rate + 0.2 * rate
        return self._rate


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
