"""The search for a wash: it lowers scores, leaves the picture, keeps to its queries; and the measures it rests on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.attacks import laundering
from detectors.attacks.base import Effort, Target
from detectors.attacks.laundering import FLOOR, Laundering, search
from detectors.attacks.likeness import Likeness, likeness, structure
from detectors.attacks.washes import drawn, from_json, to_json, varied, washed, words
from generators.images import Pixels
from tests.make_media import photo

FAKES = [photo(i, width=96, height=64) for i in range(6)]
EFFORT = Effort(n_queries=60, seed=1)


class Asked:
    """A detector that takes fine detail for fake, and counts what it is asked."""

    def __init__(self) -> None:
        self.pictures: list[Pixels] = []

    def __call__(self, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
        self.pictures += pictures
        detail = [np.abs(np.diff(pixels.astype(float), axis=1)).mean() for pixels in pictures]
        return 1 / (1 + np.exp(4 - np.asarray(detail)))


def target(score: Asked) -> Target:
    def no_gradients(images: object) -> object:
        raise AssertionError("a black-box attack takes no gradients")

    return Target(score, 0.5, no_gradients)  # type: ignore[arg-type]


class Reversed(Laundering):
    """Mirrored photos stand for fakes: nothing is drawn by a network."""

    name = "reversed"
    generator = "none"
    side_px = 64


@pytest.fixture
def attack(monkeypatch: pytest.MonkeyPatch) -> Laundering:
    def mirrored(generator: str, photos: Sequence[Pixels], *, seed: int) -> object:
        return tuple(np.ascontiguousarray(p[:, ::-1]) for p in photos), ("mirrored",) * len(photos)

    monkeypatch.setattr(laundering, "plain_fakes", mirrored)
    return Reversed()


def test_the_wash_that_is_found_lowers_the_scores_and_leaves_the_picture() -> None:
    found = search(target(Asked()), FAKES, EFFORT)
    assert found.after < found.before - 0.5
    probes = FAKES[:5]
    likes = [likeness(washed(found.wash, pixels, i), pixels) for i, pixels in enumerate(probes)]
    assert np.mean([like.psnr_db for like in likes]) >= FLOOR.psnr_db
    assert np.mean([like.structure for like in likes]) >= FLOOR.structure


@pytest.mark.parametrize("n_queries", [1, 7, 60, 130])
def test_it_never_asks_for_more_than_it_may(n_queries: int) -> None:
    asked = Asked()
    found = search(target(asked), FAKES, Effort(n_queries=n_queries))
    assert len(asked.pictures) == found.n_queries <= n_queries


def test_no_picture_under_the_floor_is_ever_put_to_the_detector() -> None:
    asked = Asked()
    search(target(asked), FAKES, EFFORT)
    rounds = [asked.pictures[i : i + 5] for i in range(0, len(asked.pictures), 5)]
    for pictures in rounds:
        assert np.mean([structure(a, b) for a, b in zip(pictures, FAKES, strict=False)]) >= FLOOR.structure


def test_more_queries_find_no_worse_a_wash() -> None:
    few, many = (search(target(Asked()), FAKES, Effort(n_queries=n, seed=1)) for n in (60, 400))
    assert many.after <= few.after


def test_where_no_wash_helps_the_fake_stays_as_it_is() -> None:
    def sure(pictures: Sequence[Pixels]) -> NDArray[np.float64]:
        return np.full(len(pictures), 0.9)

    found = search(Target(sure, 0.5, lambda images: images), FAKES, EFFORT)
    assert found.wash == () and (washed(found.wash, FAKES[0], 0) == FAKES[0]).all()


def test_same_seed_same_wash_and_another_seed_another() -> None:
    first, again, other = (search(target(Asked()), FAKES, Effort(n_queries=60, seed=seed)) for seed in (1, 1, 2))
    assert first == again and first.wash != other.wash


def test_what_was_found_is_kept_and_applied(attack: Laundering, tmp_path: Path) -> None:
    said = attack.tune(target(Asked()), FAKES, tmp_path, EFFORT)
    assert "queries" in said and "dB" in said
    asked = Asked()
    assert attack.tune(target(asked), FAKES, tmp_path, EFFORT) == said and not asked.pictures, "not searched again"
    wash = from_json(json.loads((tmp_path / laundering.FILE).read_text())["wash"])
    found = attack.forge(target(asked), FAKES, tmp_path, EFFORT, seed=9)
    for i, (fake, plain) in enumerate(zip(found.fakes, found.plain, strict=True)):
        assert fake.shape == plain.shape and (fake == washed(wash, plain, 9 + i)).all()
    assert all(words(wash) in recipe for recipe in found.recipes)
    assert (Asked()(found.fakes) < Asked()(found.plain)).all()


def test_scores_that_are_no_numbers_and_damaged_files_are_told_in_one_line(attack: Laundering, tmp_path: Path) -> None:
    broken = Target(lambda pictures: np.full(len(pictures), np.nan), 0.5, lambda images: images)
    with pytest.raises(ValueError, match="scores from 0 to 1"):
        attack.tune(broken, FAKES, tmp_path, EFFORT)
    assert not list(tmp_path.iterdir()), "nothing half done stays"
    with pytest.raises(FileNotFoundError):
        attack.forge(target(Asked()), FAKES, tmp_path, EFFORT, seed=1)
    (tmp_path / laundering.FILE).write_text("{}")
    with pytest.raises(ValueError, match="holds no wash"):
        attack.forge(target(Asked()), FAKES, tmp_path, EFFORT, seed=1)
    with pytest.raises(ValueError, match="needs fakes"):
        search(target(Asked()), [], EFFORT)


def test_washes_survive_json_and_keep_the_size() -> None:
    rng = np.random.default_rng(4)
    for _ in range(30):
        wash = varied(drawn(rng), rng)
        assert from_json(json.loads(json.dumps(to_json(wash)))) == wash
        assert washed(wash, FAKES[0], 1).shape == FAKES[0].shape


def test_noise_is_of_the_picture_and_its_seed() -> None:
    wash = from_json([{"step": "noise", "sigma": 3.0, "seed": 0}])
    assert (washed(wash, FAKES[0], 1) == washed(wash, FAKES[0], 1)).all()
    assert (washed(wash, FAKES[0], 1) != washed(wash, FAKES[0], 2)).any()


def test_structure_is_that_of_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics", reason="needs the extra 'test'")
    import cv2

    rng = np.random.default_rng(5)
    noisy = np.clip(FAKES[0] + rng.normal(0, 12, FAKES[0].shape), 0, 255).astype(np.uint8)
    luma = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (noisy, FAKES[0])]
    wanted = metrics.structural_similarity(
        *luma, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert structure(noisy, FAKES[0]) == pytest.approx(wanted, abs=1e-6)
    assert likeness(noisy, FAKES[0]).psnr_db == pytest.approx(metrics.peak_signal_noise_ratio(FAKES[0], noisy))


def test_a_picture_is_wholly_like_itself_and_only_like_one_of_its_size() -> None:
    assert likeness(FAKES[0], FAKES[0]) == Likeness(100.0, pytest.approx(1.0))
    with pytest.raises(ValueError, match="one size"):
        likeness(FAKES[0], FAKES[0][:, :64])
