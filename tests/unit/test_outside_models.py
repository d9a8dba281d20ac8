"""Models from elsewhere: what is added speaks in a scan, and nothing is half there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.catalog import DETECTORS
from detectors.loading import available, load
from detectors.outside import model_folder
from detectors.outside.adding import Given, prepared
from detectors.outside.detector import Outside
from detectors.outside.model_folder import keep, names
from forensics import installed, versions
from forensics.analyzers.learned import Learned
from forensics.cli import main
from forensics.conformance import check_detector
from forensics.languages import language
from forensics.media import Media
from forensics.report_language import spoken
from forensics.report_page import page
from forensics.scanner import Scanner
from forensics.settings import ScanSettings
from tests.make_media import photo, png
from tests.make_models import red_graph, tiny_vit, write_hub_folder

RED = Given(name="red", labels=("fake", "real"), preprocessing={"mean": (0, 0, 0), "std": (1, 1, 1)})


def onnx_file(folder: Path, change: Callable[[Any], None] = lambda model: None, name: str = "red.onnx") -> Path:
    model = red_graph()
    change(model)
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def flat(red: int, green: int, side: int = 64) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.broadcast_to(np.array([red, green, 0], np.uint8), (side, side, 3)).copy()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    keep(prepared(onnx_file(tmp_path), RED), tmp_path / "models")
    return tmp_path / "models"


def test_a_graph_scores_as_it_was_reckoned_by_hand(models: Path) -> None:
    scores = load("red", models).score([flat(255, 0), flat(0, 255), flat(102, 51)])
    assert scores.fake == pytest.approx(1 / (1 + np.exp([-6.0, 6.0, -6.0 * 0.2])), abs=1e-5)
    assert scores.llr is None


def test_a_report_names_the_models_that_were_not_asked(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DETECTORS, "places", dict)
    keep(prepared(onnx_file(models.parent), replace(RED, name="blue")), models)
    media = Media.open(png(flat(255, 0)))
    for asked, said in ((None, None), (("red",), "not asked in this scan: blue"), (("red", "blue"), None)):
        found = Scanner(ScanSettings(analyzers=("learned",), detectors=asked, models=models)).scan(media)
        shown = page(found, {})
        assert dict(shown.untested).get("Trained detectors") == said
        german = dict(spoken(shown, language("de")).untested)
        assert german.get("Trainierte Detektoren") == (said and "in dieser Untersuchung nicht gefragt: blue")


def test_an_outside_model_speaks_in_a_scan_for_the_eye_only(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DETECTORS, "places", dict)
    settings = ScanSettings(analyzers=("learned",), models=models)
    report = Scanner(settings).scan(Media.open(png(flat(250, 3))))
    (finding,) = report.findings
    assert finding.llr is None and "not calibrated, so this is for the eye only" in finding.summary
    assert finding.measures["score"] > 0.9 and report.verdict.llr == 0 and report.versions["outside models"]
    assert report.settings.models == models and ScanSettings.from_dict(report.settings.to_dict()) == settings


def test_a_hub_folder_scores_as_the_network_it_was_written_from(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("timm")
    network = tiny_vit()
    write_hub_folder(network, tmp_path / "Tiny-ViT")
    card = keep(prepared(tmp_path / "Tiny-ViT", Given()), tmp_path / "models")
    assert card.name == "tiny-vit" and card.settings["reading"]["fake"] == ["Deepfake"]
    pixels = photo(2, width=32, height=32)
    with torch.inference_mode():
        values = torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1
        theirs = network(values).softmax(dim=1)[0, 1]
    assert load("tiny-vit", tmp_path / "models").score([pixels]).fake[0] == pytest.approx(float(theirs), abs=1e-5)


def test_weights_for_an_architecture_of_timm_are_read_and_others_named(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    timm = pytest.importorskip("timm")
    from safetensors.torch import save_file

    network = timm.create_model("test_vit", num_classes=1).eval()
    save_file({f"vit.{k}": v for k, v in network.state_dict().items()}, tmp_path / "own.safetensors")
    changed = {"resize": "none", "mean": (0.5,) * 3, "std": (0.5,) * 3}
    given = Given(architecture="test_vit", preprocessing=changed)
    keep(prepared(tmp_path / "own.safetensors", given), tmp_path / "models")
    pixels = photo(2, width=160, height=160)
    with torch.inference_mode():
        theirs = network(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1).sigmoid()
    detector = load("own", tmp_path / "models")
    assert detector.card.settings["preprocessing"]["side_px"] == 160
    assert detector.score([pixels]).fake[0] == pytest.approx(float(theirs), abs=1e-5)
    with pytest.raises(ValueError, match="knows no architecture"):
        prepared(tmp_path / "own.safetensors", Given(architecture="hf-hub:somebody/model"))
    with pytest.raises(ValueError, match="not the weights"):
        prepared(tmp_path / "own.safetensors", Given(architecture="test_efficientnet"))
    with pytest.raises(ValueError, match="--architecture"):
        prepared(tmp_path / "own.safetensors", Given())


def test_a_probe_of_a_tower_is_the_two_one_after_the_other() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("timm")
    from detectors.outside.weight_files import with_probe

    tower = tiny_vit(n_outputs=6)
    probe = torch.nn.Linear(6, 1)
    joined = tiny_vit(n_outputs=1)
    named = {f"fc.{name}": tensor for name, tensor in probe.state_dict().items()}
    joined.load_state_dict(with_probe(tower.state_dict(), named))
    values = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(joined(values), probe(tower(values)), atol=1e-4)
    with pytest.raises(ValueError, match="reads 6 features, the tower gives 2"):
        with_probe(tiny_vit(n_outputs=2).state_dict(), named)


def test_an_outside_model_keeps_the_rules_of_detectors(models: Path) -> None:
    class Red(Outside):
        name = "red"

        def __init__(self) -> None:
            super().__init__("red", models)

    check_detector(Red)


@pytest.mark.parametrize("name", ["../up", "Upper", "a/b", ".hidden", "", "synthetic", "x" * 64])
def test_a_name_that_is_a_path_or_taken_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"a name holds|is called"):
        model_folder.check_name(name)
    assert not list(tmp_path.iterdir())


def test_a_clash_is_refused_and_the_first_one_stays(models: Path, tmp_path: Path) -> None:
    before = (models / "red" / "card.json").read_bytes()
    with pytest.raises(FileExistsError, match="of that name"):
        keep(prepared(onnx_file(tmp_path, name="other.onnx"), RED), models)
    assert (models / "red" / "card.json").read_bytes() == before and [p.name for p in models.iterdir()] == ["red"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    candidate = prepared(onnx_file(tmp_path), RED)

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        keep(candidate, tmp_path / "models")
    assert not list((tmp_path / "models").iterdir()) and names(tmp_path / "models") == ()


def test_weights_that_were_changed_afterwards_are_not_run(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = models / "red" / "network.onnx"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ValueError, match="its card says"):
        load("red", models).score([flat(1, 2)])
    monkeypatch.setattr(DETECTORS, "places", dict)
    (finding,) = Learned(ScanSettings(models=models)).examine(Media.open(png(flat(9, 9))))
    assert "Not tested by the detector red" in finding.summary


def test_outside_models_are_listed_behind_installed_ones_and_removed_at_once(models: Path) -> None:
    assert available(models)[-1] == "red" and "red" not in available()
    assert [m.name for m in installed.models(models) if m.kind == "detector"][-1] == "red"
    seen = versions.digest(versions.decisive(ScanSettings(models=models)))
    model_folder.remove("red", models)
    assert names(models) == () and not list(models.iterdir())
    assert versions.digest(versions.decisive(ScanSettings(models=models))) != seen
    with pytest.raises(LookupError, match="no outside model"):
        model_folder.remove("red", models)


def test_the_command_adds_shows_and_removes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, models = str(onnx_file(tmp_path)), str(tmp_path / "models")
    add = ["models", "add", path, "--models", models, "--labels", "a,b", "--mean", "0,0,0", "--std", "1,1,1"]
    assert main(add) == 2 and "--fake" in capsys.readouterr().err
    assert main([*add, "--fake", "a", "--licence", "none stated"]) == 0
    assert main(["models", "show", "red", "--models", models, "--json"]) == 0
    shown = capsys.readouterr().out
    assert '"licence": "none stated"' in shown and json.loads(shown[shown.index("{") :])["settings"]["kind"] == "onnx"
    assert main([*add, "--fake", "a"]) == 2 and "of that name" in capsys.readouterr().err
    assert main(["models", "list", "--models", models]) == 0 and "\nred" not in capsys.readouterr().err
    assert main(["models", "remove", "red", "--models", models]) == 0
    assert main(["models", "remove", "red", "--models", models]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.onnx"], "there is no file or folder"),
        (["hf://owner"], "hf://owner/name@revision"),
        ([".", "--recipe", "best"], "no recipe 'best'"),
        (["."], "holds no config.json"),
        ([".", "--discriminator"], "no checkpoint"),
    ],
)
def test_what_cannot_be_added_is_one_clear_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if "--discriminator" in arguments:
        pytest.importorskip("torch")
    assert main(["models", "add", *arguments, "--models", str(tmp_path / "models")]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert words in error
