"""New kinds that cannot be learned without forgetting are left for later, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from detectors.race.defence import Linear, Standard, learn
from detectors.race.gathering import NEW, OLD, PHOTOS, Block
from detectors.race.selecting import Held, select

D = 6
STANDING = Linear(np.array([4, 0, 0, 0, 0, 0], np.float32), -4.0)
"""Knows that the first feature is high in fakes."""


def rows(n: int, seed: int, **high: float) -> np.ndarray:  # type: ignore[type-arg]
    """(n, D) of noise, with the named features ("f0") raised."""
    found = np.random.default_rng(seed).normal(0, 0.3, (n, D)).astype(np.float32)
    for name, value in high.items():
        found[:, int(name[1:])] += np.float32(value)
    return found


def block(name: str, role: str, features: np.ndarray, label: int) -> Block:  # type: ignore[type-arg]
    """Of one view."""
    n = len(features)
    return Block(name, role, features[:, None], np.full(n, label), (name,) * n, ("-",) * n, Path("-"))


PHOTOS_ = block("photos", PHOTOS, rows(60, 1), 0)
KNOWN = block("known", OLD, rows(40, 2, f0=2), 1)
EASY = block("easy", NEW, rows(40, 3, f1=2), 1)
COSTLY = block("costly", NEW, rows(40, 4, f0=-2), 1)
"""The opposite of what is known: whoever learns it with a line unlearns the other."""

EARLIER = {"known": Held(rows(40, 5, f0=2), rows(60, 6))}
NEWER = {"easy": Held(rows(40, 10, f1=2), rows(60, 6)), "costly": Held(rows(40, 11, f0=-2), rows(60, 6))}


def fit(blocks: Sequence[Block]) -> Linear:
    """Without memory: the worst case."""
    used = [b for b in blocks if b.role != OLD]
    features = np.concatenate([b.features[:, 0] for b in used])
    labels = np.concatenate([b.labels for b in used]).astype(np.float64)
    standard = Standard(np.zeros(D, np.float32), np.ones(D, np.float32))
    return learn(STANDING, features, labels, np.ones(len(labels)), standard, strength=0.01)


def test_what_costs_earlier_kinds_is_left_and_what_does_not_is_learned() -> None:
    found = select([PHOTOS_, KNOWN, EASY, COSTLY], fit, STANDING, EARLIER, NEWER, allowed=0.01)
    assert found.left == ("costly",)
    assert found.cost <= 0.01
    assert Held(rows(40, 7, f1=2), rows(60, 8)).auroc(found.reading) > 0.9


def test_where_nothing_is_lost_nothing_is_left() -> None:
    found = select([PHOTOS_, KNOWN, EASY], fit, STANDING, EARLIER, {"easy": NEWER["easy"]}, allowed=0.01)
    assert found.left == ()


def test_without_earlier_kinds_everything_is_learned() -> None:
    found = select([PHOTOS_, EASY, COSTLY], fit, STANDING, {}, NEWER, allowed=0.0)
    assert found.left == () and found.cost == 0.0


def test_half_of_the_new_kinds_are_learned_whatever_they_cost() -> None:
    twin = block("costly too", NEW, rows(40, 9, f0=-2), 1)
    both = {"costly": NEWER["costly"], "costly too": NEWER["costly"]}
    found = select([PHOTOS_, KNOWN, COSTLY, twin], fit, STANDING, EARLIER, both, allowed=0.0)
    assert len(found.left) <= 1


def test_what_may_not_be_left_is_learned() -> None:
    found = select([PHOTOS_, KNOWN, EASY, COSTLY], fit, STANDING, EARLIER, {"easy": NEWER["easy"]}, allowed=0.0)
    assert "costly" not in found.left
    assert found.cost > 0.1


def test_of_two_that_cost_the_one_that_cannot_be_learned_anyway_is_left_first() -> None:
    hopeless = block("hopeless", NEW, rows(40, 12), 1)
    newer = NEWER | {"hopeless": Held(rows(40, 13), rows(60, 6)), "costly": Held(rows(40, 11, f0=-2), rows(60, 6))}

    def costs_both(blocks: Sequence[Block]) -> Linear:
        names = {b.name for b in blocks}
        away = 3.0 * ("hopeless" in names) + 3.0 * ("costly" in names)
        return Linear(np.array([4 - away, 4.0 * ("costly" in names), 0, 0, 0, 0], np.float32), -4.0)

    learnable = Held(rows(40, 14, f1=2), rows(60, 6))
    found = select([hopeless, COSTLY], costs_both, STANDING, EARLIER, newer | {"costly": learnable}, allowed=0.0)
    assert found.left == ("hopeless",)


def test_telling_a_kind_is_a_matter_of_its_own_photos() -> None:
    assert Held(rows(40, 1, f0=2), rows(40, 2)).auroc(STANDING) == pytest.approx(1.0, abs=0.01)
    assert Held(rows(40, 1, f0=2), rows(40, 2, f0=4)).auroc(STANDING) < 0.1
