"""The GANs as attacks, with tiny weights under the names of the shipped ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from detectors.attacks.base import Effort, Forged  # noqa: E402
from detectors.attacks.gan import GanAttack, GanFace, GanPhoto  # noqa: E402
from generators.weights import read_card  # noqa: E402
from tests.make_attacks import red_score, red_target, write_gan  # noqa: E402

EFFORT = Effort(n_steps=30, batch_size=4)
PHOTOS = [np.zeros((64, 64, 3), np.uint8)] * 5


def attack(kind: type[GanAttack], zoo: Path) -> GanAttack:
    write_gan(kind.sampler.stem, zoo)
    return kind(zoo)


def forged(made: GanAttack, folder: Path, *, seed: int = 40) -> Forged:
    return made.forge(red_target(), PHOTOS, folder, EFFORT, seed=seed)


@pytest.mark.parametrize("kind", [GanFace, GanPhoto])
def test_a_tuned_gan_gets_past_where_the_untuned_one_did_not(kind: type[GanAttack], tmp_path: Path) -> None:
    made = attack(kind, tmp_path / "zoo")
    words = made.tune(red_target(), PHOTOS, tmp_path, EFFORT)
    found = forged(made, tmp_path)
    assert len(found.fakes) == len(PHOTOS) and found.fakes[0].dtype == np.uint8
    assert (red_score(found.fakes) < red_score(found.plain)).all()
    assert "critic" in words and all("tuned" in recipe and "seed" in recipe for recipe in found.recipes)


def test_fakes_follow_from_seed_and_tuned_weights(tmp_path: Path) -> None:
    made = attack(GanFace, tmp_path / "zoo")
    made.tune(red_target(), PHOTOS, tmp_path, EFFORT)
    found, again, other = (forged(made, tmp_path, seed=seed) for seed in (40, 40, 41))
    assert all((a == b).all() for a, b in zip(found.fakes, again.fakes, strict=True))
    assert np.abs(found.fakes[1].astype(int) - other.fakes[0]).max() <= 1, "fake i is that of seed + i"
    assert (found.fakes[0] != other.fakes[0]).any()


def test_the_untuned_weights_stay_as_they_are_and_the_tuned_card_tells_what_they_are(tmp_path: Path) -> None:
    made = attack(GanFace, tmp_path / "zoo")
    before = (tmp_path / "zoo" / "face-64-1.safetensors").read_bytes()
    plain = forged(made, tmp_path / "zoo").plain
    made.tune(red_target(), PHOTOS, tmp_path, EFFORT)
    assert (tmp_path / "zoo" / "face-64-1.safetensors").read_bytes() == before
    assert all((a == b).all() for a, b in zip(plain, forged(made, tmp_path).plain, strict=True))
    assert "Tuned against a detector" in read_card(tmp_path / "face-64-1.card.json").limits


def test_forging_before_tuning_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        forged(attack(GanFace, tmp_path / "zoo"), tmp_path)
