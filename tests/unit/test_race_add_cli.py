"""`unforged race add-generator` tells what finding a generator costs, line by line or as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detectors.race import adding
from detectors.race.added import REPORT
from forensics.cli import main
from tests.make_addition import SHIPS, Forgetful, write_pictures
from tests.make_tower import ColourTower


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def words(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command that learns the blue generator."""
    monkeypatch.setattr(adding, "contender", lambda name: Forgetful(ColourTower()))
    given = {"images": pictures / "blue", "photos": pictures / "photos", "models": tmp_path / "models"}
    given |= {"out": tmp_path / "out", "numbers": Path("5"), "draws": Path("1")}
    options = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    return ["race", "add-generator", "blue", *options]


def test_the_command_tells_the_report_line_by_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--quiet"]) == 0
    said = capsys.readouterr()
    rows = {row.split("\t")[0]: row.split("\t")[1:] for row in said.out.splitlines()}
    assert rows["version"][:2] == [f"{SHIPS}+1", "not promoted"] and rows["found after 5 pictures"][2] == "24"
    assert "name an earlier race or known pictures" in said.err
    assert main(words) == 2 and "there is a report already" in capsys.readouterr().err
    assert main([*words, "--numbers", "0"]) == 2 and "whole numbers" in capsys.readouterr().err
    assert main([*words, "--race", words[4], "--seed", "3"]) == 2
    assert "a race has settings of its own" in capsys.readouterr().err


def test_the_report_as_json_is_the_one_in_the_folder(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--json"]) == 0
    kept = (tmp_path / "out" / REPORT).read_text(encoding="utf-8")
    assert json.loads(capsys.readouterr().out) == json.loads(kept)
