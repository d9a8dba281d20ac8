"""The commands that measure and list detectors: what they write, and one clear line for what they cannot do."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from detectors.base import Pictures, Scores
from detectors.catalog import DETECTORS
from forensics.cli import main
from generators.catalog import GENERATORS
from generators.weights import ModelCard, save
from tests.make_media import clip
from tests.unit.test_evaluation import Red, example


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"red": f"{__name__}:Red", "gone": "no_such_module:Gone"}
    monkeypatch.setattr(DETECTORS, "places", lambda: places)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for i in range(6):
        example(tmp_path, 50 + i, 0, "real/phone")
        example(tmp_path, 200 + i, 1, "fake/paint")
    for path in tmp_path.rglob("*.png"):
        target = tmp_path / "set" / path.parent.parent.name / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    return tmp_path / "set"


@pytest.mark.usefixtures("installed")
def test_the_command_writes_its_tables(folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "--detector", "red", "--data", str(folders), "--conditions", "original,q75"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr()
    lines = [text.split("\t") for text in shown.out.splitlines()]
    assert lines[0] == ["all", "original", "6", "6", "1.000", "1.000", "1.000"] and lines[1][1] == "q75"
    assert "6 fakes and 6 reals" in shown.err
    assert "6 reals tell no threshold for 1 %: it lies over all of them, and with 95 % " in shown.err
    assert "no more than 39.4 of 100" in shown.err
    assert "shipped threshold: 1 of 100 real photos reach 0.9" in shown.err
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "evaluation.csv",
        "evaluation.md",
        "evaluation.png",
        "scores.csv",
    }


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--detector", "blue"], "no 'blue' in unforged.detectors; there is red"),
        (["--detector", "red", "--conditions", "q91"], "no preset 'q91'"),
        (["--detector", "red", "--conditions", "q91"], "fakes_q50"),
        (["--detector", "red", "--seed", "-1"], "'--seed': -1 is not in the range"),
        (["--detector", "red", "--out", "/dev/null/x"], "Not a directory: /dev/null/x"),
        (["--detector", "red", "--scores", "/dev/null/x/s.parquet"], "Not a directory: /dev/null/x"),
        (["--detector", "red", "--split", "eval"], "no picture belongs to a split 'eval'"),
        (["--detector", "gone"], "no_such_module"),
    ],
)
def test_bad_input_is_one_clear_line(
    folders: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--data", str(folders), *arguments]) == 2
    errors = [text for text in capsys.readouterr().err.splitlines() if text.startswith("unforged: error")]
    assert len(errors) == 1 and words in errors[0]


def told(label: str, path: str, note: str = "") -> str:
    return f"{label}\t{path}\t{path[0]}\t{note}\n"


@pytest.mark.usefixtures("installed")
def test_a_class_that_is_missing_is_told_with_its_files(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "list.tsv"
    real = next((folders / "real").rglob("*.png")).relative_to(tmp_path)
    gone = told("fake", "gone/a.png") + told("fake", "gone/b.png")
    table.write_text("label\tpath\tsource\tnote\n" + told("real", str(real)) + gone)
    assert main(["evaluate", "--detector", "red", "--data", str(tmp_path), "--list", str(table)]) == 2
    error = capsys.readouterr().err
    assert "got 0 and 1 pictures; 2 listed but not there, such as gone/a.png" in error


@pytest.mark.usefixtures("installed")
def test_a_crop_that_leaves_no_class_is_told(folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "list.tsv"
    real, fake = (next((folders / label).rglob("*.png")).relative_to(tmp_path) for label in ("real", "fake"))
    rows = told("real", str(real), "crop=0,0,500,500") + told("fake", str(fake))
    table.write_text("label\tpath\tsource\tnote\n" + rows)
    assert main(["evaluate", "--detector", "red", "--data", str(tmp_path), "--list", str(table)]) == 2
    errors = capsys.readouterr().err
    assert "its crop is (0, 0, 500, 500)" in errors and "got 1 and 0 that could be read" in errors


@pytest.mark.usefixtures("installed")
def test_a_folder_that_is_named_twice_counts_once(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(folders)] * 2
    assert main(["evaluate", "--detector", "red", *data, "--conditions", "original"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split("\t")[2:4] == ["6", "6"]


class Picky(Red):
    """Judges nothing whose height is under `least_px`."""

    least_px = 1000

    def score(self, images: Pictures) -> Scores:
        found = super().score(images)
        reasons = tuple("it is low" if len(pixels) < self.least_px else None for pixels in images)
        return Scores(found.fake, np.zeros(len(reasons), np.float32), None, reasons)


class HalfPicky(Picky):
    """Judges files of 72 rows as they are, and not at half their size."""

    least_px = 70


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [("Picky", 2, "red judged none of 12: it is low"), ("HalfPicky", 0, "red judged none of 12 as half: it is low")],
)
def test_a_set_of_which_nothing_was_judged_is_told(
    kind: str, code: int, words: str, folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(DETECTORS, "places", lambda: {"red": f"{__name__}:{kind}"})
    assert main(["evaluate", "--detector", "red", "--data", str(folders), "--conditions", "original,half"]) == code
    shown = capsys.readouterr()
    assert words in shown.err and bool(shown.out) == (code == 0)


def test_a_detector_of_clips_is_not_measured_on_pictures(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "--detector", "temporal", "--data", str(folders), "--conditions", "original"]
    assert main(command) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "temporal judged none of 12: it is a single picture, not a clip; --clips measures it on clips" in shown.err


@pytest.mark.usefixtures("installed")
def test_the_middle_frame_of_a_clip_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for label, reds in (("real", (40, 60)), ("fake", (40, 220))):
        (tmp_path / label / "s").mkdir(parents=True)
        frames = [np.full((64, 96, 3), 40, np.uint8) for _ in range(24)]
        for i, frame in enumerate(frames):
            frame[..., 0] = reds[i >= 8]
        clip(tmp_path / label / "s" / "a.mp4", frames)
    out = tmp_path / "out"
    command = ["evaluate", "--detector", "red", "--data", str(tmp_path), "--conditions", "original", "--out", str(out)]
    assert main([*command, "--clips"]) == 0
    scores = {r["label"]: float(r["score"]) for r in csv.DictReader(io.StringIO((out / "scores.csv").read_text()))}
    assert scores["1"] == pytest.approx(220 / 255, abs=0.06) and scores["0"] == pytest.approx(60 / 255, abs=0.06)
    capsys.readouterr()
    assert main(command) == 2
    assert "fakes and reals are both needed, got 0 and 0 pictures" in capsys.readouterr().err


@pytest.mark.usefixtures("installed")
def test_a_folder_of_one_class_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example(tmp_path, 9, 0, "x")
    (tmp_path / "0").rename(tmp_path / "real")
    assert main(["evaluate", "--detector", "red", "--data", str(tmp_path)]) == 2
    assert "neither a list (*.tsv) nor the folders real and fake" in capsys.readouterr().err


@pytest.mark.usefixtures("installed")
def test_models_lists_cards_and_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    listed = [text.split("\t") for text in capsys.readouterr().out.splitlines()]
    assert listed[0] == ["detector", "red", "1", "says how red a picture is"]
    assert listed[1][1] == "gone" and "not available: No module named 'no_such_module'" in listed[1][3]


@pytest.mark.usefixtures("installed")
def test_weights_that_are_no_detector_are_listed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("forensics.installed.files", lambda package: tmp_path / package)
    tower = save({"w": np.ones(3)}, ModelCard("tower", "2", "looks"), tmp_path / "detectors" / "zoo")
    (tmp_path / "detectors/zoo/red-1.card.json").write_text(json.dumps(asdict(Red.card)))
    monkeypatch.setattr(GENERATORS, "places", lambda: {"painter": "nowhere:Painter"})
    save({"w": np.zeros(3)}, ModelCard("painter", "1", "paints"), tmp_path / "generators" / "zoo")
    save({"w": np.ones(4)}, ModelCard("eye", "1", "looks"), tmp_path / "generators" / "zoo")
    assert main(["models", "list", "--json"]) == 0
    listed = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [(m["kind"], m["name"]) for m in listed] == [
        ("detector", "red"),
        ("detector", "gone"),
        ("network", "tower"),
        ("network", "eye"),
        ("generator", "painter"),
    ]
    assert listed[2]["card"]["sha256"] == tower.sha256
    assert main(["models", "show", "tower", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["task"] == "looks"


@pytest.mark.usefixtures("installed")
def test_a_card_is_shown_with_thresholds_and_hash(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "red"]) == 0
    shown = dict(text.split("\t") for text in capsys.readouterr().out.splitlines())
    assert shown["1 of 100 real photos reach"] == "0.9" and shown["weights, SHA-256"] == "cd" * 32
    assert shown["limits"] == "none stated"
    assert main(["models", "show", "blue"]) == 2
    assert "there is no model 'blue'; there is red, gone" in capsys.readouterr().err
