"""From pictures of known origin to weights with a card, and what the detector does with them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detectors import residual_training
from detectors.base import Detector
from detectors.data import Example
from detectors.residual import MIN_SIDE_PX, READING, Residual
from detectors.residual_settings import ResidualSettings
from detectors.residual_training import split, train_residual, usable_residuals
from detectors.trainable import trainable
from generators.weights import ModelCard, read_card
from tests.make_media import photo
from tests.unit.test_residual import upsampled

TOY = ResidualSettings(
    n_images=96,
    batch_size=16,
    side_px=64,
    n_views=2,
    makers=("copy_move",),
    aligned=0.25,
    learning_rate=5e-3,
    n_between_saves=64,
    device="cpu",
)
N_SOURCES, N_EACH = 5, 5

RECIPE = Path(residual_training.__file__).parent / "recipes" / "residual.json"


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    """Five sources, each of as many photos as up-sampled ones."""
    folder, found = tmp_path_factory.mktemp("pictures"), []
    for number in range(N_SOURCES * N_EACH):
        scene, source = photo(number, width=200, height=200), f"source {number % N_SOURCES}"
        for label, pixels in enumerate((scene, upsampled(scene))):
            path = folder / f"{number}-{label}.png"
            Image.fromarray(pixels).save(path)
            found.append(Example(path, label, source, generator="nearest" if label else "-"))
    return found


@pytest.fixture(scope="module")
def trained(examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelCard, int]:
    out, cache = tmp_path_factory.mktemp("weights"), tmp_path_factory.mktemp("cache")
    n_done = 0

    def count(n: int) -> None:
        nonlocal n_done
        n_done += n

    return out, train_residual(examples, out, TOY, cache=cache, progress=count), n_done


def test_sources_lie_on_one_side_as_a_whole(examples: list[Example]) -> None:
    learned, held_out = split(examples, TOY)
    assert len(learned) + len(held_out) == len(examples)
    assert not {e.source for e in learned} & {e.source for e in held_out}
    assert len({e.source for e in held_out}) == len(TOY.held_out)


def test_the_card_tells_the_settings_and_the_held_out_figures(
    trained: tuple[Path, ModelCard, int], examples: list[Example]
) -> None:
    out, card, _ = trained
    written = read_card(out / f"{READING}.card.json")
    assert written.sha256 == card.sha256 and written.claim == "synthetic"
    assert written.settings["makers"] == list(TOY.makers) and written.settings["held_out"] == list(TOY.held_out)
    learned, held_out = split(examples, TOY)
    assert sum(card.data.values()) == len(learned) and card.n_reals == sum(not e.label for e in held_out)
    assert 0 <= card.measures["held-out sources, AUROC"] <= 1
    assert sum("matched source" in name for name in card.measures) == len(TOY.held_out)


def test_progress_adds_up_to_what_was_announced(trained: tuple[Path, ModelCard, int], examples: list[Example]) -> None:
    _, _, n_done = trained
    assert n_done == trainable("residual").amount(len(examples), TOY)


def test_the_detector_scores_each_picture_by_itself_and_maps_it(trained: tuple[Path, ModelCard, int]) -> None:
    detector: Detector = Residual.of_version(trained[0], READING)
    pictures = [photo(90, width=200, height=120), photo(91, width=128, height=160)]
    together = detector.score(pictures)
    assert together.llr is not None and together.heat is not None
    assert [heat.shape for heat in together.heat] == [(8, 13), (10, 8)]
    for i, picture in enumerate(pictures):
        alone = detector.score([picture])
        assert alone.fake[0] == together.fake[i] and alone.llr is not None and alone.llr[0] == together.llr[i]


def test_small_and_ruined_pictures_are_not_judged(trained: tuple[Path, ModelCard, int]) -> None:
    detector = Residual(trained[0])
    small = photo(92, width=MIN_SIDE_PX, height=MIN_SIDE_PX - 2)
    blurred = np.full((200, 200, 3), 120, np.uint8)
    scores = detector.score([small, blurred])
    assert scores.reasons[0] == f"it is smaller than {MIN_SIDE_PX} pixels" and scores.reasons[1] is not None
    assert scores.llr is not None and not scores.llr.any()


def test_no_picture_gives_no_score(trained: tuple[Path, ModelCard, int]) -> None:
    assert len(Residual(trained[0]).score([]).fake) == 0


@pytest.mark.parametrize("label", [0, 1])
def test_both_classes_are_wanted_on_both_sides(examples: list[Example], label: int) -> None:
    with pytest.raises(ValueError, match="lacks fakes or reals"):
        usable_residuals([e for e in examples if e.label == label], TOY)


def test_families_that_are_left_out_and_clips_are_not_used(examples: list[Example]) -> None:
    odd = [
        replace(examples[1], path=Path("a.png"), family="edit"),
        replace(examples[0], path=Path("b.mp4"), is_video=True),
    ]
    assert usable_residuals([*examples, *odd], TOY) == tuple(examples)


@pytest.mark.parametrize(
    "wrong", [{"n_views": 3}, {"side_px": 100}, {"aligned": 1.5}, {"makers": ()}, {"held_out": ()}, {"held_out": (7,)}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        ResidualSettings(**wrong)  # type: ignore[arg-type]


def test_the_committed_recipe_is_that_of_the_measured_run() -> None:
    settings = trainable("residual").read(RECIPE)
    assert settings == ResidualSettings()


def test_a_recipe_is_read_from_json(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({"n_images": 5, "held_out": [1], "makers": ["inpaint"]}))
    settings = trainable("residual").read(tmp_path / "recipe.json")
    assert settings == ResidualSettings(n_images=5, held_out=(1,), makers=("inpaint",))
