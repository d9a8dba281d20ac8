"""One step of the training of networks that rebuild a photo: the discriminator learns first, then the network.

What is drawn depends on the seed and the number of the step alone. The weights, the optimisers and that number are
therefore all that a run needs to go on as if nothing had happened: on the processor bit for bit.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from generators.restoration.discriminator import PatchDiscriminator, gradient_penalty, relativistic
from generators.restoration.losses import Features, colour_loss, edge_loss, feature_loss
from generators.restoration.patches import PatchSet
from generators.restoration.settings import RestorationSettings
from generators.restoration.tasks import Task
from generators.runs import average_into, check_same, first_weights, launch, plain_settings

PARTS = ("network", "averaged", "discriminator", "network_optimiser", "discriminator_optimiser")
"""What a checkpoint holds of a run, beside how far it is."""


class Run:
    """Networks, optimisers and how far they are.

    Args:
        task: what is rebuilt.
        patches: to learn from and to be judged on.
        settings: of the run.
        features: of a frozen network for the perceptual loss; None does without.

    Attributes:
        step, n_rollbacks, n_resumes: steps taken, ways back to a good state, starts from a checkpoint.
    """

    def __init__(self, task: Task, patches: PatchSet, settings: RestorationSettings, features: Features | None) -> None:
        self.task, self.patches, self.settings, self.features = task, patches, settings, features
        self.fabric = launch(settings)
        with first_weights(settings.seed):
            network = task.network().to(memory_format=torch.channels_last)
            discriminator = PatchDiscriminator().to(memory_format=torch.channels_last)
        self.averaged = self.fabric.to_device(copy.deepcopy(network)).requires_grad_(False)
        self.network, self.network_optimiser = self.fabric.setup(network, self._optimiser(network, 0.9))
        self.discriminator, self.discriminator_optimiser = self.fabric.setup(
            discriminator, self._optimiser(discriminator, 0.0)
        )
        self.step = self.n_rollbacks = self.n_resumes = 0

    def _optimiser(self, network: nn.Module, momentum: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            network.parameters(),
            lr=self.settings.learning_rate,
            betas=(momentum, 0.99),
            weight_decay=self.settings.weight_decay,
        )

    @property
    def n_seen(self) -> int:
        return min(self.step * self.settings.batch_size, self.settings.n_images)

    def state(self) -> dict[str, Any]:
        """Everything that decides how the run goes on."""
        parts = {name: _plain(getattr(self, name).state_dict()) for name in PARTS}
        return copy.deepcopy(parts) | {
            "step": self.step,
            "n_rollbacks": self.n_rollbacks,
            "n_resumes": self.n_resumes,
            "settings": plain_settings(self.settings),
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from the state of an earlier start.

        Raises:
            ValueError: it is of a run with other settings.
        """
        self.restore(state)
        # Checkpoints of before did not count.
        self.n_resumes = state.get("n_resumes", 0) + 1

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state.

        Raises:
            ValueError: it is of a run with other settings.
        """
        check_same(state.get("settings", {}), self.settings)
        for name in PARTS:
            getattr(self, name).load_state_dict(copy.deepcopy(state[name]))
        self.step, self.n_rollbacks = state["step"], state["n_rollbacks"]

    def advance(self) -> dict[str, float]:
        """One step: the discriminator learns, then the network. Returns the losses."""
        settings = self.settings
        rng = np.random.default_rng((settings.seed, self.n_rollbacks, self.step, self.fabric.global_rank))
        reals = to_tensor(
            self.patches.learned.draw(max(1, settings.batch_size // settings.n_devices), rng), self.fabric.device
        )
        for optimiser in (self.network_optimiser, self.discriminator_optimiser):
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * min(1.0, 3 * (1 - self.n_seen / settings.n_images))
        rebuilt = self.task.rebuild(self.network, reals, rng)
        reals, weights = rebuilt.reals, rebuilt.weights
        losses = {
            "colours": colour_loss(rebuilt.output, reals, weights),
            "edges": settings.edges * edge_loss(rebuilt.fakes, reals),
        }
        if self.features is not None and settings.features:
            losses["features"] = settings.features * feature_loss(self.features, rebuilt.fakes, reals)
        told: dict[str, float] = {}
        if self.n_seen >= settings.n_warmup:
            told = self._teach_discriminator(reals, rebuilt.fakes.detach())
            losses["adversarial"] = settings.adversarial * self._fool(reals, rebuilt.fakes)
        self.network_optimiser.zero_grad()
        self.fabric.backward(torch.stack(list(losses.values())).sum())
        self.network_optimiser.step()
        self.step += 1
        self._average()
        return {name: float(loss.detach()) for name, loss in losses.items()} | told

    def _teach_discriminator(self, reals: Tensor, fakes: Tensor) -> dict[str, float]:
        self.discriminator.requires_grad_(True)
        scores = self.discriminator(torch.cat([reals, fakes]))
        on_reals, on_fakes = scores.float().chunk(2)
        loss = relativistic(on_reals, on_fakes)
        if self.step % self.settings.r1_every == 0:
            # Fabric's wrapping refuses any backward but its own; the slope is not one of the run.
            with self.fabric.autocast():
                penalty = gradient_penalty(self.discriminator.module, reals)
            loss = loss + self.settings.r1 / 2 * self.settings.r1_every * penalty
        self.discriminator_optimiser.zero_grad()
        self.fabric.backward(loss)
        self.discriminator_optimiser.step()
        return {"discriminator": float(loss.detach()), "told_apart": float((on_reals > on_fakes).float().mean())}

    def _fool(self, reals: Tensor, fakes: Tensor) -> Tensor:
        self.discriminator.requires_grad_(False)
        with torch.no_grad():
            on_reals = self.discriminator(reals)
        return relativistic(self.discriminator(fakes), on_reals)

    def _average(self) -> None:
        decay = min(math.exp(-self.settings.batch_size / self.settings.ema_images), (1 + self.step) / (10 + self.step))
        average_into(self.averaged, self.network, decay)


def to_tensor(pixels: np.ndarray[Any, np.dtype[np.uint8]], device: torch.device | str = "cpu") -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float32 0..1, channels last in memory."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 255


def _plain(state: Any) -> Any:
    """A state without the types that only Python knows."""
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return [_plain(value) for value in state]
    return state
