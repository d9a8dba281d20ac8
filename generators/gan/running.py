"""One GAN run from pictures to weights: saves, figures, samples and alarms around the game itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from generators.checkpoints import load_state, save_state
from generators.gan.settings import GanSettings
from generators.gan.training import Critic, Game, grid
from generators.trainers import Progress

CHECKPOINT = "checkpoint.safetensors"

MAX_ROLLBACKS = 5
"""A run that breaks more often is not going to get well by itself."""

FREE = ("n_images", "minutes", "device", "n_devices", "n_between_saves", "n_between_evaluations", "n_quality")
"""Settings that a resumed run may change: they decide how long it goes and where, not what it does in a step."""


class Diverged(RuntimeError):
    """A run whose losses are no numbers any more, however often it went back."""


def split(n: int, settings: GanSettings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of n pictures are learnt from and which are held out for the figures."""
    order = np.random.default_rng(settings.seed).permutation(n)
    n_held_out = min(int(n * settings.held_out_share), settings.max_held_out)
    return order[n_held_out:], order[:n_held_out]


def play(
    pixels: NDArray[np.uint8],
    out: Path,
    settings: GanSettings,
    *,
    resume: bool = False,
    critic: Critic | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Game:
    """Play until `n_images` were seen or the time is up; every save is a whole checkpoint.

    Args:
        pixels: (N, S, S, 3) uint8, the pictures to learn from and to hold out.
        out: folder for checkpoint, log, samples.
        settings: of the run.
        resume: go on from the checkpoint there.
        critic: see `Game`.
        report: called about once a second.

    Raises:
        Diverged: losses are no numbers after `MAX_ROLLBACKS` ways back to the last checkpoint.
    """
    learnt, _held_out = split(len(pixels), settings)
    fabric = _fabric(settings)
    game = Game(pixels[learnt], settings, fabric, critic)
    checkpoint = out / CHECKPOINT
    if resume:
        state = load_state(checkpoint)
        check_same(state["settings"], settings)
        game.restore(state["game"])
    latents = torch.randn(64, settings.latent, generator=torch.Generator().manual_seed(settings.seed))
    pace = Pace(game.n_seen)
    while game.n_seen < settings.n_images and not pace.is_up(settings.minutes):
        before = game.n_seen
        game.step()
        if not game.reading.finite:
            _go_back(game, checkpoint)
            continue
        if crossed(before, game.n_seen, settings.n_between_saves):
            _save(game, checkpoint, settings)
            cv2.imwrite(str(out / "samples.png"), cv2.cvtColor(grid(game.sample(latents), 8), cv2.COLOR_RGB2BGR))
        if report is not None and pace.is_due():
            report(Progress(game.n_seen, settings.n_images, pace.per_second(game.n_seen), game.balance.verdict))
    _save(game, checkpoint, settings)
    return game


def check_same(found: dict[str, Any], settings: GanSettings) -> None:
    """Complain when a checkpoint was made with other settings than those asked for.

    Raises:
        ValueError: names the setting and both values.
    """
    for field in fields(settings):
        asked, had = _written(getattr(settings, field.name)), found.get(field.name)
        if field.name not in FREE and asked != had:
            raise ValueError(f"the checkpoint was made with {field.name} {had}, not {asked}; resume with the same")


def crossed(before: int, after: int, every: int) -> bool:
    """Whether a multiple of `every` lies in (before, after]."""
    return after // every > before // every


class Pace:
    """How fast a run goes and how long it has taken."""

    def __init__(self, n_seen: int) -> None:
        self._start_s = self._last_s = time.monotonic()
        self._last_n = n_seen
        self._rate = 0.0

    def is_up(self, minutes: float) -> bool:
        """Whether the time is over; never for 0 minutes."""
        return minutes > 0 and time.monotonic() - self._start_s >= 60 * minutes

    def is_due(self) -> bool:
        """Whether a second has gone by since the last report."""
        return time.monotonic() - self._last_s >= 1.0

    def per_second(self, n_seen: int) -> float:
        """Pictures a second since the last call, smoothed."""
        now = time.monotonic()
        rate = (n_seen - self._last_n) / max(now - self._last_s, 1e-6)
        self._last_s, self._last_n = now, n_seen
        self._rate = rate if self._rate == 0 else 0.8 * self._rate + 0.2 * rate
        return self._rate


def _save(game: Game, checkpoint: Path, settings: GanSettings) -> None:
    written = {name: _written(value) for name, value in asdict(settings).items()}
    save_state(checkpoint, {"settings": written, "game": game.state()})


def _go_back(game: Game, checkpoint: Path) -> None:
    n_rollbacks = game.n_rollbacks + 1
    if n_rollbacks > MAX_ROLLBACKS or not checkpoint.is_file():
        raise Diverged(f"losses are no numbers after {game.n_seen:,} pictures and {game.n_rollbacks} ways back")
    game.restore(load_state(checkpoint)["game"])
    game.n_rollbacks = n_rollbacks


def _written(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _fabric(settings: GanSettings) -> Any:
    from lightning_fabric import Fabric

    precision: Any = settings.precision
    fabric = Fabric(accelerator=settings.device, devices=settings.n_devices, precision=precision)
    fabric.launch()
    return fabric
