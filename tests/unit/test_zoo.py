"""What ships: whole, small, described, and the same answer for the same picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from detectors.catalog import DETECTORS
from detectors.glance import Glance
from detectors.lessons import TrainingSettings
from detectors.loading import load
from detectors.metrics import auroc
from detectors.score_files import ENDING, read_scores
from detectors.synthetic import READING, TOWER, ZOO, Synthetic
from detectors.trainable import trainable
from generators.weights import ZOO as GENERATORS_ZOO
from generators.weights import load as load_weights
from tests.make_media import photo

MB = 10**6
ZOOS = (ZOO, GENERATORS_ZOO)
CARDS = sorted(path for zoo in ZOOS for path in zoo.glob("*.card.json"))


def test_the_shipped_weights_are_few_and_small() -> None:
    files = [path for zoo in ZOOS for path in zoo.iterdir() if path.is_file()]
    assert {path.suffix for path in files} == {".safetensors", ".json", ".parquet", ".jsonl"}
    assert sum(path.stat().st_size for path in files) <= 90 * MB
    assert max(path.stat().st_size for path in GENERATORS_ZOO.iterdir()) <= 8 * MB


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.name)
def test_every_weight_file_is_the_one_its_card_describes(path: Path) -> None:
    tensors, card = load_weights(path.name.removesuffix(".card.json"), path.parent)
    assert tensors and card.licence and card.limits and card.data and card.task


@pytest.mark.parametrize("zoo", ZOOS, ids=["detectors", "generators"])
def test_every_weight_file_has_a_card(zoo: Path) -> None:
    stems = {path.name.removesuffix(".card.json") for path in zoo.glob("*.card.json")}
    assert {path.stem for path in zoo.glob("*.safetensors")} == stems


def test_the_reading_was_made_by_the_committed_recipe() -> None:
    card = load("synthetic").card
    recipe = TrainingSettings.load(ZOO.parent / "recipes" / "synthetic.json")
    for name, value in json.loads(json.dumps(vars(recipe))).items():
        assert card.settings[name] == value
    assert card.settings["tower"] == TOWER and card.stem == READING


def test_the_glance_was_made_by_the_committed_recipe_of_pictures_as_small_as_it_looks_at() -> None:
    card = load("glance").card
    settings = vars(trainable("glance").read(ZOO.parent / "recipes" / "glance.json"))
    assert {key: card.settings[key] for key in settings} == json.loads(json.dumps(settings))
    assert settings["side_px"] == Glance.side_px == vars(trainable("glance").default())["side_px"]
    assert (ZOO / f"{card.stem}.safetensors").stat().st_size < 600_000


@pytest.mark.parametrize("name", ["face", "temporal", "adversarial"])
def test_readings_of_other_kinds_are_fitted_as_the_committed_recipes_say(name: str) -> None:
    card = load(name).card
    settings = vars(trainable(name).read(ZOO.parent / "recipes" / f"{name}.json"))
    assert {key: card.settings[key] for key in settings} == json.loads(json.dumps(settings))
    assert card.settings["tower"] == TOWER and (ZOO / f"{card.stem}.safetensors").stat().st_size < 80_000


def test_the_shipped_scores_are_of_the_shipped_weights_and_give_the_figure_of_the_card() -> None:
    card, path = load("synthetic").card, ZOO / f"{READING}{ENDING}"
    assert path.stat().st_size < 150_000
    found = read_scores(path)
    assert (found.detector, found.sha256) == (card.stem, card.sha256), "see docs/dashboard.md for how to make them anew"
    labels = [example.label for example in found.scored.examples]
    area = auroc(labels, {c.name: c.fake for c in found.scored.conditions}["q90"])
    n_fake = sum(labels)
    named = f"eval, {n_fake} fakes and {len(labels) - n_fake} photos, JPEG 90, AUROC"
    assert area == pytest.approx(card.measures[named], abs=5e-4)


def test_the_shipped_detector_answers_alike_for_the_same_picture_whatever_its_neighbours() -> None:
    detector = Synthetic()
    pictures = [photo(1, width=320, height=240), photo(2, width=200, height=300)]
    together = detector.score(pictures)
    alone = [detector.score([picture]) for picture in pictures]
    assert [float(one.fake[0]) for one in alone] == [float(score) for score in together.fake]
    assert together.heat is not None and alone[0].heat is not None
    assert np.array_equal(together.heat[0], alone[0].heat[0])


def test_every_listed_detector_can_be_made_and_names_its_bars() -> None:
    for name in DETECTORS:
        card = load(name).card
        rates = [rate for rate, _ in card.by_rate()]
        assert card.name == name and rates == [0.01, 0.05]
