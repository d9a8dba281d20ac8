"""The game of a GAN: what each side wants, what a step does, and that a killed run goes on bit for bit."""

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

from generators.checkpoints import load_state, save_state  # noqa: E402
from generators.gan.critic import Critic  # noqa: E402
from generators.gan.losses import Judge, discriminator_loss, generator_loss, gradient_penalty  # noqa: E402
from generators.gan.networks import Discriminator, Synthesis, spread  # noqa: E402
from generators.gan.pixels import from_pixels, positions, to_pixels  # noqa: E402
from generators.gan.presets import split  # noqa: E402
from generators.gan.running import MAX_ROLLBACKS, Diverged, Run  # noqa: E402
from generators.gan.settings import GanSettings, gan_settings  # noqa: E402
from generators.gan.training import Game  # noqa: E402
from generators.runs import CHECKPOINT, check_same, crossed, launch  # noqa: E402
from tests.upkeep.documents import ROOT  # noqa: E402

TINY = GanSettings(
    n_images=96,
    batch_size=8,
    side_px=16,
    latent=8,
    g_channels=(8, 8),
    g_tail=4,
    d_channels=(8, 8),
    d_deep=1,
    penalty_every=2,
    precision="32-true",
    device="cpu",
    n_between_saves=24,
    n_between_evaluations=10**6,
)


def discs(n: int, side_px: int = 16, seed: int = 0) -> NDArray[np.uint8]:
    """Light discs on dark ground: a small world that two small networks can learn."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side_px, :side_px]
    middle = rng.uniform(0.35, 0.65, (n, 2)) * side_px
    inside = (y - middle[:, :1, None]) ** 2 + (x - middle[:, 1:, None]) ** 2 < (side_px / 4) ** 2
    return np.repeat(np.where(inside, 220, 30).astype(np.uint8)[..., None], 3, axis=3)


def play(
    pixels: NDArray[np.uint8], out: Path, settings: GanSettings, *, resume: bool = False, critic: Any = None
) -> Game:
    run = Run(pixels, out, settings, critic=critic)
    if resume:
        run.resume()
    run.play()
    return run.game


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):  # JSON knows no tuples
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.parametrize(
    ("name", "size"), [(n, s) for n in ("face-64", "face-128", "photo-64") for s in ("cpu", "gpu")]
)
def test_every_preset_makes_networks_that_fit_each_other(name: str, size: Any) -> None:
    s = gan_settings(name, size)
    with torch.device("meta"):
        made = Synthesis(s.side_px, s.g_channels, s.latent, s.g_tail)(torch.zeros(4, s.latent))
        assert made.shape == (4, 3, s.side_px, s.side_px)
        assert Discriminator(s.side_px, s.d_channels, s.d_deep)(made).shape == (4,)


def test_the_losses_are_equal_and_log_2_when_nothing_is_told_apart() -> None:
    alike = torch.full((5,), 3.0)
    assert float(discriminator_loss(alike, alike)) == pytest.approx(np.log(2))
    assert float(generator_loss(alike, alike)) == pytest.approx(np.log(2))


def test_only_the_difference_of_real_and_fake_counts() -> None:
    real, fake = torch.randn(2, 6, generator=torch.Generator().manual_seed(1))
    assert float(discriminator_loss(real, fake)) == pytest.approx(float(discriminator_loss(real + 7, fake + 7)))
    assert float(generator_loss(real, fake)) == pytest.approx(float(discriminator_loss(fake, real)))


def test_the_penalty_of_a_linear_judge_is_the_square_of_its_weights() -> None:
    weights = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(2))
    images = torch.rand(5, 3, 4, 4).requires_grad_()
    penalty = gradient_penalty((images * weights).sum(dim=(1, 2, 3)), images)
    assert float(penalty) == pytest.approx(float(weights.square().sum()), rel=1e-5)


def test_the_penalty_reaches_the_weights_of_the_judge() -> None:
    judge = Judge(Discriminator(16, (8, 8), 1))
    ((_, penalty),) = judge(torch.rand(4, 3, 16, 16), penalised=True)
    penalty.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for n, p in judge.named_parameters() if "weight" in n)


def test_the_spread_of_one_picture_over_and_over_is_almost_nothing() -> None:
    one = torch.rand(1, 3, 4, 4)
    assert float(spread(one.repeat(8, 1, 1, 1)).max()) < 1e-3
    assert float(spread(torch.rand(8, 3, 4, 4)).min()) > 0.05


def test_pixels_survive_the_way_there_and_back() -> None:
    pixels = np.arange(4 * 8 * 8 * 3, dtype=np.uint8).reshape(4, 8, 8, 3)
    assert (to_pixels(from_pixels(pixels)) == pixels).all()


def test_each_picture_comes_once_an_epoch_in_an_order_of_its_own() -> None:
    first, second = positions(0, 10, 10, seed=3), positions(10, 10, 10, seed=3)
    assert sorted(first) == sorted(second) == list(range(10))
    assert list(first) != list(second)


def test_the_pictures_of_a_step_follow_from_how_many_were_seen() -> None:
    whole = positions(0, 24, 7, seed=4)
    parts = [positions(start, 4, 7, seed=4) for start in range(0, 24, 4)]
    assert list(np.concatenate(parts)) == list(whole)


def test_held_out_pictures_are_never_learnt_from() -> None:
    learnt, held_out = split(range(100), TINY)
    assert len(held_out) == 10 and sorted([*learnt, *held_out]) == list(range(100))


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


def test_nothing_but_tensors_and_plain_values_goes_into_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    state = {"a": {0: torch.arange(3), "b": [1.5, None, "x", True]}, "c": torch.ones(2, dtype=torch.bfloat16)}
    save_state(path, state)
    assert same(load_state(path), state)
    with pytest.raises(TypeError, match="Path at 'p'"):
        save_state(path, {"p": path})
    assert same(load_state(path), state), "the earlier file stays"


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    save_state(path, {"n": 1})

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save_state(path, {"n": 2})
    assert load_state(path) == {"n": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.safetensors is no checkpoint"):
        load_state(path)


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
