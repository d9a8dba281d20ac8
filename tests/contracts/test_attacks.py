"""Whatever attack is installed keeps what `detectors.attacks.base.Attack` promises; a new one needs no new test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from detectors.attacks.base import Attack, Effort, Forged, Target  # noqa: E402
from detectors.attacks.catalog import ATTACKS  # noqa: E402
from generators.catalog import GENERATORS  # noqa: E402
from generators.images import Pixels  # noqa: E402
from tests.contracts.test_catalogues import is_a_plain_sentence, missing_extra_skips  # noqa: E402
from tests.make_attacks import red_score, redness  # noqa: E402
from tests.make_media import photo  # noqa: E402

EFFORT = Effort(n_steps=2, n_queries=14, batch_size=2, seed=1)
N_FAKES = 3


class Watched:
    """A detector that takes red for fake and knows what it was asked for."""

    def __init__(self) -> None:
        self.n_scores = self.n_gradients = 0

    def score(self, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
        self.n_scores += len(pictures)
        return red_score(pictures)

    def critic(self, images: torch.Tensor) -> torch.Tensor:
        self.n_gradients += 1
        return redness(images)

    @property
    def target(self) -> Target:
        return Target(self.score, 0.5, self.critic, transfer=redness)


def photos(attack: Attack, first: int) -> list[Pixels]:
    return [photo(first + i, width=attack.side_px, height=attack.side_px) for i in range(N_FAKES)]


def tuned(name: str, folder: Path, target: Target | None = None) -> Attack:
    attack = ATTACKS.load(name)()
    attack.tune(target or Watched().target, photos(attack, 0), folder, EFFORT)
    return attack


def forged(attack: Attack, folder: Path, sources: Sequence[Pixels], seed: int) -> Forged:
    return attack.forge(Watched().target, sources, folder, EFFORT, seed=seed)


@pytest.mark.parametrize("name", ATTACKS.names())
def test_every_attack_says_what_it_is(name: str) -> None:
    with missing_extra_skips():
        kind = ATTACKS.load(name)
        assert kind.name == name and is_a_plain_sentence(kind.about)
        assert kind.generator == "" or kind.generator in GENERATORS.names()
        assert kind.side_px >= 64, "smaller pictures no detector judges"
        assert isinstance(kind.white_box, bool) and isinstance(kind.needs_faces, bool)


@pytest.mark.parametrize("name", ATTACKS.names())
def test_every_attack_makes_one_fake_a_photo_and_its_plain_twin_beside_it(name: str, tmp_path: Path) -> None:
    with missing_extra_skips():
        attack = tuned(name, tmp_path)
        sources = photos(attack, 50)
        kept = [pixels.copy() for pixels in sources]
        found = forged(attack, tmp_path, sources, 70)
        assert len(found.fakes) == N_FAKES and all(found.recipes)
        for fake, plain in zip(found.fakes, found.plain, strict=True):
            assert fake.shape == plain.shape == (attack.side_px, attack.side_px, 3)
            assert fake.dtype == plain.dtype == np.uint8
        assert all((a == b).all() for a, b in zip(kept, sources, strict=True)), "photos are left as they are"
        assert len(forged(attack, tmp_path, [], 70).fakes) == 0


@pytest.mark.parametrize("name", ATTACKS.names())
def test_every_fake_follows_from_its_photo_its_seed_and_what_was_tuned(name: str, tmp_path: Path) -> None:
    with missing_extra_skips():
        attack = tuned(name, tmp_path)
        sources = photos(attack, 50)
        found, again = (forged(ATTACKS.load(name)(), tmp_path, sources, 70) for _ in range(2))
        assert all((a == b).all() for a, b in zip(found.fakes + found.plain, again.fakes + again.plain, strict=True))
        alone = forged(attack, tmp_path, sources[1:2], 71)
        for whole, own in ((found.fakes[1], alone.fakes[0]), (found.plain[1], alone.plain[0])):
            assert np.abs(whole.astype(int) - own).max() <= 1
        others = forged(attack, tmp_path, sources, 90).fakes
        assert any((a != b).any() for a, b in zip(found.fakes, others, strict=True)), "the seed counts"


@pytest.mark.parametrize("name", ATTACKS.names())
def test_every_attack_uses_what_it_may_and_leaves_all_random_state_alone(name: str, tmp_path: Path) -> None:
    with missing_extra_skips():
        watched = Watched()
        numpy_state, torch_state = np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
        attack = tuned(name, tmp_path, watched.target)
        assert watched.n_scores <= EFFORT.n_queries
        watched.n_scores = 0
        attack.forge(watched.target, photos(attack, 50), tmp_path, EFFORT, seed=70)
        assert watched.n_scores <= EFFORT.n_queries * N_FAKES
        assert attack.white_box or watched.n_gradients == 0, "a black-box attack takes no gradients"
        assert np.random.get_state()[1].tolist() == numpy_state  # noqa: NPY002
        assert torch.equal(torch.get_rng_state(), torch_state)


def test_listing_attacks_imports_no_heavy_library() -> None:
    import subprocess
    import sys

    code = "import sys; from detectors.attacks.catalog import ATTACKS; ATTACKS.names(); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "cv2", "onnxruntime", "art"} & set(found)
