"""A file inside a container is examined like any other: same results, same isolation, and nothing stays behind."""

from __future__ import annotations

import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from forensics.batch import DEFAULT_INSIDE, Batch, Output
from forensics.cli import main
from forensics.cli.scan_progress import Progress
from forensics.containers import InsideLimits
from forensics.containers.account import Account
from forensics.containers.member import Member
from forensics.containers.unpacking import scratch_path
from forensics.errors import MediaError
from forensics.insides import Insides
from forensics.messages import Task
from forensics.result import Result
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from tests.make_containers import encrypted_zip, jpeg_stream, mail, overlapping_zip, pdf, tarred, zipped
from tests.make_media import jpeg, photo
from tests.unit.failing_scanners import Scripted

SETTINGS = ScanSettings(limits=Limits(image_timeout_s=20.0, memory_bytes=400 << 20))

HOSTILE = Path(os.environ.get("UNFORGED_HOSTILE", "data/hostile"))


def picture(seed: int = 1) -> bytes:
    return jpeg(photo(seed, width=160, height=120))


def run(paths: list[str], *, out: Path | None = None, stdin: bytes | None = None, **given: Any) -> list[Result]:
    batch = Batch(given.pop("settings", SETTINGS), output=Output(out), build=Scripted, **given)
    return list(batch.run(batch.tasks(paths), stdin=None if stdin is None else io.BytesIO(stdin)))


def told(results: list[Result]) -> dict[str, str]:
    """Path -> opinion, error code or "opened"."""
    return {
        r.path: str(r.report.verdict.opinion) if r.report else r.error.code if r.error else "opened" for r in results
    }


FILES = {"a.jpg": picture(1), "in/fake.jpg": picture(2), "in/killed.jpg": picture(3), "notes.txt": b"some text"}
EXPECTED = {"a.jpg": "no trace found", "in/fake.jpg": "likely manipulated", "in/killed.jpg": "crashed"} | {
    "notes.txt": "not-media"
}


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where all temporary files of this test lie."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_an_archive_of_a_folder_gives_the_results_of_the_folder(tmp_path: Path, scratch: Path) -> None:
    folder = tmp_path / "folder"
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (tmp_path / "x.zip").write_bytes(zipped(FILES))
    plain = {path.removeprefix(f"{folder}/"): what for path, what in told(run([str(folder)])).items()}
    inside = told(run([str(tmp_path / "x.zip")], n_workers=2))
    assert inside.pop(str(tmp_path / "x.zip")) == "opened"
    assert {path.removeprefix(f"{tmp_path}/x.zip!/"): what for path, what in inside.items()} == plain == EXPECTED
    assert not [*scratch.glob("unforged-*")]


def test_a_folder_without_containers_gives_the_same_whether_they_are_opened_or_not(tmp_path: Path) -> None:
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    first, second = (run([str(tmp_path)], inside=inside) for inside in (DEFAULT_INSIDE, None))
    assert [(r.path, r.sha256) for r in first] == [(r.path, r.sha256) for r in second]
    assert told(first) == told(second)


def test_nothing_is_opened_where_nobody_wants_it(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zipped(FILES))
    (result,) = run([str(tmp_path / "x.zip")], inside=None)
    assert result.error is not None and result.error.code == "not-media" and result.account is None


def test_the_line_of_a_container_counts_what_is_inside_and_what_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tarred({"a.jpg": picture(), "b.jpg": picture()}, links={"l": "a.jpg"}))
    run([str(tmp_path / "x.tar")], out=tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    (container,) = [line for line in lines if line["inside"]]
    (member,) = [line for line in lines if line["container"]]
    assert (container["status"], container["kind"], container["format"]) == ("container", "container", "tar")
    assert container["inside"]["n_files"] == 1
    assert container["inside"]["left_out"] == {"duplicate": 1, "link": 1}
    assert {(left["name"], left["reason"]) for left in container["inside"]["names"]} == {
        ("b.jpg", "duplicate"),
        ("l", "link"),
    }
    assert member["path"] == f"{container['path']}!/a.jpg" and member["container"] == container["path"]
    assert member["status"] == "ok" and member["sha256"] != container["sha256"]


def test_a_file_inside_is_known_by_its_own_hash_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture())
    (tmp_path / "x.zip").write_bytes(zipped({"in/same.jpg": picture()}))
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        run([str(tmp_path / "a.jpg")], store=store)
        (member,) = [r for r in run([str(tmp_path / "x.zip")], store=store) if r.container]
    assert member.cached and member.report is not None
    assert member.report.path == f"{tmp_path}/x.zip!/in/same.jpg" and member.report.filename == "same.jpg"


def test_standard_input_may_be_a_container(scratch: Path) -> None:
    assert told(run([], stdin=mail({"fake.jpg": picture()}))) == {"-": "opened", "-!/fake.jpg": "likely manipulated"}
    assert not [*scratch.glob("unforged-*")]


def test_a_container_that_breaks_costs_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "lies.zip").write_bytes(overlapping_zip(20, picture()))
    (tmp_path / "cut.zip").write_bytes(zipped(FILES)[:1000])
    (tmp_path / "locked.zip").write_bytes(encrypted_zip({"a.jpg": picture()}))
    (tmp_path / "z.jpg").write_bytes(picture())
    found = {Path(path).name: what for path, what in told(run([str(tmp_path)])).items()}
    assert found == {
        "lies.zip": "broken",
        "0.jpg": "no trace found",
        "cut.zip": "truncated",
        "locked.zip": "opened",
        "a.jpg": "encrypted",
        "z.jpg": "no trace found",
    }


def test_a_container_that_takes_its_worker_along_costs_its_own_line(tmp_path: Path, scratch: Path) -> None:
    head = b"From: a@example.org\nSubject: x\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\n"
    (tmp_path / "huge.eml").write_bytes(head + (b"A" * 76 + b"\n") * 1_000_000)
    (tmp_path / "z.zip").write_bytes(zipped({"fake.jpg": picture()}))
    settings = ScanSettings(limits=Limits(image_timeout_s=20.0, memory_bytes=300 << 20))
    results = run([str(tmp_path / "huge.eml"), str(tmp_path / "z.zip")], settings=settings)
    assert told(results) == {
        str(tmp_path / "huge.eml"): "out-of-memory",
        str(tmp_path / "z.zip"): "opened",
        str(tmp_path / "z.zip!") + "/fake.jpg": "likely manipulated",
    }
    assert results[0].account == Account("eml") and not [*scratch.glob("unforged-*")]


def test_an_archive_may_be_larger_than_any_file_that_is_examined(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tarred({"a.jpg": picture(), "in/fake.jpg": picture(2)}))
    settings = ScanSettings(limits=Limits(image_timeout_s=20.0, max_bytes=len(picture()) + 4000))
    assert {*told(run([str(tmp_path / "x.tar")], settings=settings)).values()} == {
        "opened",
        "no trace found",
        "likely manipulated",
    }


@pytest.mark.parametrize("n_workers", [1, 2])
def test_unpacking_waits_until_what_was_unpacked_is_examined(
    n_workers: int, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensics.insides.HELD_FILES", 2)
    names = {kind: {f"{i:02}.jpg": picture(i) for i in range(12)} for kind in ("x.zip", "y.tar")}
    (tmp_path / "x.zip").write_bytes(zipped(names["x.zip"]))
    (tmp_path / "y.tar").write_bytes(tarred(names["y.tar"]))
    batch, found, most = Batch(SETTINGS, build=Scripted, n_workers=n_workers), dict[str, Result](), 0
    for result in batch.run(batch.tasks([str(tmp_path / name) for name in names])):
        found[result.path] = result
        most = max(most, len([*scratch.glob("unforged-*/inside/*/*")]))
    assert {*told([*found.values()]).values()} == {"no trace found", "opened"} and len(found) == 26
    # Each worker that unpacks tells of one more before it waits, and writes no other.
    assert most <= 2 + n_workers + 1
    assert not [*scratch.glob("unforged-*")]


def test_half_written_files_of_a_dead_worker_are_removed_and_others_wait(tmp_path: Path) -> None:
    insides, container = Insides(tmp_path), Task(tmp_path / "x.zip", "x.zip", "x.zip")
    folder = insides.scratch()
    folder.mkdir()
    for number in (1, 2):
        scratch_path(folder, number).write_bytes(b"x")
    task = insides.add(container, folder, Member("in/a.jpg", number=1))
    assert [*insides.waiting] == [task] and (task.shown, task.name) == ("x.zip!/in/a.jpg", "a.jpg")
    insides.ended(folder)
    assert [*folder.iterdir()] == [task.path]
    insides.examined(task)
    assert not folder.exists()


def test_a_scratch_folder_stays_as_long_as_something_is_unpacked_into_it(tmp_path: Path) -> None:
    insides = Insides(tmp_path)
    folder = insides.scratch()
    folder.mkdir()
    task = insides.add(Task(tmp_path / "x.zip", "x.zip", "x.zip"), folder, Member("a.jpg", number=1))
    insides.examined(task)
    assert folder.is_dir()
    insides.ended(folder)
    assert not folder.exists()


def test_no_word_of_a_worker_removes_a_file_elsewhere(tmp_path: Path) -> None:
    insides, kept = Insides(tmp_path), tmp_path / "kept.jpg"
    kept.write_bytes(b"x")
    container = Task(kept, "kept.jpg", "kept.jpg")
    task = insides.add(container, insides.scratch(), Member("../../kept.jpg", number=1))
    assert task.path.parent.parent == tmp_path
    insides.examined(task)
    insides.examined(container)
    assert kept.exists()


def test_opened_containers_are_no_errors_and_what_they_lost_is(capsys: pytest.CaptureFixture[str]) -> None:
    def container(error: MediaError | None) -> Result:
        account = Account("zip", 2, {"link": 1})
        return Result("x.zip", None, error, None, "container", "zip", None, 0.0, account=account)

    whole, cut = Progress(1, "likely"), Progress(1, "likely")
    whole.add(container(None))
    cut.add(container(MediaError("bomb", "it is a bomb")))
    assert (whole.exit_code, cut.exit_code) == (0, 3)
    whole.finish(None, ())
    assert "1 file: 1 opened" in capsys.readouterr().err


def scan(*words: str) -> int:
    return main(["scan", "--store", "none", "--analyzers", "metadata", *words])


def test_the_command_looks_inside_unless_told_not_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.pdf").write_bytes(pdf([jpeg_stream(picture(), 160, 120)]))
    assert scan(str(tmp_path / "x.pdf")) == 0
    said = capsys.readouterr()
    assert "x.pdf!/object-3.jpeg\tinconclusive" in said.out and "1 of them holds files: 1 inside" in said.err
    assert scan(str(tmp_path / "x.pdf"), "--inside-depth", "0") == 3
    assert "not-media" in capsys.readouterr().out


def test_the_command_takes_limits_on_containers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.zip").write_bytes(zipped({f"{i}.jpg": picture(i) for i in range(3)}))
    assert scan(str(tmp_path / "x.zip"), "--inside-files", "2") == 3
    said = capsys.readouterr().out
    assert "too-many-members" in said and said.count("!/") == 2


def test_the_command_takes_patterns_and_lists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jpg", "in/b.jpg", "in/c d.jpg", "in/e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(picture())
    assert scan(f"{tmp_path}/**/*.jpg") == 0 and "3 files: 3 inconclusive" in capsys.readouterr().err
    names = [str(tmp_path / "in" / "c d.jpg"), str(tmp_path / "a.jpg")]
    (tmp_path / "list").write_text("\n".join(names) + "\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\0".join(names).encode())))
    for place in (str(tmp_path / "list"), "-"):
        assert scan("--files-from", place) == 0 and "2 files: 2 inconclusive" in capsys.readouterr().err
    assert scan(f"{tmp_path}/*.webp") == 3 and "unreadable" in capsys.readouterr().out


def test_a_command_without_any_path_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"\n")
    for words in ((), ("--files-from", str(tmp_path / "empty")), ("-", "--files-from", "-")):
        assert scan(*words) == 2


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="hostile files are named by UNFORGED_HOSTILE or lie in data/hostile")
def test_every_hostile_archive_is_survived(scratch: Path) -> None:
    endings = (".zip", ".tar", ".gz", ".7z", ".pdf")
    paths = [str(path) for path in sorted(HOSTILE.rglob("*")) if path.suffix in endings]
    assert paths
    results = run(paths)
    assert {r.path for r in results} >= {*paths} and all(r.report or r.error or r.account for r in results)
    assert not [*scratch.glob("unforged-*")]


@pytest.mark.parametrize("max_depth", [1, 4])
def test_limits_reach_the_worker(max_depth: int, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zipped({"in.zip": zipped({"fake.jpg": picture()})}))
    found = told(run([str(tmp_path / "x.zip")], inside=InsideLimits(max_depth=max_depth)))
    way = f"{tmp_path}/x.zip!/in.zip"
    assert found == {str(tmp_path / "x.zip"): "opened"} | (
        {way: "too-deep"} if max_depth == 1 else {way: "opened", f"{way}!/fake.jpg": "likely manipulated"}
    )
