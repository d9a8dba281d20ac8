"""The game of a GAN in its classical order: the discriminator learns on reals and fakes, then the generator against it.

Everything random is drawn from the seed and the number of the step, and the pictures of a step follow from how many
were seen before: the two counts are all the random state that there is, and a killed run goes on as if nothing had
happened.
"""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from generators.gan.augment import augment
from generators.gan.balance import Balance, mean_sign
from generators.gan.losses import Judge, discriminator_loss, generator_loss
from generators.gan.networks import Discriminator, Synthesis
from generators.gan.pixels import from_pixels, positions, to_pixels
from generators.gan.settings import GanSettings
from generators.runs import average_into, first_weights, rate_at, restore_steps

READ_EVERY = 4
"""Steps between two readings of losses and signs: each one makes a graphics card wait."""


class CriticLike(Protocol):
    """Somebody else's frozen network that the generator also tries to please."""

    def loss(self, fakes: Tensor, random: torch.Generator) -> Tensor:
        """(N, 3, H, W) in 0..1 -> (), low where the network takes the fakes for real."""
        ...


@dataclass(frozen=True)
class Reading:
    """What the last steps showed.

    Attributes:
        loss_d, loss_g: of the relativistic pair.
        r1, r2: mean squared gradients on reals and on fakes, when last applied.
        critic: loss of the critic; 0 where there is none.
    """

    loss_d: float = 0.0
    loss_g: float = 0.0
    r1: float = 0.0
    r2: float = 0.0
    critic: float = 0.0

    @property
    def finite(self) -> bool:
        """Whether all of them are numbers."""
        return all(math.isfinite(value) for value in asdict(self).values())


class Game:
    """Two networks, their optimisers, and how far they are.

    Args:
        pixels: (N, S, S, 3) uint8 to learn from.
        settings: of the run.
        fabric: a launched `lightning_fabric.Fabric`.
        critic: joins the generator's loss with `critic_weight`.
    """

    def __init__(
        self, pixels: NDArray[np.uint8], settings: GanSettings, fabric: Any, critic: CriticLike | None = None
    ) -> None:
        self.pixels, self.settings, self.critic = pixels, settings, critic
        self._fabric = fabric
        generator, discriminator = networks(settings)
        self.average = copy.deepcopy(generator).to(fabric.device).eval().requires_grad_(False)
        self.generator, self._g_steps = fabric.setup(generator, _adam(generator, settings))
        self.discriminator, self._d_steps = fabric.setup(Judge(discriminator), _adam(discriminator, settings))
        self.n_seen = self.n_steps = self.n_rollbacks = 0
        self.balance = Balance()
        self.reading = Reading()
        self._real_logits = torch.zeros(self._n_local, device=fabric.device)

    def step(self) -> None:
        """One turn: reals, fakes, then the generator."""
        random = self._random()
        self._set_rates()
        reals = self._next_reals(random)
        turns = self._turns()
        with torch.set_grad_enabled(turns.generator):
            fakes = self.generator(self._latents(random))
        if turns.discriminator:
            self._discriminator_learns(reals, fakes.detach(), random)
        if turns.generator:
            self._generator_learns(fakes, random)
        self.n_steps += 1
        self.n_seen += self.settings.batch_size

    def _discriminator_learns(self, reals: Tensor, fakes: Tensor, random: torch.Generator) -> None:
        strength = self.balance.strength
        penalised = self.n_steps % self.settings.penalty_every == 0
        reals, fakes = augment(reals, strength, random), augment(fakes, strength, random)
        (on_reals, r1), (on_fakes, r2) = self.discriminator(reals, fakes, penalised=penalised)
        loss = discriminator_loss(on_reals, on_fakes)
        total = loss
        if penalised:
            # Applied to one step of many with the weight of all of them.
            total = loss + 0.5 * self.settings.penalty * self.settings.penalty_every * (r1 + r2)
            self._read(r1=r1, r2=r2)
        self._learn(self._d_steps, total)
        self._real_logits = on_reals.detach()
        if self.n_steps % READ_EVERY == 0:
            self._read(loss_d=loss)
            sign = self._of_all(mean_sign(on_reals.detach(), on_fakes.detach()))
            n_images = READ_EVERY * self.settings.batch_size
            self.balance = self.balance.after(sign, n_images, max_strength=self.settings.max_strength)

    def _generator_learns(self, fakes: Tensor, random: torch.Generator) -> None:
        # The logits of the reals are those from before the discriminator's step: a pass saved, and no gradient lost.
        loss = generator_loss(self._real_logits, self._frozen_logits(augment(fakes, self.balance.strength, random)))
        total = loss
        if self.critic is not None and self.settings.critic_weight > 0:
            critic = self.critic.loss((fakes.clamp(-1, 1) + 1) / 2, random)
            total = loss + self.settings.critic_weight * critic
            self._read(critic=critic)
        self._learn(self._g_steps, total)
        self._update_average()
        if self.n_steps % READ_EVERY == 0:
            self._read(loss_g=loss)

    def sample(self, latents: Tensor, *, averaged: bool = True) -> NDArray[np.uint8]:
        """(N, latent) -> (N, S, S, 3) uint8 by the averaged generator, or by the one that is learning."""
        network = self.average if averaged else self.generator
        with torch.inference_mode():
            made = [to_pixels(network(part.to(self._fabric.device))) for part in torch.split(latents, 64)]
        return np.concatenate(made)

    def logits(self, pixels: NDArray[np.uint8]) -> Tensor:
        """What the discriminator thinks of (N, S, S, 3) uint8: (N,)."""
        with torch.inference_mode():
            parts = [pixels[i : i + 64] for i in range(0, len(pixels), 64)]
            return torch.cat([self._judge(self._to_device(from_pixels(part))) for part in parts]).cpu()

    def state(self) -> dict[str, Any]:
        """All that decides how the run goes on."""
        return {
            "generator": _plain(self.generator).state_dict(),
            "discriminator": self._judge.state_dict(),
            "average": self.average.state_dict(),
            "g_steps": self._g_steps.state_dict(),
            "d_steps": self._d_steps.state_dict(),
            "real_logits": self._real_logits,
            "n_seen": self.n_seen,
            "n_steps": self.n_steps,
            "n_rollbacks": self.n_rollbacks,
            "balance": asdict(self.balance),
            "reading": asdict(self.reading),
        }

    def start_from(self, state: dict[str, Any]) -> None:
        """Take over the weights of another game, and nothing else of it.

        Raises:
            ValueError: its networks have another shape.
        """
        try:
            _plain(self.generator).load_state_dict(state["average"])
            self._judge.load_state_dict(state["discriminator"])
            self.average.load_state_dict(state["average"])
        except (RuntimeError, KeyError) as error:
            raise ValueError("the run to start from has networks of another shape") from error

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to, or on from, a state."""
        _plain(self.generator).load_state_dict(state["generator"])
        self._judge.load_state_dict(state["discriminator"])
        self.average.load_state_dict(state["average"])
        restore_steps(self._g_steps, state["g_steps"])
        restore_steps(self._d_steps, state["d_steps"])
        self._real_logits = state["real_logits"].to(self._fabric.device)
        self.n_seen, self.n_steps, self.n_rollbacks = state["n_seen"], state["n_steps"], state["n_rollbacks"]
        self.balance, self.reading = Balance(**state["balance"]), Reading(**state["reading"])

    @property
    def is_broken(self) -> bool:
        """Whether a weight is no number."""
        weights = [*_plain(self.generator).parameters(), *self._judge.parameters()]
        return not all(bool(weight.isfinite().all()) for weight in weights)

    @property
    def _judge(self) -> nn.Module:
        network: nn.Module = _plain(self.discriminator).network  # type: ignore[assignment]
        return network

    @property
    def _n_local(self) -> int:
        return self.settings.batch_size // int(self._fabric.world_size)

    def _random(self) -> torch.Generator:
        """Of this step on this device; another one after each roll-back, or the same accident would happen again."""
        words = (self.settings.seed, self.n_steps, self.n_rollbacks, int(self._fabric.global_rank))
        seed = int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> 1)
        return torch.Generator().manual_seed(seed)

    def _latents(self, random: torch.Generator) -> Tensor:
        return torch.randn(self._n_local, self.settings.latent, generator=random).to(self._fabric.device)

    def _next_reals(self, random: torch.Generator) -> Tensor:
        places = positions(self.n_seen, self.settings.batch_size, len(self.pixels), self.settings.seed)
        rank = int(self._fabric.global_rank)
        batch = from_pixels(self.pixels[places[rank * self._n_local : (rank + 1) * self._n_local]])
        if self.settings.mirror:
            turned = torch.rand(len(batch), generator=random) < 0.5
            batch[turned] = batch[turned].flip(3)
        return self._to_device(batch)

    def _to_device(self, images: Tensor) -> Tensor:
        return images.to(self._fabric.device, memory_format=torch.channels_last)

    def _frozen_logits(self, images: Tensor) -> Tensor:
        """Logits whose gradients reach the pictures and leave the discriminator alone."""
        self.discriminator.requires_grad_(False)
        with self._fabric.no_backward_sync(self.discriminator, enabled=self._fabric.world_size > 1):
            ((logits, _),) = self.discriminator(images)
        self.discriminator.requires_grad_(True)
        own: Tensor = logits
        return own

    def _of_all(self, sign: float) -> float:
        """Mean over all devices: whose turn it is must be the same on each."""
        if self._fabric.world_size == 1:
            return sign
        return float(self._fabric.all_reduce(torch.tensor(sign, device=self._fabric.device)))

    def _turns(self) -> Turns:
        ratio = self.balance.d_per_g
        even = self.n_steps % 2 == 0
        return Turns(discriminator=ratio >= 1 or even, generator=ratio <= 1 or even)

    def _learn(self, steps: Any, loss: Tensor) -> None:
        steps.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        steps.step()

    def _set_rates(self) -> None:
        s = self.settings
        done = min(self.n_seen / s.n_images, 1.0)
        factor = s.final_rate + (1 - s.final_rate) * rate_at(done, s.share_falling)
        for steps in (self._g_steps, self._d_steps):
            for group in steps.param_groups:
                group["lr"] = s.learning_rate * factor * 0.7**self.n_rollbacks

    def _update_average(self) -> None:
        # Short at the start, or the average would still remember the first noise (Karras et al. 2020).
        half_life = min(self.settings.ema_half_life, max(0.05 * self.n_seen, 1.0))
        average_into(self.average, self.generator, kept=0.5 ** (self.settings.batch_size / half_life))

    def _read(self, **values: Tensor) -> None:
        self.reading = Reading(
            **(asdict(self.reading) | {name: float(value.detach()) for name, value in values.items()})
        )


@dataclass(frozen=True)
class Turns:
    """Who learns in a step."""

    discriminator: bool
    generator: bool


def networks(settings: GanSettings) -> tuple[Synthesis, Discriminator]:
    """New networks, in the memory order that convolutions like best."""
    with first_weights(settings.seed):
        generator = Synthesis(settings.side_px, settings.g_channels, settings.latent, settings.g_tail)
        discriminator = Discriminator(settings.side_px, settings.d_channels, settings.d_deep)
    return generator.to(memory_format=torch.channels_last), discriminator.to(memory_format=torch.channels_last)


def _adam(network: nn.Module, settings: GanSettings) -> torch.optim.Optimizer:
    return torch.optim.Adam(network.parameters(), settings.learning_rate, betas=(0.0, 0.99), eps=1e-8, fused=True)


def _plain(network: Any) -> nn.Module:
    """The network itself, out of what Fabric wraps around it."""
    inner: nn.Module = network.module
    return inner
