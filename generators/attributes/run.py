"""One run of the editor: the discriminator learns, then the editor against it, then the reader beside both.

After StarGAN (Choi et al. 2018): adversarial loss (non-saturating, with lazy R1), attribute names, the way back to the
original, and faces that already are what is asked for. Real faces with attributes that are not theirs are shown to the
discriminator as wrong too (Reed et al. 2016), so that it looks at the attributes and not at the paint alone.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generators.attributes.faces import Faces
from generators.attributes.labels import AGE_GROUPS, AS_IT_IS
from generators.attributes.networks import Discriminator, Editor, Reader, conditions_of, logits, name_loss
from generators.attributes.settings import AttributeSettings
from generators.gan.pixels import from_pixels
from generators.runs import (
    average_into,
    check_same,
    counted_rollback,
    first_weights,
    plain_settings,
    rate_at,
    restore_steps,
)

KINDS = (0.4, 0.3)
"""Shares of edits that ask for an age group alone and for a gender alone; the rest ask for both."""


class Run:
    """Everything that decides how training goes on.

    Args:
        faces: to learn from.
        settings: of the run.
        fabric: decides device, precision and processes.

    Attributes:
        n_seen, n_rollbacks, n_resumes: pictures seen, ways back to a good state, starts from a checkpoint.
    """

    def __init__(self, faces: Faces, settings: AttributeSettings, fabric: Any) -> None:
        self.settings, self.fabric = settings, fabric
        self.n_seen = self.n_rollbacks = self.n_resumes = 0
        self.random = torch.Generator().manual_seed(settings.seed * 1_000 + fabric.global_rank)
        self._pixels = torch.from_numpy(faces.pixels)
        self._classes = torch.from_numpy(faces.classes)
        self._weights = torch.from_numpy(faces.weights)
        editor, discriminator, reader = _networks(settings)
        self.average = copy.deepcopy(editor).requires_grad_(False).to(fabric.device)
        rate = settings.learning_rate
        self.editor, self.editor_steps = _set_up(fabric, editor, rate, 0.5)
        self.discriminator, self.discriminator_steps = _set_up(fabric, discriminator, rate, 0.5)
        self.reader, self.reader_steps = _set_up(fabric, reader, rate, 0.9)

    def step(self) -> dict[str, float]:
        """Learn from one batch; returns the losses, by name."""
        self._set_rates()
        images, own, target, asked = self._batch()
        fake, attention = self.editor(images, conditions_of(asked))
        losses = self._step_discriminator(images, fake.detach(), own, target)
        losses |= self._step_editor(images, fake, attention, own, target, asked)
        losses |= self._step_reader(images, own)
        self.n_seen += len(images) * self.fabric.world_size
        self._step_average()
        return losses

    def state(self) -> dict[str, Any]:
        """All of it, for `checkpoints.save_state`."""
        return {
            "settings": plain_settings(self.settings),
            "n_seen": self.n_seen,
            "n_rollbacks": self.n_rollbacks,
            "n_resumes": self.n_resumes,
            "random": self.random.get_state(),
            **{name: part.state_dict() for name, part in self._parts().items()},
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from the state of an earlier start.

        Raises:
            ValueError: it is that of a run with other settings.
        """
        self.load(state)
        # Checkpoints of before did not count.
        self.n_resumes = state.get("n_resumes", 0) + 1

    def load(self, state: dict[str, Any]) -> None:
        """Go to a state.

        Raises:
            ValueError: it is that of a run with other settings.
        """
        check_same(state["settings"], self.settings)
        self.n_seen, self.n_rollbacks = state["n_seen"], state["n_rollbacks"]
        self.random.set_state(state["random"])
        for name, part in self._parts().items():
            if name.endswith("_steps"):
                restore_steps(part, state[name])
            else:
                part.load_state_dict(state[name])

    def roll_back(self, state: dict[str, Any]) -> None:
        """Go back to a good state and on from there with other draws.

        Raises:
            Diverged: it was done too often already.
        """
        n = counted_rollback(self.n_rollbacks, f"losses are no numbers after {self.n_seen:,} faces")
        self.load(state)
        self.n_rollbacks = n
        self.random.manual_seed((self.settings.seed + n) * 1_000_003 + self.n_seen + self.fabric.global_rank)

    @property
    def n_steps(self) -> int:
        """Batches seen."""
        return self.n_seen // (self.settings.batch_size * int(self.fabric.world_size))

    def _batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Faces (N, 3, S, S), their classes (N, 2), those after the edit, and those asked for."""
        n, device = self.settings.batch_size, self.fabric.device
        chosen = torch.multinomial(self._weights, n, replacement=True, generator=self.random)
        images, own = from_pixels(self._pixels[chosen].numpy()), self._classes[chosen]
        mirrored = torch.rand(n, generator=self.random) < 0.5
        images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
        target, asked = draw_edits(own, self.random)
        images = images.to(device, memory_format=torch.channels_last)
        return images, own.to(device), target.to(device), asked.to(device)

    def _step_discriminator(self, images: Tensor, fake: Tensor, own: Tensor, target: Tensor) -> dict[str, float]:
        penalised = self.n_steps % self.settings.penalty_every == 0
        is_own, is_target = conditions_of(own), conditions_of(target)
        real, false = self.discriminator(images, is_own if penalised else None), self.discriminator(fake)
        # Wrong attributes are shown with whole faces alone: patches are there to find what paint does to skin and hair.
        wrong = (false.face_loss(is_target, real=False) + real.face_loss(is_target, real=False)) / 2
        patches = real.patch_loss(is_own, real=True) + false.patch_loss(is_target, real=False)
        adversarial = real.face_loss(is_own, real=True) + wrong + patches
        names = name_loss(real.named, own)
        loss = adversarial + names + self.settings.penalty * self.settings.penalty_every / 2 * real.penalty
        self._update(self.discriminator_steps, loss)
        readings = {"d_real": (real, is_own), "d_fake": (false, is_target), "d_wrong": (real, is_target)}
        means = {name: logits(look.whole, given).mean() for name, (look, given) in readings.items()}
        return _numbers(d=adversarial, d_patches=patches, d_names=names, **means)

    def _step_editor(
        self, images: Tensor, fake: Tensor, attention: Tensor, own: Tensor, target: Tensor, asked: Tensor
    ) -> dict[str, float]:
        settings = self.settings
        self.discriminator.requires_grad_(False)
        look = self.discriminator(fake)
        is_target = conditions_of(target)
        adversarial = look.face_loss(is_target, real=True) + look.patch_loss(is_target, real=True)
        names = name_loss(look.named, target)
        n_back = max(1, round(len(fake) * settings.cycle_share))
        returned = own.masked_fill(asked == AS_IT_IS, AS_IT_IS)[:n_back]
        back, _ = self.editor(fake[:n_back], conditions_of(returned))
        cycle = F.l1_loss(back, images[:n_back])
        loss = adversarial + settings.name_weight * names + settings.cycle_weight * cycle
        loss = loss + settings.attention_weight * attention.mean()
        if self.n_steps % settings.same_every == 0:
            # Each face is asked to be what it is already: in one attribute, in both or in none.
            left = torch.rand(own.shape, generator=self.random).to(own.device) < 0.5
            same, _ = self.editor(images, conditions_of(own.masked_fill(left, AS_IT_IS)))
            loss = loss + settings.same_weight * settings.same_every * F.l1_loss(same, images)
        self._update(self.editor_steps, loss)
        self.discriminator.requires_grad_(True)
        change = (fake - images).abs().mean()
        return _numbers(g=adversarial, g_names=names, cycle=cycle, attention=attention.mean(), change=change)

    def _step_reader(self, images: Tensor, own: Tensor) -> dict[str, float]:
        loss = name_loss(self.reader(images), own)
        self._update(self.reader_steps, loss)
        return _numbers(reader=loss)

    def _update(self, steps: Any, loss: Tensor) -> None:
        steps.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        steps.step()

    def _step_average(self) -> None:
        # At the start it remembers a tenth of what was seen, so that the first weights do not linger.
        half_life = min(self.settings.ema_half_life, self.n_seen * 0.1)
        kept = 0.5 ** (self.settings.batch_size * self.fabric.world_size / half_life)
        average_into(self.average, self.editor, kept)

    def _set_rates(self) -> None:
        rate = self.settings.learning_rate * rate_at(self.n_seen / self.settings.n_images, self.settings.share_falling)
        for steps in (self.editor_steps, self.discriminator_steps, self.reader_steps):
            for group in steps.param_groups:
                group["lr"] = rate if steps is self.editor_steps else self.settings.faster * rate

    def _parts(self) -> dict[str, Any]:
        return {
            "editor": self.editor,
            "discriminator": self.discriminator,
            "reader": self.reader,
            "average": self.average,
            "editor_steps": self.editor_steps,
            "discriminator_steps": self.discriminator_steps,
            "reader_steps": self.reader_steps,
        }


def draw_edits(own: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Another age group, the other gender, or both, for each face.

    Args:
        own: (N, 2) classes of the faces.
        random: decides every draw.

    Returns:
        Classes after the edit (N, 2), and what is asked for (N, 2): `AS_IT_IS` in what is not to change.
    """
    n = len(own)
    kind = torch.rand(n, generator=random)
    further = torch.randint(1, len(AGE_GROUPS), (n,), generator=random)
    other = torch.stack([(own[:, 0] + further) % len(AGE_GROUPS), 1 - own[:, 1]], dim=1)
    age, gender = (kind < KINDS[0]) | (kind >= sum(KINDS)), kind >= KINDS[0]
    changes = torch.stack([age, gender], dim=1)
    return torch.where(changes, other, own), torch.where(changes, other, AS_IT_IS)


def _networks(settings: AttributeSettings) -> tuple[Editor, Discriminator, Reader]:
    """Fresh ones whose weights depend on the seed alone, and on no global random state before or after."""
    with first_weights(settings.seed):
        return (
            Editor(settings.wide, settings.narrow, settings.n_blocks, settings.tail),
            Discriminator(settings.d_channels),
            Reader(settings.reader_width),
        )


def _set_up(fabric: Any, network: nn.Module, rate: float, beta: float) -> tuple[Any, Any]:
    network = network.to(memory_format=torch.channels_last)
    network, steps = fabric.setup(network, torch.optim.Adam(network.parameters(), lr=rate, betas=(beta, 0.999)))
    return network, steps


def _numbers(**values: Tensor) -> dict[str, float]:
    return {name: float(value.detach()) for name, value in values.items()}
