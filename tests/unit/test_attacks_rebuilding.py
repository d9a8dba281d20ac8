"""The networks that rebuild photos as attacks, on small photos and against a detector that dislikes red."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from detectors.attacks.base import Effort, Forged  # noqa: E402
from detectors.attacks.rebuilding import RebuildingAttack, Reconstruct, Superres  # noqa: E402
from generators.catalog import GENERATORS  # noqa: E402
from generators.images import Pixels, to_float, to_uint8  # noqa: E402
from tests.make_attacks import red_score, red_target  # noqa: E402
from tests.make_media import photo  # noqa: E402

EFFORT = Effort(n_steps=12, batch_size=2)
KINDS = [Reconstruct, Superres]


def photos(first: int = 0, n: int = 3) -> list[Pixels]:
    return [photo(first + i, width=48, height=48) for i in range(n)]


def forged(kind: type[RebuildingAttack], folder: Path, *, tuned: bool = True, seed: int = 7) -> Forged:
    if tuned:
        kind().tune(red_target(), photos(), folder, EFFORT)
    return kind().forge(red_target(), photos(50), folder, EFFORT, seed=seed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tuned_network_gets_past_on_photos_it_was_not_tuned_on(kind: type[RebuildingAttack], tmp_path: Path) -> None:
    found = forged(kind, tmp_path)
    assert red_score(found.fakes).mean() < red_score(found.plain).mean() - 0.05
    differences = [np.abs(a.astype(int) - b).mean() for a, b in zip(found.fakes, photos(50), strict=True)]
    assert max(differences) < 40, "it still rebuilds the photo"


@pytest.mark.parametrize("kind", KINDS)
def test_plain_fakes_are_those_of_the_shipped_generator(kind: type[RebuildingAttack], tmp_path: Path) -> None:
    found = forged(kind, tmp_path)
    shipped = GENERATORS.load(kind.generator)().forge(to_float(np.stack(photos(50))), seed=7)
    assert (np.stack(found.plain) == to_uint8(shipped.images)).all()


def test_fakes_follow_from_seed_and_tuned_weights(tmp_path: Path) -> None:
    found, again = forged(Reconstruct, tmp_path), forged(Reconstruct, tmp_path, tuned=False)
    assert all((a == b).all() for a, b in zip(found.fakes, again.fakes, strict=True))
    other = forged(Reconstruct, tmp_path, tuned=False, seed=8)
    assert (found.fakes[0] != other.fakes[0]).any()


def test_weights_written_anew_are_read_anew(tmp_path: Path) -> None:
    first = forged(Superres, tmp_path)
    Superres().tune(red_target(), photos(), tmp_path, Effort(n_steps=20, batch_size=2))
    assert (forged(Superres, tmp_path, tuned=False).fakes[0] != first.fakes[0]).any()


def test_photos_that_will_not_do_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs photos"):
        Reconstruct().tune(red_target(), [], tmp_path, EFFORT)
    with pytest.raises(ValueError, match="one size"):
        Reconstruct().tune(red_target(), [*photos(n=1), photo(1, width=64, height=48)], tmp_path, EFFORT)
