"""Square Attack: within epsilon, within its queries, and without gradients."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.attacks import square
from detectors.attacks.base import Effort, Target
from detectors.attacks.square import MARGIN, Square, perturbed
from generators.images import Pixels
from tests.make_media import photo

FAKE = photo(1, width=40, height=32)
EFFORT = Effort(n_queries=50, epsilon=8 / 255, seed=1)


class Asked:
    """A detector that takes red over blue for fake, and counts what it is asked."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
        self.n += len(pictures)
        over = np.asarray([(pixels[..., 0].astype(float) - pixels[..., 2]).mean() for pixels in pictures])
        return 1 / (1 + np.exp(-over / 10))


def target(asked: Asked, threshold: float = 0.01) -> Target:
    def no_gradients(images: object) -> object:
        raise AssertionError("a black-box attack takes no gradients")

    return Target(asked, threshold, no_gradients)  # type: ignore[arg-type]


@pytest.fixture
def art() -> None:
    pytest.importorskip("art", reason="needs the extra 'attacks'")


@pytest.mark.usefixtures("art")
def test_the_score_falls_and_no_pixel_moves_further_than_epsilon() -> None:
    fake, _ = perturbed(target(Asked()), FAKE, replace(EFFORT, n_queries=400), 3)
    assert fake.shape == FAKE.shape and fake.dtype == np.uint8
    assert 0 < np.abs(fake.astype(int) - FAKE).max() <= 8
    before, after = Asked()([FAKE, fake])
    assert after < before - 0.1


@pytest.mark.usefixtures("art")
@pytest.mark.parametrize("n_queries", [1, 2, 50])
def test_it_never_asks_for_more_than_it_may(n_queries: int) -> None:
    asked = Asked()
    _, said = perturbed(target(asked), FAKE, Effort(n_queries=n_queries, epsilon=8 / 255), 3)
    assert asked.n == said <= n_queries


@pytest.mark.usefixtures("art")
def test_it_stops_once_the_fake_is_well_past_the_threshold() -> None:
    asked = Asked()
    before = float(asked([FAKE])[0])
    bar = 1 / (1 + np.exp(-np.log(before / (1 - before)) - MARGIN - 0.1))
    fake, n_queries = perturbed(target(asked, bar), FAKE, EFFORT, 3)
    assert n_queries == 1 and (fake == FAKE).all(), "it was past from the start"


@pytest.mark.usefixtures("art")
def test_the_seed_decides_and_the_global_random_state_is_left_alone() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first, again, other = (perturbed(target(Asked()), FAKE, EFFORT, seed)[0] for seed in (3, 3, 4))
    assert (first == again).all() and (first != other).any()
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.usefixtures("art")
def test_each_fake_is_perturbed_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def given(generator: str, photos: Sequence[Pixels], *, seed: int) -> object:
        return tuple(photo(seed + i, width=32, height=32) for i in range(len(photos))), ("drawn",) * len(photos)

    monkeypatch.setattr(square, "plain_fakes", given)
    attack = Square()
    assert attack.tune(target(Asked()), [FAKE], tmp_path, EFFORT) == ""
    both = attack.forge(target(Asked()), [FAKE, FAKE], tmp_path, EFFORT, seed=10)
    second = attack.forge(target(Asked()), [FAKE], tmp_path, EFFORT, seed=11)
    assert (both.fakes[1] == second.fakes[0]).all() and "queries" in both.recipes[0]


def test_scores_that_are_no_numbers_and_an_epsilon_too_small_are_told() -> None:
    with pytest.raises(ValueError, match="at least 1/255"):
        perturbed(target(Asked()), FAKE, Effort(epsilon=0.001), 3)
    pytest.importorskip("art", reason="needs the extra 'attacks'")
    with pytest.raises(ValueError, match="scores from 0 to 1"):
        perturbed(Target(lambda pictures: np.array([np.nan]), 0.5, lambda images: images), FAKE, EFFORT, 3)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "art"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "art", None)
    with pytest.raises(ImportError, match=r"pip install 'unforged\[attacks\]'"):
        Square().tune(target(Asked()), [FAKE], tmp_path, EFFORT)
    with pytest.raises(ImportError, match=r"pip install 'unforged\[attacks\]'"):
        perturbed(target(Asked()), FAKE, EFFORT, 3)
