"""Runs of a GAN: a killed one goes on bit for bit, a broken one goes back, a critic pulls, devices agree."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from generators.checkpoints import load_state  # noqa: E402
from generators.gan.critic import Critic  # noqa: E402
from generators.gan.networks import Discriminator  # noqa: E402
from generators.gan.running import Run  # noqa: E402
from generators.gan.settings import GanSettings  # noqa: E402
from generators.gan.training import Game  # noqa: E402
from generators.runs import CHECKPOINT, MAX_ROLLBACKS, Diverged, check_same, crossed, launch  # noqa: E402
from tests.unit.test_gan import TINY, discs, same  # noqa: E402
from tests.upkeep.documents import ROOT  # noqa: E402


def play(
    pixels: NDArray[np.uint8], out: Path, settings: GanSettings, *, resume: bool = False, critic: Any = None
) -> Game:
    run = Run(pixels, out, settings, critic=critic)
    if resume:
        run.resume()
    run.play()
    return run.game


def test_a_killed_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    class Kills:
        """Lets the eighth step not end, after the save at the sixth."""

        n = 0

        def loss(self, fakes: Any, random: Any) -> Any:
            self.n += 1
            if self.n == 8:
                raise KeyboardInterrupt
            return fakes.mean()

    class Lives(Kills):
        n = 100

    pixels, settings = discs(40), replace(TINY, critic_weight=0.1)
    whole = play(pixels, tmp_path / "whole", settings, critic=Lives()).state()
    with pytest.raises(KeyboardInterrupt):
        play(pixels, tmp_path / "cut", settings, critic=Kills())
    assert load_state(tmp_path / "cut" / CHECKPOINT)["game"]["n_seen"] == 48
    again = play(pixels, tmp_path / "cut", settings, resume=True, critic=Lives()).state()
    assert whole["n_seen"] == again["n_seen"] == 96
    assert same(whole, again)


def test_a_run_starts_where_another_one_ended(tmp_path: Path) -> None:
    first = play(discs(40), tmp_path / "first", TINY)
    settings = replace(TINY, start_from=str(tmp_path / "first" / CHECKPOINT), seed=9)
    run = Run(discs(40), tmp_path / "second", settings)
    assert same(run.game.average.state_dict(), first.average.state_dict())
    assert run.game.n_seen == 0 and run.spent_s == 0
    run.play()
    assert not same(run.game.average.state_dict(), first.average.state_dict())


def test_another_shape_is_no_start(tmp_path: Path) -> None:
    play(discs(40), tmp_path, TINY)
    with pytest.raises(ValueError, match="networks of another shape"):
        Run(discs(40), tmp_path, replace(TINY, g_channels=(8, 4), start_from=str(tmp_path / CHECKPOINT)))


def test_a_run_learns_the_brightness_of_its_world(tmp_path: Path) -> None:
    pixels = discs(64)
    before = Game(pixels, TINY, launch(TINY))
    latents = torch.randn(64, TINY.latent, generator=torch.Generator().manual_seed(5))
    after = play(pixels, tmp_path, replace(TINY, n_images=1_600, learning_rate=4e-3))
    truth = pixels.mean(axis=0)
    off = [np.abs(game.sample(latents).mean(axis=0) - truth).mean() for game in (before, after)]
    assert off[1] < 0.5 * off[0]


def test_a_broken_step_goes_back_to_the_last_save(tmp_path: Path) -> None:
    class Breaks:
        """Gives no number once, when half of the run is over."""

        n = 0

        def loss(self, fakes: Any, random: Any) -> Any:
            self.n += 1
            return fakes.mean() * (float("nan") if self.n == 6 else 0.0)

    game = play(discs(40), tmp_path, replace(TINY, critic_weight=1.0), critic=Breaks())
    assert game.n_rollbacks == 1 and game.n_seen == 96
    assert all(p.isfinite().all() for p in game.average.parameters())


def test_a_run_that_never_gets_well_ends_with_its_last_save(tmp_path: Path) -> None:
    class Broken:
        n = 0

        def loss(self, fakes: Any, random: Any) -> Any:
            self.n += 1
            return fakes.mean() * (float("nan") if self.n > 4 else 0.0)

    with pytest.raises(Diverged, match=f"{MAX_ROLLBACKS} ways back"):
        play(discs(40), tmp_path, replace(TINY, critic_weight=1.0), critic=Broken())
    assert load_state(tmp_path / CHECKPOINT)["game"]["n_seen"] == 24


def test_a_critic_pulls_the_generator(tmp_path: Path) -> None:
    class LikesDark:
        def loss(self, fakes: Any, random: Any) -> Any:
            return fakes.mean()

    pixels = discs(64)
    latents = torch.randn(64, TINY.latent, generator=torch.Generator().manual_seed(5))
    plain = play(pixels, tmp_path / "plain", replace(TINY, n_images=640, learning_rate=2e-3))
    pulled = play(
        pixels,
        tmp_path / "pulled",
        replace(TINY, n_images=640, learning_rate=2e-3, critic_weight=20.0),
        critic=LikesDark(),
    )
    assert pulled.sample(latents).mean() < plain.sample(latents).mean() - 10


def test_a_frozen_network_joins_through_jpeg_and_resizing_and_stays_as_it_was(tmp_path: Path) -> None:
    network = Discriminator(16, (8, 8), 0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    critic = Critic(network, scale=(1.0, 1.0))
    settings = replace(TINY, n_images=48, critic_weight=1.0)
    attacked = play(discs(40), tmp_path / "attacked", settings, critic=critic)
    alone = play(discs(40), tmp_path / "alone", settings)
    assert attacked.reading.critic > 0
    assert same(network.state_dict(), before)
    assert not same(attacked.average.state_dict(), alone.average.state_dict())


def test_other_settings_cannot_go_on_from_a_checkpoint() -> None:
    found = {"batch_size": 16, **{f: getattr(TINY, f) for f in ("side_px", "latent")}}
    with pytest.raises(ValueError, match="batch_size 16, not 8"):
        check_same(found, TINY)


def test_a_save_is_due_when_a_multiple_is_passed() -> None:
    assert crossed(90, 100, 100) and crossed(95, 210, 100)
    assert not crossed(100, 190, 100)


TWO_DEVICES = """
import sys, torch
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from generators.checkpoints import save_state
from generators.gan.running import Run
from tests.unit.test_gan import TINY, discs

torch.set_num_threads(1)
run = Run(discs(64), Path(sys.argv[1]), replace(TINY, n_devices=2, penalty_every=4))
run.play()
save_state(Path(sys.argv[1]) / f"{run.game._fabric.global_rank}.safetensors", run.game.state())
"""


def test_two_devices_end_with_the_same_networks(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(TWO_DEVICES, encoding="utf-8")
    ran = subprocess.run([sys.executable, script, tmp_path], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert ran.returncode == 0
    first, second = (load_state(tmp_path / f"{rank}.safetensors") for rank in (0, 1))
    assert first["n_seen"] == TINY.n_images
    assert same(first["discriminator"], second["discriminator"]) and same(first["average"], second["average"])
    assert first["balance"] == second["balance"]
