"""The command that fits detectors: what it fits by, and what it refuses before anything is cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import pytest

from detectors.lessons import TrainingSettings
from detectors.trainable import NAMES, trainable
from forensics.cli import main
from forensics.cli.evaluate import fit_settings
from tests.make_media import photo, png


def never(*args: Any, **kwargs: Any) -> NoReturn:
    raise AssertionError("something was cut")


@pytest.fixture
def uncut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.training.study", never)


def pictures(folder: Path, n: int) -> Path:
    for number in range(n):
        path = folder / ("real", "fake")[number % 2] / f"s{number}" / "a.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(png(photo(number % 4, width=64, height=64)))
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_run_is_the_one_that_ships(name: str) -> None:
    import detectors

    recipe = Path(detectors.__file__).parent / "recipes" / f"{name}.json"
    assert fit_settings(name, None) == trainable(name).read(recipe)


def test_a_recipe_is_followed(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.json"
    recipe.write_text(json.dumps({"n_views": 6}))
    assert fit_settings("synthetic", recipe) == TrainingSettings(n_views=6)


@pytest.mark.usefixtures("uncut")
def test_too_few_pictures_are_refused_before_they_are_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = pictures(tmp_path / "set", 8), tmp_path / "out"
    assert main(["train", "synthetic", "--data", str(data), "--out", str(out)]) == 2
    assert "8 pictures are too few: 64 dimensions of 2 views each need 33" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.usefixtures("uncut")
def test_a_folder_that_cannot_be_written_is_told_before_anything_is_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = pictures(tmp_path / "set", 34)
    assert main(["train", "synthetic", "--data", str(data), "--out", "/dev/null/x"]) == 2
    assert "Not a directory: /dev/null/x" in capsys.readouterr().err


def test_missing_files_are_told_where_they_leave_no_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.png").write_bytes(png(photo(1, width=64, height=64)))
    table = tmp_path / "list.tsv"
    table.write_text("label\tpath\tsource\nreal\ta.png\tme\nfake\tgone.png\tme\n")
    assert main(["train", "synthetic", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    errors = capsys.readouterr().err
    assert "1 listed but not there, such as gone.png" in errors and "both real and fake ones are needed" in errors
