"""The search for a kind of self-blend: it lowers scores, keeps changing faces, and keeps to its queries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.attacks import blending
from detectors.attacks.base import Effort, Target
from detectors.attacks.blending import LEAST_CHANGE, SPANS, SelfBlendSearch, search
from generators.images import Pixels, to_float, to_uint8
from generators.selfblend import PAPER, SelfBlend
from tests.make_media import photo

PHOTOS = [photo(i, width=64, height=64) for i in range(4)]
EFFORT = Effort(n_queries=60, seed=2)


def bright(pictures: Sequence[Pixels]) -> NDArray[np.float64]:
    """A detector that takes what is brighter in the middle than at the borders for fake."""
    middles = np.asarray([pixels[20:44, 20:44].mean() - pixels.mean() for pixels in pictures])
    return 1 / (1 + np.exp(-middles / 10))


def target(score: object = bright) -> Target:
    return Target(score, 0.5, lambda images: images)  # type: ignore[arg-type]


def test_the_kind_that_is_found_scores_lower_and_still_changes_faces() -> None:
    found = search(target(), PHOTOS, EFFORT)
    assert found.after < found.before and found.change >= LEAST_CHANGE
    assert all(getattr(PAPER, name)[0] <= getattr(found.ranges, name)[0] for name in SPANS), "within the paper's"
    assert all(getattr(found.ranges, name)[1] <= getattr(PAPER, name)[1] + 1e-9 for name in SPANS)


def test_it_carries_over_to_photos_and_seeds_it_was_not_searched_on() -> None:
    ranges = search(target(), PHOTOS, EFFORT).ranges
    others = to_float(np.stack([photo(90 + i, width=64, height=64) for i in range(6)]))
    found, plain = (bright(list(to_uint8(SelfBlend(of).forge(others, seed=5).images))) for of in (ranges, PAPER))
    assert found.mean() < plain.mean()


@pytest.mark.parametrize("n_queries", [1, 13, 60])
def test_it_never_asks_for_more_than_it_may(n_queries: int) -> None:
    asked: list[Pixels] = []

    def counting(pictures: Sequence[Pixels]) -> NDArray[np.float64]:
        asked.extend(pictures)
        return bright(pictures)

    found = search(target(counting), PHOTOS, Effort(n_queries=n_queries))
    assert len(asked) == found.n_queries <= n_queries


def test_a_detector_that_sees_nothing_leaves_the_kind_of_the_paper() -> None:
    assert search(target(lambda pictures: np.full(len(pictures), 0.5)), PHOTOS, EFFORT).ranges == PAPER


def test_what_was_found_is_kept_and_forges_the_same_again(tmp_path: Path) -> None:
    attack = SelfBlendSearch()
    said = attack.tune(target(), PHOTOS, tmp_path, EFFORT)
    assert attack.tune(target(lambda pictures: 1 / 0), PHOTOS, tmp_path, EFFORT) == said, "not searched again"
    found, again = (attack.forge(target(), PHOTOS, tmp_path, EFFORT, seed=7) for _ in range(2))
    assert all((a == b).all() for a, b in zip(found.fakes, again.fakes, strict=True))
    plain = to_uint8(SelfBlend().forge(to_float(np.stack(PHOTOS)), seed=7).images)
    assert (np.stack(found.plain) == plain).all() and (np.stack(found.fakes) != plain).any()
    assert bright(found.fakes).mean() < bright(found.plain).mean()


def test_bad_input_is_told_in_one_line(tmp_path: Path) -> None:
    attack = SelfBlendSearch()
    with pytest.raises(ValueError, match="needs photos"):
        attack.tune(target(), [], tmp_path, EFFORT)
    with pytest.raises(FileNotFoundError):
        attack.forge(target(), PHOTOS, tmp_path, EFFORT, seed=1)
    for damaged in ("{", "[]", json.dumps({"ranges": {}})):
        (tmp_path / blending.FILE).write_text(damaged)
        with pytest.raises(ValueError, match="holds no kind of self-blend"):
            attack.forge(target(), PHOTOS, tmp_path, EFFORT, seed=1)
