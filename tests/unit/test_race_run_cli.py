"""Races from the command line: one line a round, bad input told in one, for ever until somebody stops it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from detectors.race.folder import RaceFolder
from detectors.race.records import read_log
from detectors.synthetic import READING
from forensics.cli import INTERRUPTED, WRONG_USE, main
from tests.unit import toy_race

SHIPS = READING.rpartition("-")[2]
"""The version of `synthetic` that ships."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photos, registry and recipe of the toy race."""
    toy_race.install(lambda places, name, place: monkeypatch.setitem(places, name, place))
    monkeypatch.setattr("detectors.race.engine.contender", lambda _: toy_race.ToyContender())
    toy_race.photos(tmp_path / "photos")
    toy_race.begin(tmp_path / "models")
    (tmp_path / "recipe.json").write_text(json.dumps(asdict(toy_race.RACE)))
    return tmp_path


def run(root: Path, *more: str) -> int:
    """Run the race of the recipe."""
    given = ["--photos", "photos", "--models", "models", "--recipe", "recipe.json", "--out", "race"]
    places = [str(root / text) if i % 2 else text for i, text in enumerate(given)]
    return main(["race", "run", *places, *more])


def rows(text: str) -> list[list[str]]:
    """Cells of what goes to a pipe."""
    return [line.split("\t") for line in text.splitlines()]


def test_each_round_and_each_attack_is_a_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, "--rounds", "1", "--quiet") == 0
    found = rows(capsys.readouterr().out)
    assert [row[:2] for row in found] == [["round", "0"], ["round", "1"], ["attack", "stripes"]]
    assert found[1][2:5] == [f"{SHIPS}+2", f"{SHIPS}+3", "promoted"]
    plain, before, after = map(float, found[2][2:])
    assert plain < before and after < before


def test_a_race_is_not_begun_over_another_but_goes_on_with_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, "--rounds", "0", "--quiet") == 0
    assert run(root, "--rounds", "0") == WRONG_USE
    assert "resume it or choose another folder" in capsys.readouterr().err
    assert run(root, "--rounds", "1", "--resume", "--quiet") == 0
    assert [record.number for record in read_log(root / "race")] == [0, 1]


def test_for_ever_begins_a_round_on_schedule_until_it_is_stopped(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("forensics.cli.race_run.time.sleep", sleep)
    assert run(root, "--forever", "--every", "6h", "--quiet") == INTERRUPTED
    assert [record.number for record in read_log(root / "race")] == [0, 1]
    assert all(6 * 3600 - 600 < seconds <= 6 * 3600 for seconds in waits)


def test_a_budget_that_is_used_up_begins_no_further_round(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, "--budget", "1s") == 0
    assert [record.number for record in read_log(root / "race")] == [0]
    assert "the time is up before round 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--budget", "soon"], "write 30m or 2h"),
        (["--every", "1h"], "--forever"),
        (["--attacks", "nobody"], "no 'nobody' in unforged.attacks"),
        (["--unseen", "stripes-made"], "cannot be unseen"),
        (["--split", "train"], "--data"),
        (["--address", "localhost:1"], "--engine ray"),
        (["--resume"], "there is no race to resume"),
    ],
)
def test_bad_input_is_one_line_and_begins_nothing(
    more: Sequence[str], told: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, *more) == WRONG_USE
    error = capsys.readouterr().err.strip().splitlines()
    assert told in error[-1] and "Traceback" not in error[-1]
    assert not RaceFolder(root / "race").exists


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"tether": math.nan}, "tether must be finite, not nan"),
        ({"minutes": math.inf}, "minutes must be finite, not inf"),
        ({"n_fakes": 1.5}, "n_fakes must be a whole number, not 1.5"),
        ({"seed": -1}, "memory and seed are 0 or more"),
    ],
)
def test_a_recipe_with_a_number_that_is_none_is_one_line_and_begins_nothing(
    changed: dict[str, float], told: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "recipe.json").write_text(json.dumps(asdict(toy_race.RACE) | changed))
    assert run(root) == WRONG_USE
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1 and not RaceFolder(root / "race").exists


def test_a_detector_that_cannot_race_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toy_race.photos(tmp_path / "photos", n_sources=2)
    given = ["--photos", str(tmp_path / "photos"), "--models", str(tmp_path), "--out", str(tmp_path / "race")]
    assert main(["race", "run", "--detector", "face", *given]) == WRONG_USE
    assert "'face' cannot race yet" in capsys.readouterr().err


def test_a_race_without_a_folder_gets_one_below_the_models(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--photos", str(root / "photos"), "--models", str(root / "models"), "--recipe", str(root / "recipe.json")]
    assert main(["race", "run", *given, "--rounds", "0", "--quiet"]) == 0
    (folder,) = (root / "models" / "races").iterdir()
    assert folder.name in capsys.readouterr().err
    assert len(read_log(folder)) == 1
