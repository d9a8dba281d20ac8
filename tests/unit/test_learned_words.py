"""What a stranger reads of a trained detector: what a picture is taken for, what it is like, and where to look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors.base import Neighbour
from detectors.data import Example
from detectors.neighbours import Origins, neighbourhood
from forensics.analyzers.learned_places import LEAST, N_PATCHES, top_patches
from forensics.analyzers.learned_words import (
    card_rows,
    label_rows,
    neighbour_rows,
    rarity,
    sought,
    taken_for,
    threshold_rows,
)
from generators.weights import ModelCard

CARD = ModelCard("x", "1", "a task", claim="synthetic", sets={"0.05": (0.2, 0.8)})


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (0.9, "takes this for a fake, as it does at most 1 in 20 real photos"),
        (0.1, "takes this for a photo, as it does at most 1 in 20 fakes"),
        (0.5, "inconclusive: to take it for either, more than 1 in 20"),
    ],
)
def test_a_label_comes_with_the_share_of_errors_it_was_promised_with(score: float, words: str) -> None:
    assert words in taken_for(CARD, score)
    assert dict(label_rows(CARD, score))["taken for"].endswith(
        "(at most 1 in 20 of either kind is taken for the other)"
    )


def test_a_whole_clip_is_told_from_real_clips_and_not_from_photos() -> None:
    card = replace(CARD, thresholds={"0.05": 0.7})
    for score in (0.9, 0.1):
        said = taken_for(card, score, whole_clip=True) + rarity(card, score, whole_clip=True)
        assert "real clip" in said and "photo" not in said
    assert dict(label_rows(card, 0.1, whole_clip=True))["taken for"].startswith("real clip (at most 1 in 20")


@pytest.mark.parametrize(
    ("n_reals", "score", "words"),
    [
        (0, 0.9, ", which at most 1 of 100 real photos reach"),
        (2470, 0.9, ", which at most 1 of 100 real photos reach (counted on 2,470)"),
        (2470, 0.75, ", which 1 to 5 of 100 real photos reach (counted on 2,470)"),
        (2470, 0.1, ", which more than 5 of 100 real photos reach (counted on 2,470)"),
        (
            44, 0.9,
            ", which at most 1 of 100 real photos reach (counted on 44; sure is only that no more than 6.6 of 100 do)",
        ),
        (
            44, 0.75,
            ", which at most 5 of 100 real photos reach (counted on 44; sure is only that no more than 13.7 of 100 do)",
        ),
        (44, 0.1, ", which more than 5 of 100 real photos reach (counted on 44)"),
        (12, 0.1, ""),
    ],
)  # fmt: skip
def test_how_rare_a_score_is_comes_with_the_reals_it_was_counted_on(n_reals: int, score: float, words: str) -> None:
    assert rarity(replace(CARD, thresholds={"0.01": 0.8, "0.05": 0.7}, n_reals=n_reals), score) == words


def test_every_threshold_says_what_it_rests_on() -> None:
    card = replace(CARD, thresholds={"0.01": 0.8, "0.05": 0.7}, n_reals=44)
    found, sure = dict(threshold_rows(card, whole_clip=True)), "with 95 % confidence no more than"
    few = "rests on 44 real clips, too few to tell so small a share"
    assert found["threshold for 1 of 100"] == f"0.8; {few}; {sure} 6.6 of 100 reach it"
    assert found["threshold for 5 of 100"] == f"0.7; rests on 44 real clips; {sure} 13.7 of 100 reach it"
    assert next(iter(threshold_rows(replace(card, n_reals=0)))) == ("threshold for 1 of 100", "0.8")
    assert "threshold for 1 of 100" in dict(card_rows(card))


def test_a_card_without_a_promise_makes_none() -> None:
    bare = replace(CARD, sets={})
    assert taken_for(bare, 0.9) == "" and not list(label_rows(bare, 0.9))


def test_a_card_that_says_what_it_looks_for_is_taken_at_its_word() -> None:
    card = replace(CARD, claim="manipulated", says="perturbed to fool a detector", thresholds={"0.01": 0.7})
    assert sought(card, "manipulated") == card.says and sought(CARD, "made by a machine") == "made by a machine"
    for score, answer in ((0.9, "yes"), (0.1, "no"), (0.5, "undecided")):
        said = taken_for(card, score) + rarity(card, score)
        assert "fake" not in said and "photo" not in said
        assert dict(label_rows(card, score))["taken for"].startswith(f"{answer} (at most 1 in 20")


def test_neighbours_are_named_by_what_they_are() -> None:
    near = (Neighbour(True, "some/project", "paint-1", 1.23), Neighbour(False, "a/camera", "-", 4.0))
    assert list(neighbour_rows(near)) == [
        ("training picture 1 in nearness", "fake, paint-1, from some/project, distance 1.2"),
        ("training picture 2 in nearness", "photo, from a/camera, distance 4.0"),
    ]


def test_the_nearest_training_pictures_come_first_and_each_once() -> None:
    rng = np.random.default_rng(0)
    examples = [Example(Path(__file__), i % 2, f"source {i % 7}", f"paint-{i}" if i % 2 else "-") for i in range(60)]
    features = rng.normal(0, 1, (120, 80)).astype(np.float32)
    features[1::2] = features[::2] + 0.01 * rng.normal(0, 1, (60, 80))  # a second view of each
    near = neighbourhood(features, [e.source for e in examples for _ in range(2)])
    mean, found = near.around(features[6])
    assert found == () and mean > 0
    origins = Origins.known(examples)
    written = origins.tensors()
    assert sum(tensor.nbytes for tensor in written.values()) < 3000 and written["origin_of"].dtype == np.uint8
    kept = replace(near, origins=Origins.read(written))
    assert kept.around(features[6])[0] == mean
    found = kept.around(features[6])[1]
    assert (found[0].is_fake, found[0].source, found[0].generator) == (True, "source 3", "paint-3")
    assert len(found) == 5 and [n.distance for n in found] == sorted(n.distance for n in found)
    assert found[0].distance < 0.1 < found[1].distance
    assert len({(n.source, n.generator) for n in found if n.is_fake}) == sum(n.is_fake for n in found)


def test_the_hottest_patch_is_pointed_at_where_it_lies() -> None:
    heat = np.zeros((28, 56), np.float32)
    heat[7:14, 35:42] = 0.9
    (region,) = top_patches(heat, (1120, 560), "looks made by a machine")
    assert (region.x, region.y, region.width, region.height) == (700, 140, 140, 140)
    assert region.score == pytest.approx(0.9) and region.label == "looks made by a machine"


@pytest.mark.parametrize("size", [(1120, 560), (333, 1000), (64, 64), (20, 400)])
def test_patches_lie_inside_do_not_touch_and_are_few(size: tuple[int, int]) -> None:
    heat = np.random.default_rng(1).uniform(
        0.4, 1, (round(56 * size[1] / max(size)) or 1, round(56 * size[0] / max(size)) or 1)
    )
    found = top_patches(heat.astype(np.float32), size, "hot")
    assert 0 < len(found) <= N_PATCHES and [r.score for r in found] == sorted(
        (r.score or 0 for r in found), reverse=True
    )
    for region in found:
        assert region.x + region.width <= size[0] and region.y + region.height <= size[1]
    for one, other in [(a, b) for i, a in enumerate(found) for b in found[i + 1 :]]:
        apart = (one.x >= other.x + other.width, other.x >= one.x + one.width)
        below = (one.y >= other.y + other.height, other.y >= one.y + one.height)
        assert any(apart) or any(below)


def test_a_cool_map_points_nowhere() -> None:
    assert top_patches(np.full((14, 14), LEAST - 0.1, np.float32), (100, 100), "hot") == ()
