"""Fine-tunes a generator against a detector that stays as it is, while it is held to what it made before.

The detector looks at fakes through JPEG and resizing that gradients can pass, so that what is learnt survives them. No
discriminator ships, so the untuned generator is the measure of a good picture: the tuned one makes the same pictures of
the same inputs, moved as little as getting past needs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from detectors.attacks.base import Effort, Report, Target
from generators.checkpoints import load_state, save_state
from generators.gan.critic import Critic
from generators.restoration.losses import feature_loss
from generators.runs import CHECKPOINT, Pace, launch, restore_steps
from generators.trainers import RunSettings

KEPT = 0.8
"""Of the running mean of the critic's loss at each step: it rests on the last five or so."""

SMALLEST_SHARE = 1e-4
"""A threshold is kept this far from scores of 0 and 1, whose log odds are infinite."""


@dataclass(frozen=True)
class TuningSettings:
    """How a generator is tuned.

    Attributes:
        learning_rate: of Adam.
        pixels: weight of the mean absolute difference from the untuned picture, 0..1.
        features: weight of its distance in features of EfficientNet-Lite0; 0 leaves that network out.
        features_px: side that pictures are looked at with by it.
        jpeg_quality: lowest and highest that the critic sees fakes through; files on their way get 35 and up.
        scale: smallest and largest side, relative, that it sees them through.
        max_norm: longer gradients are shortened to this: the critic's are steep where it is sure.
        enough: running mean of the critic's loss at which it stops; nothing is left to gain, only pictures to lose.
        n_between_saves: steps between two checkpoints.
    """

    learning_rate: float
    pixels: float
    features: float
    features_px: int = 64
    jpeg_quality: tuple[int, int] = (40, 95)
    scale: tuple[float, float] = (0.6, 1.0)
    max_norm: float = 1.0
    enough: float = 0.1
    n_between_saves: int = 10


class Subject(Protocol):
    """A generator that can be tuned."""

    def network(self) -> nn.Module:
        """A copy of its own of the untuned network; what it is called with are the `inputs`."""
        ...

    def inputs(self, n: int, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """What n fakes are made from, drawn at random."""
        ...

    def fakes(self, output: Tensor) -> Tensor:
        """What the network gave, as pictures (N, 3, H, W) 0..1."""
        ...


@dataclass(frozen=True, eq=False)
class Tuned:
    """What came out.

    Attributes:
        network: the tuned one, on the CPU, frozen.
        n_steps: that it was tuned for.
        first, last: loss of the critic at the first step, and its running mean at the last; 0.7 at the threshold.
        moved: mean absolute difference from the untuned pictures at the last step, 0..1.
    """

    network: nn.Module
    n_steps: int
    first: float
    last: float
    moved: float

    @property
    def words(self) -> str:
        """As a plain clause."""
        critic = f"critic {self.first:.2f} -> {self.last:.2f}"
        return f"{self.n_steps} steps, {critic}, pixels moved by {255 * self.moved:.1f} of 255"


def tune(
    subject: Subject,
    target: Target,
    folder: Path,
    effort: Effort,
    settings: TuningSettings,
    report: Report | None = None,
    *,
    device: str = "auto",
) -> Tuned:
    """Tune until the steps or the minutes are over or the critic is beaten; goes on from a checkpoint in the folder.

    One step is made in any case, so that there is something to say.

    Args:
        subject: the generator.
        target: the detector; its critic and its threshold are used.
        folder: holds the checkpoint, from which a killed run goes on to the same weights as one that was not.
        effort: limits, batch size and seed.
        settings: how.
        report: called at every step.
        device: "auto", "cpu" or "cuda", as Lightning Fabric names accelerators.

    Raises:
        ValueError: a loss is no number, or the checkpoint was made with other settings.
        OSError: disk full; the last checkpoint is kept.
    """
    run = _Run(subject, target, folder, effort, settings, device)
    pace = Pace(0)
    while not run.is_over and not (run.n_steps and pace.is_up(effort.minutes)):
        run.step()
        if run.n_steps % settings.n_between_saves == 0:
            run.save()
        if report is not None:
            report(run.n_steps, effort.n_steps, f"critic {run.critic_loss:.2f}")
    return run.ended()


class _Run:
    """Network, optimiser and how far they are: with the seed all that decides how it goes on."""

    def __init__(
        self, subject: Subject, target: Target, folder: Path, effort: Effort, settings: TuningSettings, device: str
    ) -> None:
        self._subject, self._effort, self._settings = subject, effort, settings
        self._checkpoint = folder / CHECKPOINT
        self._fabric = launch(RunSettings(device=device, precision="32-true"))
        self._washing = Critic(_Bar(target), jpeg_quality=settings.jpeg_quality, scale=settings.scale)
        self._clean = copy.copy(self._washing)
        self._clean.jpeg_quality = self._clean.scale = None
        self._plain = subject.network().to(self._fabric.device).eval().requires_grad_(False)
        network = subject.network().requires_grad_(True)
        adam = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99))
        self._network, self._steps = self._fabric.setup(network, adam)
        self.n_steps, self.first_loss, self.critic_loss, self.moved = 0, math.nan, math.nan, 0.0
        self._saved_at = -1
        if self._checkpoint.is_file():
            self._restore(load_state(self._checkpoint))

    @property
    def is_over(self) -> bool:
        """Whether all steps are done, or the critic was beaten."""
        return self.n_steps >= self._effort.n_steps or self.critic_loss < self._settings.enough

    def step(self) -> None:
        """One batch of fresh fakes."""
        words = np.random.SeedSequence((self._effort.seed, self.n_steps))
        random = torch.Generator().manual_seed(int(words.generate_state(1, np.uint64)[0] >> 1))
        inputs = self._subject.inputs(self._effort.batch_size, np.random.default_rng(words.spawn(1)[0]))
        inputs = tuple(part.to(self._fabric.device) for part in inputs)
        with torch.no_grad():
            plain = self._subject.fakes(self._plain(*inputs))
        fakes = self._subject.fakes(self._network(*inputs))
        moved = (fakes - plain).abs().mean()
        critic = self._critic(fakes, random)
        loss = critic + self._settings.pixels * moved
        if self._settings.features > 0:
            loss = loss + self._settings.features * feature_loss(self._look, fakes, plain)
        self._steps.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        norm = self._fabric.clip_gradients(
            self._network, self._steps, max_norm=self._settings.max_norm, error_if_nonfinite=False
        )
        if not math.isfinite(loss.item()) or not math.isfinite(norm.item()):
            raise ValueError(f"the loss of the generator against the detector is no number after {self.n_steps} steps")
        self._steps.step()
        self._count(critic.item(), moved.item())

    def _critic(self, fakes: Tensor, random: torch.Generator) -> Tensor:
        """Half of the fakes as they are and half washed: what gets past in one way may be caught in the other."""
        half = (len(fakes) + self.n_steps % 2) // 2
        parts = ((self._clean, fakes[:half]), (self._washing, fakes[half:]))
        losses = [critic.loss(part, random) * len(part) for critic, part in parts if len(part)]
        return torch.stack(losses).sum() / len(fakes)

    def save(self) -> None:
        """Write a checkpoint."""
        state = {
            "settings": self._asked,
            "network": _plain_module(self._network).state_dict(),
            "steps": self._steps.state_dict(),
            "n_steps": self.n_steps,
            "first_loss": self.first_loss,
            "critic_loss": self.critic_loss,
            "moved": self.moved,
        }
        save_state(self._checkpoint, state)
        self._saved_at = self.n_steps

    def ended(self) -> Tuned:
        """What came of it, kept in the checkpoint too."""
        if self._saved_at != self.n_steps:
            self.save()
        network = _plain_module(self._network).cpu().eval().requires_grad_(False)
        return Tuned(network, self.n_steps, self.first_loss, self.critic_loss, self.moved)

    def _count(self, critic: float, moved: float) -> None:
        if self.n_steps == 0:
            self.first_loss = self.critic_loss = critic
        self.critic_loss = KEPT * self.critic_loss + (1 - KEPT) * critic
        self.moved = moved
        self.n_steps += 1

    def _restore(self, state: Mapping[str, Any]) -> None:
        if state["settings"] != self._asked:
            raise ValueError(f"the checkpoint in {self._checkpoint.parent.name} was made with other settings")
        _plain_module(self._network).load_state_dict(state["network"])
        restore_steps(self._steps, state["steps"])
        self.n_steps = self._saved_at = state["n_steps"]
        self.first_loss, self.critic_loss, self.moved = state["first_loss"], state["critic_loss"], state["moved"]

    @property
    def _asked(self) -> dict[str, Any]:
        """What decides a step, as a checkpoint gives it back."""
        plain = {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self._settings).items()
        }
        return plain | {"batch_size": self._effort.batch_size, "seed": self._effort.seed}

    def _look(self, images: Tensor) -> list[Tensor]:
        from generators.quality.lite0 import load

        return load(self._fabric.device.type).stages(images, self._settings.features_px)


class _Bar(nn.Module):
    """Log odds over the threshold: below 0 a fake gets past."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.critic: Callable[[Tensor], Tensor] = target.critic
        share = min(max(target.threshold, SMALLEST_SHARE), 1 - SMALLEST_SHARE)
        self.bar = math.log(share / (1 - share))

    def forward(self, images: Tensor) -> Tensor:
        return self.critic(images) - self.bar


def _plain_module(network: Any) -> nn.Module:
    """Without what Fabric wraps around it."""
    module: nn.Module = network.module
    return module
