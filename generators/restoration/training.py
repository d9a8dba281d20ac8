"""The adversarial training of every network that rebuilds a photo: one loop, the discriminator first, then the network.

What is drawn depends on the seed and the number of the step alone. A checkpoint with the weights, the optimisers and
that number is therefore all that a run needs to go on as if nothing had happened: on the processor bit for bit.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from generators.checkpoints import load_state, save_state
from generators.restoration.discriminator import PatchDiscriminator, gradient_penalty, relativistic
from generators.restoration.evaluation import judge
from generators.restoration.losses import Features, colour_loss, edge_loss, feature_loss
from generators.restoration.patches import PatchSet
from generators.restoration.settings import RestorationSettings, check_same, fixed
from generators.restoration.tasks import Task
from generators.trainers import Progress

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"
MAX_ROLLBACKS = 3
"""A run that breaks more often than this has settings that cannot work."""

N_BETWEEN_LINES = 25
"""Steps between two lines of the log."""


class Run:
    """Networks, optimisers and how far they are.

    Args:
        task: what is rebuilt.
        patches: to learn from and to be judged on.
        settings: of the run.
        features: of a frozen network for the perceptual loss; None does without.
    """

    def __init__(self, task: Task, patches: PatchSet, settings: RestorationSettings, features: Features | None) -> None:
        from lightning_fabric import Fabric

        self.task, self.patches, self.settings, self.features = task, patches, settings, features
        self.fabric = Fabric(
            accelerator=settings.device,
            devices=settings.n_devices,
            precision=settings.precision,  # type: ignore[arg-type]
        )
        self.fabric.launch()
        # Layers draw their first weights from the global state, which is put back afterwards.
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            network = task.network().to(memory_format=torch.channels_last)
            discriminator = PatchDiscriminator().to(memory_format=torch.channels_last)
        self.averaged = self.fabric.to_device(copy.deepcopy(network)).requires_grad_(False)
        self.network, self.network_optimiser = self.fabric.setup(network, self._optimiser(network, 0.9))
        self.discriminator, self.discriminator_optimiser = self.fabric.setup(
            discriminator, self._optimiser(discriminator, 0.0)
        )
        self.step = self.n_rollbacks = 0

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
        parts = {name: _plain(getattr(self, name).state_dict()) for name in _PARTS}
        return copy.deepcopy(parts) | {
            "step": self.step,
            "n_rollbacks": self.n_rollbacks,
            "settings": fixed(self.settings),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state.

        Raises:
            ValueError: it is of a run with other settings.
        """
        check_same(state.get("settings", {}), self.settings)
        for name in _PARTS:
            getattr(self, name).load_state_dict(copy.deepcopy(state[name]))
        self.step, self.n_rollbacks = state["step"], state["n_rollbacks"]

    def advance(self) -> dict[str, float]:
        """One step: the discriminator learns, then the network. Returns the losses."""
        settings = self.settings
        rng = np.random.default_rng((settings.seed, self.n_rollbacks, self.step, self.fabric.global_rank))
        reals = to_tensor(self.patches.learned.draw(settings.batch_size, rng), self.fabric.device)
        for optimiser in (self.network_optimiser, self.discriminator_optimiser):
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * min(1.0, 3 * (1 - self.n_seen / settings.n_images))
        rebuilt = self.task.rebuild(self.network, reals, rng)
        weights = rebuilt.weights
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
        with torch.no_grad():
            for slow, fast in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
                slow.lerp_(fast, 1 - decay)


_PARTS = ("network", "averaged", "discriminator", "network_optimiser", "discriminator_optimiser")


def train(
    task: Task,
    patches: PatchSet,
    out: Path,
    settings: RestorationSettings,
    *,
    resume: bool = False,
    report: Callable[[Progress], None] | None = None,
    features: Features | None = None,
) -> tuple[nn.Module, int]:
    """Train until `n_images` patches were shown or time is up.

    Args:
        task: what is rebuilt.
        patches: to learn from and to be judged on.
        out: made if missing; holds checkpoint, log and samples.
        settings: of the run.
        resume: go on from the checkpoint in `out`.
        report: called from time to time.
        features: of a frozen network for the perceptual loss.

    Returns:
        The averaged network on the processor, and the number of patches it has seen.

    Raises:
        FileNotFoundError: nothing to resume.
        FileExistsError: `out` holds a checkpoint and `resume` is False.
        ValueError: a checkpoint of other settings, or losses that are no numbers again and again.
    """
    check_folder(out, resume)
    checkpoint = out / CHECKPOINT
    run = Run(task, patches, settings, features)
    if resume:
        run.restore(load_state(checkpoint))
    out.mkdir(parents=True, exist_ok=True)
    _forget_after(out / LOG, run.n_seen)
    good = run.state()
    started, first = time.monotonic(), run.n_seen
    n_saves = run.n_seen // settings.n_between_saves
    while run.n_seen < settings.n_images and not _time_is_up(started, settings.minutes):
        losses = run.advance()
        if not all(map(math.isfinite, losses.values())):
            _roll_back(run, good)
            continue
        rate = (run.n_seen - first) / (time.monotonic() - started)
        if run.step % N_BETWEEN_LINES == 0:
            _log(out / LOG, {"n_seen": run.n_seen, "per_second": round(rate, 1), **losses})
            if report is not None:
                report(Progress(run.n_seen, settings.n_images, rate))
        if run.n_seen // settings.n_between_saves > n_saves:
            n_saves = run.n_seen // settings.n_between_saves
            good = _saved(run, out, rate, report)
    _saved(run, out, (run.n_seen - first) / max(time.monotonic() - started, 1e-9), report)
    return run.averaged.cpu().eval(), run.n_seen


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


def to_tensor(pixels: np.ndarray[Any, np.dtype[np.uint8]], device: torch.device | str = "cpu") -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float32 0..1, channels last in memory."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 255


def _saved(run: Run, out: Path, rate: float, report: Callable[[Progress], None] | None) -> dict[str, Any]:
    """Judge the averaged network, write samples and checkpoint; gives the state that was written."""
    psnr_db = judge(run.task, run.averaged, run.patches.held_out, out / f"samples-{run.n_seen:09d}.png")
    _log(out / LOG, {"n_seen": run.n_seen, "held_out_psnr_db": round(psnr_db, 3)})
    state = run.state()
    save_state(out / CHECKPOINT, state)
    if report is not None:
        report(Progress(run.n_seen, run.settings.n_images, rate, f"held-out PSNR {psnr_db:.2f} dB"))
    return state


def _roll_back(run: Run, good: dict[str, Any]) -> None:
    """Back to the last good state; later draws differ, so that the same accident does not happen again."""
    n_rollbacks = run.n_rollbacks + 1
    if n_rollbacks > MAX_ROLLBACKS:
        raise ValueError(f"losses were no numbers {n_rollbacks} times; a lower learning_rate may help")
    run.restore(good)
    run.n_rollbacks = n_rollbacks


def _plain(state: Any) -> Any:
    """A state without the types that only Python knows."""
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return [_plain(value) for value in state]
    return state


def _time_is_up(started: float, minutes: float) -> bool:
    return minutes > 0 and time.monotonic() - started > minutes * 60


def _log(path: Path, line: dict[str, float]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _forget_after(path: Path, n_seen: int) -> None:
    """Drop lines that a killed run wrote after its last checkpoint: they are written again."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines if json.loads(line)["n_seen"] <= n_seen), encoding="utf-8")
