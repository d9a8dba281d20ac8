"""Outside models on a user's own sources: from then on they have a ratio; networks that know nothing get none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detectors.catalog import DETECTORS
from detectors.loading import load
from detectors.outside.adding import Given, prepared
from detectors.outside.model_folder import keep, read
from forensics.analyzers.learned import Learned
from forensics.cli import main
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import png
from tests.make_models import red_graph


def write(folder: Path, reds: Mapping[str, Sequence[float]], spread: float = 25) -> Path:
    """Noisy squares: for each class the mean red of each of its sources, of which there are 32 squares in all."""
    rng = np.random.default_rng(0)
    for label, means in reds.items():
        for i in range(32):
            red = rng.normal(means[i % len(means)], spread)
            pixels = rng.normal((red, 128, 60), 20, (64, 64, 3))
            path = folder / label / f"source{i % len(means)}" / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sources a class; fakes are redder by about one spread."""
    return write(tmp_path_factory.mktemp("pictures"), {"real": [110] * 4, "fake": [150] * 4})


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "red.onnx").write_bytes(red_graph(gain=20).SerializeToString())
    given = Given(labels=("fake", "real"), preprocessing={"mean": (0.0,) * 3, "std": (1.0,) * 3})
    keep(prepared(tmp_path / "red.onnx", given), tmp_path / "models")
    return tmp_path / "models"


def test_after_calibration_a_model_has_ratios_that_are_worth_what_they_say(
    models: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = load("red", models)
    assert main(["models", "calibrate", "red", "--data", str(pictures), "--models", str(models)]) == 0
    shown = capsys.readouterr().out
    card = read("red", models)
    assert "5 of 100 real photos reach" in shown and "1 of 100" not in shown, "32 reals cannot tell one in a hundred"
    assert card.n_reals == 32 and "rests on 32 of them" in shown
    assert [rate for rate, _ in card.by_rate()] == [0.05] and card.data["calibrated on fake: source1"] == 8
    assert card.measures["your pictures after mild washes, AUROC"] > 0.7
    assert card.measures["your pictures, sources held out in turn, Cllr"] < 1
    fitted = load("red", models)
    assert fitted is not raw, "a new card makes a new detector"
    pixels = [np.full((64, 64, 3), (red, 128, 60), np.uint8) for red in (90, 130, 170)]
    before, after = raw.score(pixels), fitted.score(pixels)
    # The raw network is ten times as sure as its pictures allow: calibration takes that back.
    assert before.fake[2] > 0.95 and after.llr is not None and 0.2 < after.llr[2] < 1.6
    assert after.llr[0] < -0.2 and abs(after.llr[1]) < 0.3
    monkeypatch.setattr(DETECTORS, "places", dict)
    (finding,) = Learned(ScanSettings(models=models)).examine(Media.open(png(pixels[2])))
    assert finding.llr == pytest.approx(float(after.llr[2]), abs=1e-5)


def test_a_network_that_tells_them_the_wrong_way_round_stays_for_the_eye_only(
    models: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = Given(name="wrong", labels=("real", "fake"), preprocessing={"mean": (0.0,) * 3, "std": (1.0,) * 3})
    before = keep(prepared(tmp_path / "red.onnx", given), models)
    assert main(["models", "calibrate", "wrong", "--data", str(pictures), "--models", str(models)]) == 2
    assert "no better than a coin" in capsys.readouterr().err and read("wrong", models) == before


@pytest.mark.parametrize(
    ("reds", "spread", "words"),
    [
        ({"real": [125] * 4, "fake": [136] * 4}, 25, "is no better than a coin (AUROC 0.5"),
        ({"real": [110] * 15 + [250], "fake": [130] * 16}, 2, "ratios say nothing (Cllr 2."),
    ],
    ids=["a coin with luck", "one source that is sure and wrong"],
)
def test_a_network_whose_ratios_tell_nothing_stays_for_the_eye_only(
    reds: dict[str, list[float]],
    spread: float,
    words: str,
    models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = read("red", models)
    folder = write(tmp_path / "told apart by nothing", reds, spread)
    assert main(["models", "calibrate", "red", "--data", str(folder), "--models", str(models)]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and read("red", models) == before


def test_too_few_pictures_are_refused(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for label in ("real", "fake"):
        (tmp_path / "few" / label).mkdir(parents=True)
        Image.new("RGB", (64, 64)).save(tmp_path / "few" / label / "1.png")
    assert main(["models", "calibrate", "red", "--data", str(tmp_path / "few"), "--models", str(models)]) == 2
    assert "at least 20" in capsys.readouterr().err
