"""unforged race show, on races that never were run."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from detectors.race.folder import RACE
from detectors.race.records import LOG
from forensics.cli import main
from tests.make_race import UNSEEN, rounds, write_race


@pytest.fixture
def race(tmp_path: Path) -> Path:
    return write_race(tmp_path / "race")


def test_a_pipe_gets_one_line_a_round(race: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["race", "show", str(race)]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[:4] for row in rows][2:] == [["2", "1+2", "1+3", "refused"], ["3", "1+2", "1+4", "promoted"]]
    assert rows[2][-1] == "0.104"


def test_json_is_one_object_a_round_with_everything_that_is_known(
    race: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["race", "show", "--json", str(race)]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["number"] for record in found] == [0, 1, 2, 3]
    assert found[1]["forward_transfer"] == pytest.approx(0.1)
    assert UNSEEN in found[3]["matrix"]["1+4"] and found[2]["reasons"]


def test_what_is_no_number_is_null_in_json(race: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = replace(rounds(1)[0], forgetting=math.nan)
    (race / LOG).write_text(first.line() + "\n", encoding="utf-8")
    assert main(["race", "show", "--json", str(race)]) == 0
    assert json.loads(capsys.readouterr().out)["forgetting"] is None


def test_out_holds_a_page_tables_and_pictures(race: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "told"
    assert main(["race", "show", str(race), "--out", str(out)]) == 0
    names = {path.name for path in out.iterdir()}
    assert names == {
        "race.md", "rounds.csv", "matrix.csv", "attacks.csv", "defences.csv",
        "matrix.png", "course.png", "attacks.png", "defences.png",
    }  # fmt: skip
    assert (out / "race.md").read_text(encoding="utf-8").startswith("# Arms race")


def test_without_the_library_for_pictures_the_tables_are_written_and_the_extra_is_named(
    race: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["race", "show", str(race), "--out", str(tmp_path / "told")]) == 2
    assert "unforged[learned]" in capsys.readouterr().err
    assert (tmp_path / "told" / "matrix.csv").is_file()


def test_several_races_are_pooled_over_their_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    folders = [str(write_race(tmp_path / str(i), 2, nudge=0.01 * i)) for i in range(3)]
    out = tmp_path / "told"
    assert main(["race", "show", *folders, "--json", "--out", str(out)]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    average = next(x for x in found if x["name"].startswith("mean AUROC") and x["round"] == 0)
    assert average["n"] == 3 and average["low"] < average["mean"] < average["high"]
    assert average["mean"] == pytest.approx(rounds(1)[0].average + 0.01)
    assert {path.name for path in out.iterdir()} == {"seeds.md", "seeds.csv", "matrix.png"}
    assert main(["race", "show", *folders]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(found)


def test_a_race_is_never_pooled_with_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (write_race(tmp_path / name, 2) for name in ("first", "second"))
    (tmp_path / "link").symlink_to(first)
    assert main(["race", "show", str(first), str(tmp_path / "link"), "--out", str(tmp_path / "told")]) == 2
    said = capsys.readouterr()
    assert "is given twice" in said.err and said.err.count("\n") == 1 and not (tmp_path / "told").exists()
    for seed, code in ((7, 2), (8, 0)):
        for race, own in ((first, {"seed": 7, "rounds": 2}), (second, {"seed": seed, "rounds": 3})):
            (race / RACE).write_text(json.dumps({"settings": own}))
        assert main(["race", "show", str(first), str(second)]) == code
        assert ("with the same seed 7; races" in capsys.readouterr().err) == (code == 2)


@pytest.mark.parametrize(("text", "complaint"), [("", "no round has ended"), ("{}\n", "line 1: no record of a round")])
def test_a_folder_without_a_readable_round_gets_one_plain_line(
    text: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / LOG).write_text(text)
    assert main(["race", "show", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert complaint in said and len(said.splitlines()) == 1


def test_whoever_reads_only_the_first_line_still_has_all_files(race: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    command = [sys.executable, "-m", "forensics.cli", "race", "show", str(race), "--out", str(tmp_path / "told")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
    assert {"race.md", "defences.png"} <= {path.name for path in (tmp_path / "told").iterdir()}
