"""`glance` looks at a smaller picture than the detector that it stands in for, and is asked in its place alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detectors.catalog import LOOKS_AGAIN, STAND_INS
from detectors.data import Example
from detectors.glance import READING, SIDE_PX, Glance
from detectors.lessons import TrainingSettings
from detectors.loading import available, enough_to_load, load, usually_asked
from detectors.synthetic import Synthetic
from detectors.training import train_synthetic
from tests.make_media import photo
from tests.make_tower import ColourTower


def test_whoever_names_no_detector_asks_all_but_stand_ins() -> None:
    assert {*available()} - {*usually_asked()} == {*STAND_INS} == {Glance.name}


def test_a_stand_in_answers_the_question_of_the_other() -> None:
    for name, other in STAND_INS.items():
        assert other in usually_asked() and load(name).card.claim == load(other).card.claim


def test_whoever_looks_again_needs_no_network_that_the_other_has_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    picture = photo(1, width=96, height=96)
    for name, other in LOOKS_AGAIN.items():
        assert enough_to_load((other, name)) == (other,) and enough_to_load((name,)) == (name,)
        load(other).score([picture])
        with monkeypatch.context() as closed:
            closed.delattr(onnxruntime, "InferenceSession")
            assert load(name).score([picture]).reasons == (None,)


@pytest.mark.parametrize("kind", [Synthetic, Glance])
@pytest.mark.parametrize("shape", [(0, 96, 3), (96, 0, 3), (96, 96), (96, 96, 4)])
def test_what_is_no_picture_is_refused(kind: type[Synthetic], shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^pixels must be \(H, W, 3\) uint8"):
        kind(tower=ColourTower()).score([np.zeros(shape, np.uint8)])


def test_a_recipe_for_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^glance looks at 128 pixels a side, and the recipe says 224$"):
        train_synthetic([], tmp_path, TrainingSettings(), tower=ColourTower(), kind=Glance)


def test_it_learns_and_judges_from_pictures_of_its_own_size(tmp_path: Path) -> None:
    examples = []
    for i in range(40):
        pixels = photo(i, width=96, height=96).astype(np.float32)
        pixels[..., 1] += 40 * (i % 2)
        path = tmp_path / f"{i}.png"
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
        examples.append(Example(path, i % 2, f"source {i % 14}", family="diffusion" if i % 2 else "-"))
    tower = ColourTower()
    settings = TrainingSettings(n_views=2, side_px=SIDE_PX, n_dimensions=8)
    card = train_synthetic(examples, tmp_path / "zoo", settings, tower=tower, kind=Glance)
    assert card.stem == READING and card.settings["side_px"] == SIDE_PX
    made, plain = (np.asarray(Image.open(examples[i].path)) for i in (1, 0))
    scores = Glance(tmp_path / "zoo", tower).score([made, plain])
    assert scores.fake[0] > 0.5 > scores.fake[1]
    assert scores.heat is not None and scores.neighbours is not None
    assert tower.sides_px == {SIDE_PX}
