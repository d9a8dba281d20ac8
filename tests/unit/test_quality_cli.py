"""unforged generate quality, from folders to figures."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from forensics.cli import main
from generators.quality.fidelity import true_fid
from tests.make_media import photo


def fill(folder: Path, seeds: range, *, flat: bool = False) -> Path:
    folder.mkdir(parents=True)
    for seed in seeds:
        pixels = photo(seed, width=64, height=64)
        Image.fromarray(pixels // 2 * 2 if flat else pixels).save(folder / f"{seed:03}.png")
    return folder


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    desk = tmp_path_factory.mktemp("desk")
    fill(desk / "train", range(24))
    fill(desk / "reals", range(24, 48))
    fill(desk / "copies", range(24), flat=True)
    fill(desk / "copies" / "masks", range(50, 52))
    Image.new("RGB", (200, 200)).save(desk / "copies" / "sheet.png")
    (desk / "reals" / "broken.jpg").write_bytes(b"no picture")
    return desk


def run(desk: Path, *words: str) -> int:
    folders = [f"--fakes={desk / 'copies'}", f"--reals={desk / 'reals'}"]
    return main(["generate", "quality", *folders, *words])


def test_figures_come_with_interval_number_and_floor(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(desk, f"--train={desk / 'train'}") == 0
    said = capsys.readouterr()
    rows = {row[0]: row[1:] for row in (text.split("\t") for text in said.out.splitlines())}
    assert list(rows)[:3] == ["fd_lite0", "kd_lite0", "inception_score"]
    for name, (value, low, high, n, floor) in rows.items():
        assert float(low) <= float(value) <= float(high), name
        assert n == "24", "masks and sheets are no fakes"
        assert bool(floor) is (name in ("fd_lite0", "kd_lite0"))
    assert "1 unreadable" in said.err


def test_copies_of_training_pictures_are_told(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(desk, f"--train={desk / 'train'}", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["copied"]["value"] > 0.9
    assert found["nearest"]["value"] < 0.5
    assert found["over_floor"] == pytest.approx(found["fd_lite0"]["value"] / found["fd_floor"]["value"])


def test_too_few_pictures_are_one_line(desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = fill(tmp_path / "few", range(3))
    assert main(["generate", "quality", f"--fakes={few}", f"--reals={desk / 'reals'}"]) == 2
    said = capsys.readouterr().err
    assert "at least 20 pictures" in said and "Traceback" not in said


def test_reals_that_were_trained_on_are_refused_in_one_line(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(desk, f"--train={desk / 'reals'}") == 2
    said = capsys.readouterr()
    assert said.err.splitlines()[-1].startswith("unforged: error: 24 of 24 held-out reals lie in the training set")
    assert "Warning" not in said.err and not said.out


def test_fakes_of_a_filled_folder_are_counted_without_what_lies_beside_them(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = tmp_path / "filled"
    command = ["generate", "sample", "splice", "-n", "20", f"--photos={desk / 'train'}", f"--out={filled}", "--sheet"]
    assert main(command) == 0 and capsys.readouterr()
    folders = [f"--fakes={filled}", f"--reals={desk / 'reals'}", f"--train={desk / 'train'}"]
    assert main(["generate", "quality", *folders, "--json"]) == 0
    said = capsys.readouterr()
    assert f"{filled}: 20 pictures\n" in said.err
    assert json.loads(said.out)["copied"]["n"] == 20


def test_without_torch_fidelity_or_its_weights_there_is_no_true_fid(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    pixels = np.zeros((2, 8, 8, 3), np.uint8)
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(ImportError, match="torch-fidelity is not installed"):
        true_fid(pixels, pixels)
    there = types.ModuleType("torch_fidelity")
    monkeypatch.setattr(there, "calculate_metrics", lambda **_: pytest.fail("nothing to measure with"), raising=False)
    monkeypatch.setitem(sys.modules, "torch_fidelity", there)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(FileNotFoundError, match="weights of torch-fidelity are not here"):
        true_fid(pixels, pixels)
