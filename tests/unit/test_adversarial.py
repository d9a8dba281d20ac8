"""Planted: pictures perturbed along the gradient of a toy reading, beside themselves untouched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from detectors.adversarial import A_CLIP, TOO_SMALL, Adversarial, TowerRead
from detectors.adversarial_features import GROUPS, N_FEATURES, N_READINGS, SMALL_PX, features
from detectors.adversarial_pairs import SHARES, CriticMaker, make_pair
from detectors.adversarial_training import SAYS, AdversarialSettings, train_adversarial, usable_pictures
from detectors.attacks.gradient import perturb
from detectors.data import Example
from detectors.probe import Probe
from detectors.residual_histograms import N_HISTOGRAMS, histograms
from detectors.synthetic import UNLIKE
from detectors.token_features import N_FEATURES as N_TOKEN_FEATURES
from detectors.vision_tower import SIDE_PX
from generators.images import Pixels, to_float

WAVE = np.random.default_rng(0).standard_normal((3, 28, 28)).repeat(8, 1).repeat(8, 2).astype(np.float32)
"""(3, SIDE_PX, SIDE_PX): what the toy reading looks for, in cells of 8 pixels and finer grain."""
FINE = np.random.default_rng(1).standard_normal((3, SIDE_PX, SIDE_PX)).astype(np.float32) / 100
LINE = torch.from_numpy(WAVE / 400 + FINE)


def critic(images: torch.Tensor) -> torch.Tensor:
    size = (SIDE_PX, SIDE_PX)
    small = images if images.shape[2:] == size else torch.nn.functional.interpolate(images, size, mode="bilinear")
    return ((small - 0.5) * LINE).sum((1, 2, 3))


def read(pixels: np.ndarray) -> np.ndarray:
    return critic(torch.from_numpy(to_float(pixels))).double().numpy().repeat(N_READINGS)


def makers() -> Mapping[str, CriticMaker]:
    return dict.fromkeys(SHARES, lambda draws, pixels: critic)


def photo(seed: int, side_px: int = 96) -> Pixels:
    """Soft shapes with sensor-like noise of a level of its own."""
    draws = np.random.default_rng(seed)
    shapes = cv2.resize(draws.uniform(30, 220, (6, 6, 3)).astype(np.float32), (side_px, side_px))
    noise = cv2.GaussianBlur(draws.normal(0, draws.uniform(1, 6), (side_px, side_px, 3)), (0, 0), 0.7)
    return np.asarray(np.clip(shapes + noise, 0, 255), np.uint8)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights trained on 40 drawn photos of 8 sources."""
    folder = tmp_path_factory.mktemp("adversarial")
    examples = []
    for i in range(40):
        Image.fromarray(photo(i)).save(path := folder / f"{i}.png")
        examples.append(Example(path, i % 2, f"source {i % 8}"))
    card = train_adversarial(examples, folder / "zoo", cache=folder / "cache", read=read, makers=makers)
    again = train_adversarial(examples, folder / "again", cache=folder / "cache", read=_unasked, makers=_unasked)
    assert card == again  # from the cache alone
    return folder / "zoo"


def _unasked(*_: object) -> Any:
    raise AssertionError("what was kept is not made again")


def test_a_planted_perturbation_is_found_and_the_clean_picture_is_quiet(zoo: Path) -> None:
    detector = Adversarial(zoo, read)
    clean = [photo(seed) for seed in range(100, 110)]
    perturbed = perturb(critic, clean, 6 / 255, 6, 0)
    before, after = detector.score(clean), detector.score(perturbed)
    assert before.llr is not None and after.llr is not None
    assert (after.fake > before.fake).mean() >= 0.9
    assert np.median(after.fake) > 0.7 and np.median(before.fake) < 0.3
    bar = detector.card.thresholds["0.05"]
    assert (before.fake >= bar).sum() <= 2 and (after.fake >= bar).sum() >= 5


def test_the_card_says_what_was_held_out_and_what_it_looks_for(zoo: Path) -> None:
    card = Adversarial(zoo, read).card
    assert card.claim == "manipulated" and card.says == SAYS
    measures = card.measures
    assert "patch, never learned from, held-out sources, AUROC" in measures
    assert "network, never learned from, held-out sources, n" in measures
    assert measures["held-out sources, q75, AUROC"] <= measures["held-out sources, original, AUROC"]
    llr = Adversarial(zoo, read).score(perturb(critic, [photo(7)], 16 / 255, 6, 0)).llr
    assert llr is not None and llr[0] <= AdversarialSettings().most_llr
    assert set(card.thresholds) == {"0.01", "0.05"} and card.sets
    assert card.n_reals == 32, "clean photos and clean fakes alike, four of each of eight sources"


def test_bars_rest_on_pictures_as_they_come_as_well_and_nothing_is_fitted_to_those(tmp_path: Path) -> None:
    examples = []
    for i in range(40):
        Image.fromarray(photo(i)).save(path := tmp_path / f"{i}.png")
        examples.append(Example(path, i % 2, f"source {i % 8}"))
    few, all_ = AdversarialSettings(most=3), AdversarialSettings(most=3, alone=5)
    alone = usable_pictures(examples, all_)[24:]
    assert len(alone) == 16 and usable_pictures(examples, all_)[:24] == usable_pictures(examples, few)
    rough = {e.path: perturb(critic, [photo(int(e.path.stem))], 6 / 255, 6, 0)[0] for e in alone}
    for path, pixels in rough.items():  # what comes looks like what was perturbed, and is clean
        Image.fromarray(pixels).save(path)
    detectors = []
    for zoo, settings in ((tmp_path / "few", few), (tmp_path / "all", all_)):
        train_adversarial(examples, zoo, settings, cache=tmp_path / "cache", read=read, makers=makers)
        detectors.append(Adversarial(zoo, read))
    over = [(d.score(list(rough.values())).fake >= d.card.thresholds["0.05"]).mean() for d in detectors]
    assert over[0] > 0.9 and over[1] < 0.7, "after washes, where bars are set, they look less like it"
    lines = [d._reading.weights / np.linalg.norm(d._reading.weights) for d in detectors]
    assert lines[0] == pytest.approx(lines[1], abs=1e-5)
    assert sum(detectors[1].card.data.values()) == 40 and sum(detectors[0].card.data.values()) == 24


def test_what_is_too_small_or_unlike_anything_learned_is_not_judged(zoo: Path) -> None:
    stripes = np.zeros((96, 96, 3), np.uint8)
    stripes[::2] = 255
    scores = Adversarial(zoo, read).score([photo(1, 40), stripes, photo(2)])
    assert scores.reasons == (TOO_SMALL, UNLIKE, None)
    assert scores.llr is not None and (scores.llr[:2] == 0).all()


def test_no_frame_of_a_clip_is_looked_at(zoo: Path) -> None:
    scores = Adversarial(zoo, _unasked).score_clip([photo(1), photo(2)])
    assert scores.reasons == (A_CLIP,) and scores.llr is not None and scores.llr[0] == 0


def test_the_readings_whose_gaps_are_looked_at_come_back_from_what_a_file_keeps_of_them() -> None:
    weights = np.random.default_rng(2).normal(0, 1, (N_READINGS, N_TOKEN_FEATURES)).astype(np.float32)
    made = TowerRead([Probe(line, bias) for line, bias in zip(weights, (0.25, -3.0), strict=True)])
    kept = TowerRead.kept(made.tensors)
    assert len({tensor.shape for tensor in made.tensors.values()}) == 2 == N_READINGS
    for side_px in (SIDE_PX, SMALL_PX):
        pixels = cv2.resize(photo(1), (side_px, side_px))[None]
        first, second = made(pixels)
        assert first != second and kept(pixels).tolist() == [first, second]


def test_both_of_a_pair_are_of_one_size_and_differ_by_no_more_than_epsilon() -> None:
    kinds = set()
    for seed in range(30):
        pair = make_pair(makers(), photo(seed), f"{seed}.png", is_fake=bool(seed % 2), seed=1)
        kinds.add(pair.kind)
        change = np.abs(pair.perturbed.astype(int) - pair.clean)
        assert pair.perturbed.shape == pair.clean.shape and 0 < change.max() <= pair.epsilon
        if pair.kind == "patch":
            rows, columns = np.nonzero(change.any(axis=2))
            assert max(np.ptp(rows), np.ptp(columns)) < 0.3 * min(pair.clean.shape[:2])
        else:
            way = critic(torch.from_numpy(to_float(pair.perturbed))) - critic(torch.from_numpy(to_float(pair.clean)))
            assert (float(way) < 0) == bool(seed % 2)
    assert kinds == set(SHARES)


def test_a_pair_depends_on_the_name_and_the_seed_alone() -> None:
    pairs = [make_pair(makers(), photo(3), name, is_fake=True, seed=1) for name in ("a.png", "a.png", "b.png")]
    assert np.array_equal(pairs[0].perturbed, pairs[1].perturbed)
    assert not np.array_equal(pairs[0].perturbed, pairs[2].perturbed)


def test_histograms_count_every_triple_once_and_do_not_mind_a_mirror() -> None:
    pixels = photo(4)
    found = histograms(pixels)
    assert found.shape == (N_HISTOGRAMS,) and found.dtype == np.float32
    per_step = 39  # triples of 5 levels, up to sign and direction: (125 + 25 + 1 + 5) / 4
    shares = found**2
    assert shares[6 * per_step : -3].sum() == pytest.approx(1)
    # Rows and columns were averaged as roots, which loses a little where they differ.
    assert shares[: 6 * per_step].reshape(6, per_step).sum(axis=1) == pytest.approx(np.ones(6), abs=2e-3)
    assert histograms(np.ascontiguousarray(pixels[:, ::-1])) == pytest.approx(found, abs=1e-4)
    assert histograms(np.ascontiguousarray(pixels.transpose(1, 0, 2))) == pytest.approx(found, abs=1e-4)


def test_flat_topped_changes_lower_the_kurtosis_and_sparse_ones_raise_it() -> None:
    draws = np.random.default_rng(5)
    grey = np.full((128, 128, 3), 120, np.int64)
    flat = histograms((grey + draws.choice((-4, 4), (128, 128, 1))).astype(np.uint8))[-3]
    normal = histograms((grey + np.rint(draws.normal(0, 4, (128, 128, 1)))).astype(np.uint8))[-3]
    sparse = histograms((grey + 20 * (draws.random((128, 128, 1)) < 0.01)).astype(np.uint8))[-3]
    assert flat < normal < sparse and normal == pytest.approx(np.log(3), abs=0.1)


def test_gaps_are_nought_where_the_reading_does_not_move() -> None:
    def same(pixels: Pixels) -> np.ndarray:
        return np.array([3.0, -1.0])

    found = features(same, photo(6))
    assert found.shape == (N_FEATURES,) and np.isfinite(found).all()
    assert found[GROUPS[1]] == pytest.approx(np.log(0.1))
    assert np.isfinite(features(same, np.full((64, 200, 3), 7, np.uint8))).all()


def test_a_gap_is_between_both_sizes_by_one_reading_each() -> None:
    by_side = {SIDE_PX: np.array([3.0, -1.0]), SMALL_PX: np.array([1.0, 4.0])}
    found = features(lambda pixels: by_side[pixels.shape[1]], photo(6))
    assert found[GROUPS[1]] == pytest.approx(np.log([2.1, 5.1]))


def test_clips_edits_and_too_many_of_a_source_are_left_out() -> None:
    examples = [Example(Path(f"{i}.png"), 0, "one") for i in range(5)]
    examples += [Example(Path("a.mp4"), 0, "two", is_video=True), Example(Path("b.png"), 1, "two", family="edit")]
    three = usable_pictures(examples, AdversarialSettings(most=3))
    assert len(three) == 3 and three[:2] == usable_pictures(examples, AdversarialSettings(most=3, in_all=2))
    with pytest.raises(ValueError, match="no picture"):
        usable_pictures(examples[5:], AdversarialSettings())
    with pytest.raises(ValueError, match="at least 2 views"):
        AdversarialSettings(n_views=1)
