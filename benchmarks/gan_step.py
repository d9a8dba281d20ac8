"""What a training step of a GAN costs over the bare forward and backward passes of its networks, in one run.

    python -m benchmarks.gan_step [PRESET] [--size cpu|gpu] [--steps 48]

Bare: the generator forward and backward once; the discriminator forward and backward on reals and on fakes, and once
more to the pixels for the generator. The step adds to that pictures, augmentation, penalties, optimisers, averaging and
readings. Both take turns, so a busy machine slows both alike. Times are of the processor (on a card: of the clock).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from generators.gan.losses import discriminator_loss, generator_loss
from generators.gan.settings import GanSettings, gan_settings
from generators.gan.training import Game

LAP = 16
"""Steps between two turns: a whole round of lazy penalties."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", nargs="?", default="face-64")
    parser.add_argument("--size", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=48)
    given = parser.parse_args()
    settings = replace(gan_settings(given.preset, given.size), device=given.device)
    fabric = Fabric(accelerator=settings.device, devices=1, precision=settings.precision)  # type: ignore[arg-type]
    fabric.launch()
    pixels = np.random.default_rng(0).integers(0, 256, (1024, settings.side_px, settings.side_px, 3), np.uint8)
    game = Game(pixels, settings, fabric)
    # Half-strong augmentation, as in the middle of a run.
    game.balance = replace(game.balance, strength=0.3)
    turns: dict[str, Callable[[], None]] = {"step": game.step, "bare": bare(game, settings, fabric)}
    for turn in turns.values():
        turn()
    spent = dict.fromkeys(turns, 0.0)
    wall_s = 0.0
    for _ in range(max(given.steps // LAP, 1)):
        for name, turn in turns.items():
            before, began = clock(fabric), time.perf_counter()
            for _ in range(LAP):
                turn()
            spent[name] += clock(fabric) - before
            wall_s += (time.perf_counter() - began) if name == "step" else 0.0
    n_images = settings.batch_size * LAP * max(given.steps // LAP, 1)
    print(f"{given.preset} {given.size}, {n_images} real pictures, {torch.get_num_threads()} threads, {fabric.device}")
    print(f"step {spent['step']:.1f} s, bare {spent['bare']:.1f} s: {spent['step'] / spent['bare']:.2f} times")
    print(f"{n_images / wall_s:.0f} real pictures a second by the clock")


def bare(game: Game, settings: GanSettings, fabric: Any) -> Callable[[], None]:
    """The passes alone, on one batch that is ready."""
    reals = torch.rand(settings.batch_size, 3, settings.side_px, settings.side_px, device=fabric.device)
    reals = reals.to(memory_format=torch.channels_last)
    latents = torch.randn(settings.batch_size, settings.latent, device=fabric.device)

    def passes() -> None:
        fakes = game.generator(latents)
        (real, _), (fake, _) = game.discriminator(reals, fakes.detach())
        fabric.backward(discriminator_loss(real, fake))
        game.discriminator.requires_grad_(False)
        ((fake, _),) = game.discriminator(fakes)
        fabric.backward(generator_loss(real.detach(), fake))
        game.discriminator.requires_grad_(True)
        for network in (game.generator, game.discriminator):
            network.zero_grad(set_to_none=True)

    return passes


def clock(fabric: Any) -> float:
    """Seconds of all processor threads, or of the clock once a card is done."""
    if fabric.device.type != "cpu":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


if __name__ == "__main__":
    main()
