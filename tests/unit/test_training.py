"""From a folder of pictures to a calibrated reading, with a tower of simple arithmetic in place of the real one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from detectors.bias import bias_audit
from detectors.data import Example, read_picture, read_pixels
from detectors.held_out import llr_range
from detectors.lessons import TrainingSettings, study, usable
from detectors.probe import root_weights
from detectors.seen_surface import seen_surfaces
from detectors.synthetic import UNLIKE, Synthetic
from detectors.token_features import BLOCKS, N_FEATURES, features_of, patch_map, patch_readings, spread, tokens_of
from detectors.training import train_synthetic
from detectors.vision_tower import WIDTH
from generators.launder import draw
from generators.weights import ModelCard, load
from tests.make_media import photo
from tests.make_tower import ColourTower

SETTINGS = TrainingSettings(n_views=2, seed=3)


def _write(folder: Path, n_sources: int = 14, per_source: int = 5) -> list[Example]:
    """Photos, half of the sources with a green cast that stands for what a machine does."""
    examples = []
    for source in range(n_sources):
        for i in range(per_source):
            pixels = photo(100 * source + i, width=96, height=96).astype(np.float32)
            if source % 2:
                pixels[..., 1] += 40
            path = folder / f"{source}-{i}.png"
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
            made = "diffusion" if source % 2 else "-"
            examples.append(Example(path, source % 2, f"source {source}", family=made))
    return examples


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    return _write(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def trained(examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelCard]:
    out = tmp_path_factory.mktemp("zoo")
    return out, train_synthetic(examples, out, SETTINGS, tower=ColourTower())


def test_the_card_says_what_was_learned_from_and_how_it_does_on_sources_it_did_not_see(
    trained: tuple[Path, ModelCard],
) -> None:
    _, card = trained
    assert card.data["fake: source 1"] == 5 and card.data["real: source 0"] == 5 and len(card.data) == 14
    assert card.n_reals == 35, "each photo once, however many views of it were read"
    assert card.measures["held-out sources, AUROC"] > 0.9
    assert card.claim == "synthetic" and [rate for rate, _ in card.by_rate()] == [0.01, 0.05]
    low, high = card.sets["0.05"]
    assert 0 < low < high < 1, "and which scores are taken for which class, with at most 1 in 20 wrong"


def test_the_nearest_training_picture_of_a_training_picture_is_itself(
    trained: tuple[Path, ModelCard], examples: list[Example]
) -> None:
    scores = Synthetic(trained[0], ColourTower()).score([np.asarray(Image.open(examples[7].path))])
    assert scores.neighbours is not None
    (near, *others) = scores.neighbours[0]
    assert (near.is_fake, near.source) == (True, "source 1") and len(others) == 4


def test_a_trained_detector_tells_the_classes_and_says_where(
    trained: tuple[Path, ModelCard], examples: list[Example]
) -> None:
    detector = Synthetic(trained[0], ColourTower())
    pictures = [np.asarray(Image.open(example.path)) for example in examples]
    scores = detector.score(pictures)
    assert scores.llr is not None and scores.heat is not None
    labels = np.array([example.label for example in examples])
    assert np.mean((scores.fake > 0.5) == labels) > 0.9
    made, plain = (np.mean([scores.heat[i].mean() for i in np.flatnonzero(labels == label)]) for label in (1, 0))
    assert made > plain + 0.2
    assert np.all(scores.llr[labels == 1].mean() > 0) and abs(scores.llr).max() <= 2.0


def test_a_map_runs_from_the_middle_of_photos_to_the_clearest_twentieth_of_fakes(
    trained: tuple[Path, ModelCard], examples: list[Example]
) -> None:
    tensors, _ = load(Synthetic.stored_as, trained[0])
    wash = draw("q90", seed=SETTINGS.seed)
    maps = np.array([patch_map(tokens_of(ColourTower(), wash(read_pixels(e))), tensors["weights"]) for e in examples])
    labels = np.array([e.label for e in examples])
    low, high = tensors["heat_range"]
    assert np.mean(maps[labels == 0] < low) == pytest.approx(0.5, abs=0.01)
    assert np.mean(maps[labels == 1] > high) == pytest.approx(0.05, abs=0.01)


def test_a_picture_is_scored_alike_alone_and_in_a_batch(trained: tuple[Path, ModelCard]) -> None:
    detector = Synthetic(trained[0], ColourTower())
    pictures = [photo(1, width=96, height=80), photo(2, width=128, height=96)]
    together = detector.score(pictures).fake
    assert [float(detector.score([picture]).fake[0]) for picture in pictures] == [float(x) for x in together]


def test_tiny_and_strange_pictures_are_not_judged(trained: tuple[Path, ModelCard]) -> None:
    detector = Synthetic(trained[0], ColourTower())
    scores = detector.score([photo(1, width=48, height=48), np.full((96, 96, 3), (255, 0, 255), np.uint8)])
    assert scores.reasons[0] is not None and "64" in scores.reasons[0]
    assert scores.reasons[1] == UNLIKE
    assert scores.llr is not None and not scores.llr.any()


def test_the_same_run_gives_the_same_weights(
    trained: tuple[Path, ModelCard], examples: list[Example], tmp_path: Path
) -> None:
    assert train_synthetic(examples, tmp_path, SETTINGS, tower=ColourTower()).sha256 == trained[1].sha256


def test_plain_views_are_learned_from_and_calibrated_on_beside_the_mild_ones(examples: list[Example]) -> None:
    settings = TrainingSettings(n_views=4, plain=True, hard_share=0.2)
    given = study(examples[:20], settings, tower=ColourTower())
    assert settings.n_rows == 5 and given.rows.shape == (100, N_FEATURES)
    assert given.mild.reshape(20, 5).tolist() == [[False, True, False, True, True]] * 20
    assert given.share[~given.mild].sum() / given.share.sum() == pytest.approx(0.2)
    assert given.sources[:6] == ("source 0",) * 6 and given.labels.sum() == 5 * sum(e.label for e in examples[:20])


def test_clips_are_learned_from_only_when_asked_for(examples: list[Example]) -> None:
    clip = Example(examples[0].path, 1, "there", is_video=True)
    assert usable([*examples, clip], SETTINGS) == tuple(examples)
    assert usable([*examples, clip], TrainingSettings(clips=True)) == (*examples, clip)


def test_balanced_pictures_are_weighed_so_that_their_surface_tells_less(tmp_path: Path) -> None:
    rng, examples = np.random.default_rng(1), []
    for i in range(120):
        label = i % 2
        glare = 60 if rng.random() < (0.75 if label else 0.25) else 0
        path = tmp_path / f"{i}.png"
        Image.fromarray(photo(i, width=96, height=72) // 2 + np.uint8(glare)).save(path)
        examples.append(Example(path, label, f"source {i % 12}"))
    plain, balanced = (
        study(examples, replace(SETTINGS, surface_balance=power), tower=ColourTower(), cache=tmp_path / "kept")
        for power in (0.0, 1.0)
    )
    surfaces = seen_surfaces(examples, seed=SETTINGS.seed, cache=tmp_path / "kept", reader=read_picture)
    labels, sources = [e.label for e in examples], [e.source for e in examples]
    weight = root_weights(np.asarray(labels), sources) * balanced.share[1::2]
    assert bias_audit(surfaces, labels, sources).auroc > 0.65
    assert bias_audit(surfaces, labels, sources, weight=weight).auroc < 0.6
    assert not plain.told and all(value < 0.6 for value in balanced.told.values())
    for label in (0, 1):
        assert balanced.share[balanced.labels == label].sum() == pytest.approx(plain.share[plain.labels == label].sum())


def test_matched_sources_are_learned_from_once_more_where_a_recipe_says_so(
    trained: tuple[Path, ModelCard], examples: list[Example], tmp_path: Path
) -> None:
    given = study(examples, replace(SETTINGS, matched_contrast=0.5), tower=ColourTower())
    assert given.scenes is not None and given.scenes.contrast == 0.5
    card = train_synthetic(examples, tmp_path, replace(SETTINGS, matched_contrast=0.5), tower=ColourTower())
    assert card.sha256 == trained[1].sha256, "and no source of this set holds both classes"


def test_the_surface_of_a_picture_is_kept_beside_its_features(examples: list[Example], tmp_path: Path) -> None:
    first = seen_surfaces(examples[:3], seed=1, cache=tmp_path, reader=read_picture)
    gone = [replace(e, content="a beach") for e in examples[:3]]

    def reader(_: Example) -> list[NDArray[np.uint8]]:
        raise AssertionError("what is kept need not be read")

    kept = seen_surfaces(gone, seed=1, cache=tmp_path, reader=reader)
    assert [repr(replace(s, content="")) for s in kept] == [repr(s) for s in first], "also numbers that are not there"
    assert {s.content for s in kept} == {"a beach"}, "the lists say what is shown, and may change"


def test_edits_and_left_out_sources_are_not_learned_from(examples: list[Example]) -> None:
    path = examples[0].path
    added = [Example(path, 1, "there", family="edit"), Example(path, 1, "rebuilt", family="diffusion")]
    settings = TrainingSettings(left_out_sources=("rebuilt",))
    assert usable([*examples, *added], settings) == tuple(examples)


def test_a_share_of_the_variance_is_given_to_patch_tokens() -> None:
    squares = np.square(spread(0.2)).reshape(len(BLOCKS), 2, WIDTH).sum(axis=(0, 2))
    assert squares / squares.sum() == pytest.approx([0.8, 0.2]) and squares.sum() == pytest.approx(N_FEATURES)
    assert np.array_equal(SETTINGS.ridge.spread, np.ones(N_FEATURES)), "where nothing is said, all features are alike"
    leaning = replace(SETTINGS, patch_share=0.2, regularization=0.01).ridge
    assert leaning.inverse_strength == 0.01 and np.array_equal(leaning.spread, spread(0.2))


def test_a_recipe_that_leans_on_class_tokens_gives_other_weights(
    trained: tuple[Path, ModelCard], examples: list[Example], tmp_path: Path
) -> None:
    card = train_synthetic(examples, tmp_path, replace(SETTINGS, patch_share=0.1), tower=ColourTower())
    parts = [
        np.abs(load(card.stem, folder)[0]["weights"]).reshape(len(BLOCKS), 2, WIDTH).sum(axis=(0, 2))
        for folder in (trained[0], tmp_path)
    ]
    assert parts[1][1] / parts[1][0] < 0.5 * parts[0][1] / parts[0][0]


def test_one_class_alone_is_an_error(examples: list[Example]) -> None:
    with pytest.raises(ValueError, match="both"):
        usable([e for e in examples if e.label], SETTINGS)


def test_a_recipe_is_read_and_a_wrong_one_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"n_views": 3, "left_out": ["edit"]}))
    assert TrainingSettings.load(recipe) == TrainingSettings(n_views=3, left_out=("edit",))
    wrong_values = {"n_views": 1, "hard_share": 2, "matched_contrast": -1, "patch_share": 1, "regularization": 0}
    wrong_values |= {"views": 3}
    for wrong in ("[1]", "{", *(json.dumps({name: value}) for name, value in wrong_values.items())):
        recipe.write_text(wrong)
        with pytest.raises(ValueError, match="recipe"):
            TrainingSettings.load(recipe)


def test_the_readings_of_patches_average_to_their_part_of_the_logit() -> None:
    tokens = ColourTower().tokens(np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), np.uint8))
    weights = np.random.default_rng(1).normal(0, 1, N_FEATURES).astype(np.float32)
    of_patches = weights.reshape(len(BLOCKS), 2, WIDTH).copy()
    of_patches[:, 0] = 0
    expected = features_of(tokens) @ of_patches.ravel()
    assert patch_readings(tokens, weights).mean() == pytest.approx(expected, rel=1e-3)


def test_ratios_are_bounded_by_what_the_tails_of_the_other_class_allow() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20_000)
    logits = rng.normal(0, 1, 40_000) + 2 * labels
    # A tenth of the fakes looks like any photo: however low a score, it speaks at most ten to one for a photo.
    logits[labels == 1] = np.where(rng.random(20_000) < 0.1, rng.normal(0, 1, 20_000), logits[labels == 1])
    floor, ceiling = llr_range(logits, labels, np.ones(40_000))
    assert -1.1 < floor < -0.5
    # One in a hundred photos reaches 2.33, and of the fakes 0.9 * P(N > 0.33) + 0.1 * 0.01.
    assert ceiling == pytest.approx(np.log10((0.9 * 0.3707 + 0.1 * 0.01) / 0.01), abs=0.05)


def test_classes_that_cannot_be_told_apart_have_no_ratio() -> None:
    logits = np.random.default_rng(1).normal(0, 1, 20_000)
    floor, ceiling = llr_range(logits, np.arange(20_000) % 2, np.ones(20_000))
    assert abs(floor) < 0.1 and abs(ceiling) < 0.1
