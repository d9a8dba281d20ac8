"""A run from the command line: begun, gone on with, looked at, and refused in one line where it cannot be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forensics.cli import main
from forensics.runs.ending import WRITTEN
from tests.make_media import jpeg, photo


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.jpg").write_bytes(jpeg(photo(1, width=96, height=64)))
    (tmp_path / "media" / "b.jpg").write_bytes(b"nothing")
    for path in (tmp_path / "media").iterdir():
        # What changed within two seconds of the walk is looked at again.
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return tmp_path


SCAN = ("scan", "media", "--run", "first", "--analyzers", "ela", "--image-timeout", "60", "--jobs", "1")


def test_a_run_is_begun_passed_again_and_looked_at(desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*SCAN, "--out", "out", "--metrics", "m.prom", "--log-json", "--on-finish", "tee heard.json"]) == 3
    said = capfd.readouterr()
    events = [json.loads(line) for line in said.err.splitlines()]
    assert [event["event"] for event in events] == ["start", "file", "file", "summary"]
    assert {event["run"] for event in events} == {"first"}
    rows = [line.split("\t") for line in said.out.splitlines() if "\t" in line]
    assert [Path(row[0]).name for row in rows] == ["a.jpg", "b.jpg"] and rows[1][4] == "not-media"
    assert json.loads((desk / "heard.json").read_text())["states"]["done"] == 1
    assert 'unforged_run_files{run="first",state="done"} 1' in (desk / "m.prom").read_text()
    assert main(["scan", "--resume", "first", "--out", "out"]) == 3
    said = capfd.readouterr()
    assert said.out == "" and "pass 2: 1 failed, 1 unchanged" in said.err
    assert main(["runs", "list", "--json"]) == 0
    listed = json.loads(capfd.readouterr().out)
    assert (listed["name"], listed["state"], listed["n_pass"], listed["files"]["unchanged"]) == ("first", "done", 2, 1)
    assert main(["runs", "show", "first", "--out", "again"]) == 0
    assert "error\tnot-media\t1" in capfd.readouterr().out
    first, again = desk / "out" / "results.jsonl", desk / "again" / "results.jsonl"
    assert first.read_text() == again.read_text() and len(again.read_text().splitlines()) == 2
    assert main(["errors", "first"]) == 0
    assert capfd.readouterr().out.startswith("not-media\t1\t")
    assert main(["errors", "first", "--code", "not-media"]) == 0
    assert capfd.readouterr().out.startswith(f"{desk}/media/b.jpg\t")
    assert main(["errors", "first", "--code", "empty"]) == 2
    assert main(["scan", "media", "--run", "first", "--prior", "0.3"]) == 2
    assert "other sources or settings" in capfd.readouterr().err


@pytest.mark.parametrize(
    "setting",
    [
        ("--profile", "fast"),
        ("--prior", "0.5"),
        ("--fusion", "m.json"),
        ("--models", "none"),
        ("--image-timeout", "60"),
        ("--inside-depth", "0"),
    ],
)
def test_a_run_that_goes_on_takes_no_settings(
    desk: Path, setting: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    (desk / "m.json").touch()
    assert main(["scan", "--resume", "first", *setting]) == 2
    said = capfd.readouterr().err
    assert f"--resume takes the settings that the run has: leave out {setting[0]}" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_run_goes_on_from_a_store_of_postgresql(desk: Path, url: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*SCAN, "--store", url]) == 3
    assert "pass 1: 1 done, 1 failed" in capfd.readouterr().err
    assert main(["scan", "--resume", "first", "--store", url]) == 3
    assert "pass 2: 1 failed, 1 unchanged" in capfd.readouterr().err
    assert main(["errors", "first", "--store", url]) == 0
    assert capfd.readouterr().out.startswith("not-media\t1\t")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scan", "--resume", "none"], "no run 'none'"),
        (["scan", "media", "--watch"], "--watch needs a run"),
        (["scan", "media", "--run", "x", "--resume", "x"], "give one of them"),
        (["scan", "media", "--resume", "x"], "name none"),
        (["scan", "--run", "x"], "Missing argument"),
        (["scan", "-", "--run", "x"], "standard input"),
        (["scan", "media", "--run", "a/b"], "the name of a run"),
        (["scan", "media", "--run", "x", "--store", "none"], "needs a store"),
        (["scan", "media", "--run", "x", "--format", "html"], "--out DIR"),
        (["scan", "media", "--run", "x", "--format", "csv", "--out", "o"], "writes all tables"),
        (["scan", "media", "--run", "x", "--on-finish", "'"], "--on-finish takes"),
        (["scan", "media", "--run", "x", "--address", "localhost:1"], "give --engine ray"),
        (["scan", "media", "--address", "localhost:1"], "give --engine ray"),
        (["scan", "-", "--engine", "ray"], "on this machine alone"),
        (["scan", "s3://me:secret@host/x", "--run", "x", "--remote"], "leave the password out"),
        (["scan", "media", "--run", ""], "a run needs a name"),
        (["scan", "--resume", ""], "a run needs a name"),
        (["scan", "media", "--on-finish", ""], "--on-finish needs a run"),
        (["scan", "media", "--run", "x", "--metrics", ""], "a file is wanted"),
        (["scan", "media", "--run", "x", "--poll", "nan"], "'--poll': nan is no number"),
        (["runs", "show", "none"], "no run 'none'"),
        (["errors", "none"], "no run 'none'"),
    ],
)
def test_wrong_use_is_told_in_one_line(
    desk: Path, arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capfd.readouterr().err
    assert words in said and len(said.splitlines()) == 1


def test_a_run_is_asked_to_stop_by_whoever_names_it_and_says_so(desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "stop", "first"]) == 2
    assert "no run 'first'" in capfd.readouterr().err
    words = [sys.executable, "-m", "forensics.cli", *SCAN, "--watch", "--as", "ann"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as watching:
        until_s = time.monotonic() + 120
        while main(["runs", "stop", "first", "--as", "bob"]) != 0 and time.monotonic() < until_s:
            time.sleep(0.2)
        assert watching.stderr is not None
        said = watching.stderr.read()
        assert watching.wait(60) == 130 and "stopped by bob" in said and "Traceback" not in said
    capfd.readouterr()
    assert main(["runs", "stop", "first"]) == 2
    assert "no process works on the run 'first': it is stopped" in capfd.readouterr().err
    assert main(["audit", "list"]) == 0
    assert [line.split("\t")[2:4] for line in capfd.readouterr().out.splitlines()] == [
        ["bob", "stop run"],
        ["ann", "start run"],
    ]


def test_a_run_that_watches_writes_everything_when_a_service_manager_ends_it(desk: Path) -> None:
    words = [sys.executable, "-m", "forensics.cli", *SCAN, "--watch", "--poll", "0.1", "--out", "out"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None and watching.stderr is not None
        for _ in range(2):
            watching.stdout.readline()
        watching.send_signal(signal.SIGTERM)
        said = watching.stderr.read()
        assert watching.wait(60) == 3 and "pass 1: 1 done, 1 failed" in said and "Traceback" not in said
    assert {path.name for path in (desk / "out").iterdir()} == set(WRITTEN)
    assert json.loads((desk / "out" / "summary.json").read_text())["state"] == "done"


def test_a_plain_scan_writes_nothing_among_the_results_of_a_run(desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*SCAN, "--out", "out"]) == 3
    before = {path: path.read_bytes() for path in (desk / "out").iterdir()}
    plain = ["scan", "media", "--analyzers", "ela", "--out", "out"]
    capfd.readouterr()
    assert main(plain) == 2
    said = capfd.readouterr().err
    assert "out holds the results of a run" in said and len(said.splitlines()) == 1
    assert {path: path.read_bytes() for path in (desk / "out").iterdir()} == before
