"""Tuning a generator against a detector: it gets past, stays near what it was, and goes on after a kill as if none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from detectors.attacks.base import Effort, Target  # noqa: E402
from detectors.attacks.subjects import Drawn, keep  # noqa: E402
from detectors.attacks.tuning import Tuned, TuningSettings, tune  # noqa: E402
from generators.base import blank  # noqa: E402
from generators.gan.sampler import Face64  # noqa: E402
from generators.runs import CHECKPOINT  # noqa: E402
from tests.make_attacks import red_score, red_target, redness, write_gan  # noqa: E402

SETTINGS = TuningSettings(learning_rate=5e-3, pixels=1.0, features=0.0, n_between_saves=2)
EFFORT = Effort(n_steps=12, batch_size=4, seed=3)


@pytest.fixture
def subject(tmp_path: Path) -> Drawn:
    write_gan("face-64-1", tmp_path / "zoo")
    return Drawn(Face64(tmp_path / "zoo"))


def tuned(subject: Drawn, folder: Path, *, effort: Effort = EFFORT, **changes: Any) -> Tuned:
    folder.mkdir(exist_ok=True)
    return tune(subject, red_target(), folder, effort, replace(SETTINGS, **changes), device="cpu")


def weights(found: Tuned) -> dict[str, Any]:
    return found.network.state_dict()


def test_tuned_fakes_score_lower_than_untuned_ones_of_the_same_latents(subject: Drawn, tmp_path: Path) -> None:
    found = tuned(subject, tmp_path / "run", effort=replace(EFFORT, n_steps=40))
    keep(found, Face64(tmp_path / "zoo").card, tmp_path / "run")
    before, after = (Face64(tmp_path / place).forge(blank(8), seed=500).images for place in ("zoo", "run"))
    pixels = [np.rint(images.transpose(0, 2, 3, 1) * 255).astype(np.uint8) for images in (before, after)]
    scores = [red_score(list(part)) for part in pixels]
    assert (scores[1] < scores[0]).all() and scores[1].mean() < scores[0].mean() - 0.3
    assert found.last < found.first and found.moved > 0


def test_a_killed_tuning_goes_on_to_the_same_weights(subject: Drawn, tmp_path: Path) -> None:
    whole = weights(tuned(subject, tmp_path / "whole"))

    class Killed(Exception):
        pass

    def report(done: int, of: int, words: str) -> None:
        if done == 7:  # one step after the last checkpoint
            raise Killed

    (tmp_path / "run").mkdir()
    with pytest.raises(Killed):
        tune(subject, red_target(), tmp_path / "run", EFFORT, SETTINGS, report, device="cpu")
    resumed = tuned(subject, tmp_path / "run")
    assert resumed.n_steps == EFFORT.n_steps
    assert all(torch.equal(part, whole[name]) for name, part in weights(resumed).items())
    other = weights(tuned(subject, tmp_path / "other", effort=replace(EFFORT, seed=4)))
    assert not all(torch.equal(part, whole[name]) for name, part in other.items()), "the seed decides"


def test_a_tuning_that_is_over_is_read_and_not_done_again(subject: Drawn, tmp_path: Path) -> None:
    first = tuned(subject, tmp_path / "run")
    written = (tmp_path / "run" / CHECKPOINT).stat().st_mtime_ns
    again = tuned(subject, tmp_path / "run")
    assert (tmp_path / "run" / CHECKPOINT).stat().st_mtime_ns == written
    assert again.words == first.words and "12 steps" in again.words


def test_a_stronger_anchor_moves_the_pictures_less(subject: Drawn, tmp_path: Path) -> None:
    effort = replace(EFFORT, n_steps=30)
    loose, tight = (tuned(subject, tmp_path / str(w), effort=effort, pixels=w, enough=0.0) for w in (0.0, 30.0))
    assert tight.moved < loose.moved / 2


def test_features_hold_the_pictures_too(subject: Drawn, tmp_path: Path) -> None:
    effort, free = replace(EFFORT, n_steps=6), {"pixels": 0.0, "enough": 0.0}
    loose, tight = (tuned(subject, tmp_path / str(w), effort=effort, features=w, **free) for w in (0.0, 50.0))
    assert tight.moved < loose.moved


def test_it_stops_as_soon_as_the_critic_is_beaten(subject: Drawn, tmp_path: Path) -> None:
    found = tuned(subject, tmp_path / "run", effort=replace(EFFORT, n_steps=500), pixels=0.0, enough=0.5)
    assert found.n_steps < 500 and found.last < 0.5


def test_it_stops_when_the_time_is_up(subject: Drawn, tmp_path: Path) -> None:
    found = tuned(subject, tmp_path / "run", effort=replace(EFFORT, n_steps=10**6, minutes=0.005), enough=0.0)
    assert 0 < found.n_steps < 10**6


def test_the_critic_counts_from_the_threshold(subject: Drawn, tmp_path: Path) -> None:
    def first(threshold: float) -> float:
        folder = tmp_path / str(threshold)
        folder.mkdir()
        return tune(subject, red_target(threshold=threshold), folder, replace(EFFORT, n_steps=1), SETTINGS).first

    assert first(0.01) > first(0.5) > first(0.99)


@pytest.mark.parametrize(
    "critic",
    [lambda images: redness(images) * math.nan, lambda images: (images * 0).sqrt().mean(dim=(1, 2, 3))],
    ids=["the score is none", "the gradient is none"],
)
def test_what_is_no_number_is_told_in_one_line_and_keeps_the_last_good_weights(
    critic: Callable[[Any], Any], subject: Drawn, tmp_path: Path
) -> None:
    tuned(subject, tmp_path, effort=replace(EFFORT, n_steps=2))
    good = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(ValueError, match="no number after 2 steps") as caught:
        tune(subject, Target(red_score, 0.5, critic), tmp_path, EFFORT, SETTINGS, device="cpu")
    assert "\n" not in str(caught.value)
    assert (tmp_path / CHECKPOINT).read_bytes() == good


def test_a_checkpoint_of_other_settings_is_refused(subject: Drawn, tmp_path: Path) -> None:
    tuned(subject, tmp_path / "run")
    with pytest.raises(ValueError, match="other settings"):
        tuned(subject, tmp_path / "run", learning_rate=1e-4)
    with pytest.raises(ValueError, match="other settings"):
        tuned(subject, tmp_path / "run", effort=replace(EFFORT, seed=9))
