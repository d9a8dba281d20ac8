"""The commands `queue` and `audit`: what they print, what they leave behind, and their exit codes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from detectors.picture_set import read_set
from forensics.cli import main
from forensics.store import Queue, Store, check
from tests.make_media import jpeg, photo
from tests.unit.test_store import report


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with four files that lie in two folders, heaviest last."""
    url = f"sqlite:///{tmp_path / 'scans.db'}"
    with Store(url) as opened:
        for number in (1, 2, 3, 4):
            folder = tmp_path / ("one" if number % 2 else "other")
            folder.mkdir(exist_ok=True)
            data = jpeg(photo(number, width=64, height=48))
            (folder / f"{number}.jpg").write_bytes(data)
            scanned = report(int(hashlib.sha256(data).hexdigest(), 16), name=f"{number}.jpg", llr=number - 1.5)
            opened.save(scanned, elapsed_s=1.0, folder=str(folder))
    return url


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")


def sha(tmp_path: Path, number: int) -> str:
    path = tmp_path / ("one" if number % 2 else "other") / f"{number}.jpg"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_files_are_queued_by_opinion_or_number_and_listed_by_weight(
    store: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["queue", "add", "--opinion", "likely", "--store", store]) == 0
    assert capsys.readouterr().out.startswith("queued 2 files; 0 were")
    assert main(["queue", "add", "1", "4", "--store", store]) == 0
    assert capsys.readouterr().out.startswith("queued 1 file; 1 was")
    assert main(["queue", "list", "--store", store]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[3] for row in rows] == [sha(tmp_path, number) for number in (4, 3, 1)]
    assert rows[0][0] == "waiting" and rows[0][5] == str(tmp_path / "other" / "4.jpg")


def test_a_list_that_is_cut_says_of_how_many(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["queue", "add", "1", "3", "4", "--store", store])
    main(["queue", "take", "--store", store])
    capsys.readouterr()
    for options, said in (
        (["--limit", "2"], "2 of 3; --limit shows more\n"),
        (["--limit", "2", "--state", "waiting", "--state", "waiting", "--json"], "2 of 3; --limit shows more\n"),
        (["--limit", "3"], ""),
        (["--limit", "1", "--state", "approved"], ""),
    ):
        assert main(["queue", "list", *options, "--store", store]) == 0
        told = capsys.readouterr()
        assert told.err == said and "limit" not in told.out


@pytest.mark.parametrize(
    "wrong",
    [["add"], ["add", "1", "--opinion", "likely"], ["add", "99"], ["decide", "approve", "abc", "--reason", "x"]],
)
def test_wrong_use_is_one_line_and_code_2(store: str, capsys: pytest.CaptureFixture[str], wrong: list[str]) -> None:
    assert main(["queue", *wrong, "--store", store]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_file_is_taken_decided_and_written_to_the_log(
    store: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    main(["queue", "add", "3", "4", "--store", store])
    capsys.readouterr()
    assert main(["queue", "take", "--json", "--store", store]) == 0
    taken = json.loads(capsys.readouterr().out)
    assert (taken["sha256"], taken["holder"]) == (sha(tmp_path, 4), "ann")
    digits = taken["sha256"][:10]
    assert main(["queue", "decide", "reject", digits, "--reason", "x", "--as", "bob", "--store", store]) == 2
    assert "held by ann" in capsys.readouterr().err
    assert main(["queue", "take", "--as", "bob", "--file", digits, "--store", store]) == 1
    assert main(["queue", "decide", "reject", digits, "--reason", "six fingers", "--store", store]) == 0
    capsys.readouterr()
    assert main(["audit", "list", "--subject", digits, "--limit", "1", "--store", store]) == 0
    number, _, who, act, subject, details = capsys.readouterr().out.rstrip("\n").split("\t")
    assert (number, who, act, subject) == ("3", "ann", "reject", taken["sha256"])
    assert "reason: six fingers" in details
    assert main(["queue", "reopen", digits, "--reason", "again", "--store", store]) == 0
    assert main(["queue", "take", "--store", store]) == 0
    assert main(["queue", "release", digits, "--store", store]) == 0
    assert main(["queue", "take", "--as", "bob", "--file", digits, "--store", store]) == 0


def test_verify_says_intact_with_a_head_that_verifies(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["queue", "add", "1", "2", "--store", store])
    capsys.readouterr()
    assert main(["audit", "verify", "--store", store]) == 0
    count, head = capsys.readouterr().out.splitlines()
    assert count == "intact: 2 entries"
    assert main(["audit", "verify", "--head", head.split()[1], "--count", "2", "--store", store]) == 0
    assert main(["audit", "verify", "--count", "3", "--store", store]) == 1
    assert "entry 3 is missing" in capsys.readouterr().out
    assert main(["audit", "verify", "--head", "xyz", "--store", store]) == 2


def test_verify_names_the_first_broken_entry_with_code_1(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["queue", "add", "1", "2", "3", "--store", store])
    engine = create_engine(store)
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET actor = 'eve' WHERE number >= 2"))
    engine.dispose()
    capsys.readouterr()
    assert main(["audit", "verify", "--store", store]) == 1
    assert capsys.readouterr().out == "broken: entry 2 was changed: its contents do not give its hash\n"


def test_decisions_become_a_list_that_training_reads(
    store: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with Store(store) as opened:
        Queue(opened).add(opened.find(), actor="ann")
    decisions = {1: ["approve"], 2: ["reject", "--claim", "synthetic"], 3: ["reject"], 4: ["reject"]}
    for number, (decision, *claim) in decisions.items():
        digits = sha(tmp_path, number)
        main(["queue", "take", "--file", digits, "--store", store])
        why = ["--reason", "tab\there crop=1,2,3,4"]
        assert main(["queue", "decide", decision, digits, *why, *claim, "--store", store]) == 0
    (tmp_path / "other" / "4.jpg").write_bytes(b"another file")
    capsys.readouterr()
    out = tmp_path / "lists" / "labels.tsv"
    out.parent.mkdir()
    assert main(["queue", "labels", "--out", str(out), "--store", store]) == 0
    said = capsys.readouterr()
    assert said.out == f"2 fake and 1 real files are listed in {out}\n"
    assert said.err == "left out: 4.jpg: it no longer lies where it was examined\n"
    examples = {int(e.path.stem): e for e in read_set([tmp_path / "one"], [out]).examples}
    assert {number: e.label for number, e in examples.items()} == {1: 0, 2: 1, 3: 1}
    assert {number: e.family for number, e in examples.items()} == {1: "-", 2: "-", 3: "edit"}
    assert {e.source for e in examples.values()} == {str(tmp_path / "one"), str(tmp_path / "other")}
    assert all(e.crop is None for e in examples.values())
    lines = [line.split("\t") for line in out.read_text().splitlines()]
    cells = dict(zip(lines[0], next(line for line in lines if line[1].endswith("2.jpg")), strict=True))
    assert (cells["decided_by"], cells["sha256"]) == ("ann", sha(tmp_path, 2))
    assert cells["reason"] == "tab here crop=1,2,3,4" and cells["decided_at"].startswith("20")


def test_a_file_that_moved_is_found_by_its_hash(store: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main(["queue", "add", "1", "--store", store])
    digits = sha(tmp_path, 1)
    main(["queue", "take", "--store", store])
    main(["queue", "decide", "approve", digits, "--reason", "ok", "--store", store])
    moved = tmp_path / "moved" / "deep"
    moved.mkdir(parents=True)
    (tmp_path / "one" / "1.jpg").rename(moved / "renamed.jpg")
    capsys.readouterr()
    given = ["queue", "labels", "--out", str(tmp_path / "labels.tsv"), "--store", store]
    assert main(given) == 0 and "0 fake and 0 real" in capsys.readouterr().out
    assert main([*given, "--pictures", str(tmp_path / "moved")]) == 0
    (example,) = read_set([tmp_path], [tmp_path / "labels.tsv"]).examples
    assert example.path == moved / "renamed.jpg"


def test_no_labels_come_from_a_queue_that_was_tampered_with(
    store: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    main(["queue", "add", "1", "--store", store])
    engine = create_engine(store)
    with engine.begin() as connection:
        connection.execute(text("UPDATE queue SET state = 'rejected'"))
    engine.dispose()
    assert main(["queue", "labels", "--out", str(tmp_path / "labels.tsv"), "--store", store]) == 2
    assert "tampered with" in capsys.readouterr().err
    assert not (tmp_path / "labels.tsv").exists()
    with Store(store) as opened:
        assert not check(opened).is_intact


def test_a_scan_queues_what_reached_the_bar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1.jpg").write_bytes(jpeg(photo(1, width=64, height=48)))
    where = f"sqlite:///{tmp_path / 'new.db'}"
    given = ["scan", str(tmp_path / "1.jpg"), "--analyzers", "metadata", "--image-timeout", "60", "--store", where]
    main(given)
    with Store(where) as opened:
        assert Queue(opened).items() == []
    main([*given, "--queue", "all"])
    with Store(where) as opened:
        (item,) = Queue(opened).items()
        assert item.path == str(tmp_path / "1.jpg") and item.acted_by == "ann"
    assert main([*given[:-1], "none", "--queue", "all"]) == 2
    assert "--queue needs a store" in capsys.readouterr().err
