"""A scan whose network runs on a device says what one without does, to a rounding; without the device it begins not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forensics.analyzers.learned import Learned
from forensics.cli import main
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import jpeg, photo

pytest.importorskip("torch", reason="needs the extra 'learned'")

TOLERANCE = 0.02
"""Of the score; see docs/graphics-cards.md."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a picture in a folder."""
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.jpg").write_bytes(jpeg(photo(1, width=256, height=192)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scan(*words: str, detector: str = "synthetic") -> int:
    asked = ("--analyzers", "learned", "--detectors", detector, "--image-timeout", "60")
    return main(["scan", "media", "--store", "sqlite:///scans.db", *asked, *words])


def line(folder: Path) -> dict[str, Any]:
    (text,) = (folder / "results.jsonl").read_text().splitlines()
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("detector", ["synthetic", "glance"])
def test_a_device_gives_what_processors_give_and_is_no_reason_to_examine_again(desk: Path, detector: str) -> None:
    assert scan("--run", "one", "--out", "out", "--format", "json", "--device", "cpu", detector=detector) == 0
    (report,) = line(desk / "out")["reports"]
    (found,) = json.loads((desk / "out" / report).read_text())["findings"]
    (own,) = Learned(ScanSettings(detectors=(detector,))).examine(Media.open(desk / "media" / "a.jpg"))
    assert 0 < abs(found["measures"]["score"] - own.measures["score"]) < TOLERANCE
    assert scan("--run", "one", "--out", "out", detector=detector) == 0
    assert line(desk / "out")["state"] == "unchanged"


def test_a_device_that_is_not_there_is_one_line_and_nothing_begins(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert scan("--out", "out", "--device", "cuda:99") == 2
    said = capfd.readouterr()
    assert said.out == "" and (desk / "out" / "results.jsonl").read_text() == ""
    (told,) = said.err.splitlines()
    assert told.startswith("unforged: error: there is no device cuda:99 here: torch ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--device", "cuda", "--device", "cuda"), "which cards there are, Ray says: give --device cuda once"),
        (("--device", "cuda:1"), "which card is whose, Ray says: the device of a cluster is cuda, not cuda:1"),
    ],
)
def test_cards_of_a_cluster_are_not_numbered(
    desk: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    assert scan("--engine", "ray", *words) == 2
    assert told in capfd.readouterr().err


@pytest.mark.parametrize("service", ["serve", "dashboard"])
def test_a_service_does_not_begin_without_its_device(
    desk: Path, capfd: pytest.CaptureFixture[str], service: str
) -> None:
    pytest.importorskip({"serve": "uvicorn", "dashboard": "streamlit"}[service])
    assert main([service, "--device", "cuda:99"]) == 2
    (told,) = capfd.readouterr().err.splitlines()
    assert told.startswith("unforged: error: there is no device cuda:99 here: torch ")
