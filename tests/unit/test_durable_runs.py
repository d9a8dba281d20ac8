"""A durable run has exactly one result for each file, whatever it is stopped by, and examines nothing twice."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import text

from forensics.inputs import expand
from forensics.runs import Settings, outputs
from forensics.runs.watch import watch
from forensics.store import Store, StoreError
from forensics.store.run_files import RunFiles
from forensics.store.run_words import FileState
from forensics.store.runs import Runs, RunState
from tests.make_media import jpeg, photo
from tests.unit.run_process import LOG, Flaky, NotedRun, go, plan


def picture(seed: int) -> bytes:
    return jpeg(photo(seed, width=64, height=48))


def put(folder: Path, name: str, data: bytes, *, age_s: float = 100.0) -> Path:
    """A file that was last changed a while ago: of one that changed just now only the hash tells."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    then_s = time.time() - age_s
    os.utime(path, (then_s, then_s))
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Takes the names of the files that a scanner has looked at, in order."""
    return tmp_path / LOG


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "media"
    for number, name in enumerate(("a.jpg", "b-fake.jpg", "c.jpg")):
        put(made, name, picture(number))
    return made


def examined(log: Path) -> list[str]:
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


def lines(out: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    by_path = {Path(line["path"]).name: line for line in found}
    assert len(by_path) == len(found), "a file has two lines"
    return by_path


def files(store: Store, name: str = "run") -> RunFiles:
    return RunFiles(store, Runs(store).get(name).id)


def test_files_are_examined_in_the_order_of_the_walk_and_each_has_one_line(
    store: Store, folder: Path, tmp_path: Path, log: Path
) -> None:
    put(folder, "broken.jpg", b"nothing")
    ended = go(store, folder, tmp_path / "out")
    assert examined(log) == ["a.jpg", "b-fake.jpg", "c.jpg"]
    assert [Path(one.line["path"]).name for one in ended] == ["a.jpg", "b-fake.jpg", "broken.jpg", "c.jpg"]
    found = lines(tmp_path / "out")
    assert list(found) == ["a.jpg", "b-fake.jpg", "broken.jpg", "c.jpg"]
    assert {line["state"] for name, line in found.items() if name != "broken.jpg"} == {"done"}
    assert (found["broken.jpg"]["state"], found["broken.jpg"]["error_code"]) == ("failed", "not-media")
    assert found["b-fake.jpg"]["verdict"] == "likely manipulated"


def test_a_run_that_is_killed_again_and_again_loses_only_files_in_flight(tmp_path: Path, log: Path) -> None:
    n_files, n_kills, n_workers, chance = 24, 2, 2, random.Random(8)
    for number in range(n_files):
        put(tmp_path / "media", f"{number:02d}.jpg", picture(number))
    out, url = tmp_path / "out", f"sqlite:///{tmp_path / 'scans.db'}"
    command = [sys.executable, "-m", "tests.unit.run_process", url, str(tmp_path / "media"), str(out)]
    n_kept = 0
    for _ in range(n_kills):
        process = subprocess.Popen(command, start_new_session=True)
        wanted = len(examined(log)) + chance.randint(2, 8)
        until_s = time.monotonic() + 60
        while len(examined(log)) < wanted and process.poll() is None and time.monotonic() < until_s:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with Store(url) as store:
            counts = files(store).counts()
            assert counts[FileState.DONE] >= n_kept, "something that was kept is lost"
            n_kept = counts[FileState.DONE]
            assert {line["path"] for line in files(store).lines()} >= {line["path"] for line in whole_lines(out)}, (
                "a line was written that the store does not know"
            )
    assert subprocess.run(command, timeout=300).returncode == 0
    found = lines(out)
    assert sorted(found) == [f"{number:02d}.jpg" for number in range(n_files)]
    assert {line["status"] for line in found.values()} == {"ok"}
    again = Counter(examined(log))
    # While a result is being kept its worker has the next file already: that is one more in flight.
    assert sum(again.values()) - n_files <= n_kills * (n_workers + 1), "more than the files in flight was done twice"


def whole_lines(out: Path) -> list[dict[str, Any]]:
    """All lines but one that a kill cut off."""
    said = (out / "results.jsonl").read_text().split("\n") if (out / "results.jsonl").exists() else []
    return [json.loads(line) for line in said[:-1]]


def test_a_second_pass_touches_only_what_changed(store: Store, folder: Path, tmp_path: Path, log: Path) -> None:
    out = tmp_path / "out"
    go(store, folder, out)
    assert go(store, folder, out) == [] and len(examined(log)) == 3
    assert {line["state"] for line in lines(out).values()} == {"unchanged"}
    put(folder, "a.jpg", picture(7), age_s=50)
    put(folder, "c.jpg", picture(2), age_s=50)
    put(folder, "d.jpg", picture(8))
    (folder / "b-fake.jpg").unlink()
    go(store, folder, out)
    assert examined(log)[3:] == ["a.jpg", "d.jpg"]
    states = {name: line["state"] for name, line in lines(out).items()}
    assert states == {"a.jpg": "done", "c.jpg": "unchanged", "d.jpg": "done"}
    assert files(store).counts()[FileState.GONE] == 1


def test_what_changed_within_the_grain_of_its_time_stamp_is_seen_by_its_hash(
    store: Store, folder: Path, log: Path
) -> None:
    path = put(folder, "now.jpg", picture(9), age_s=0)
    then = path.stat()
    go(store, folder)
    path.write_bytes(picture(10)[: then.st_size].ljust(then.st_size, b"\0"))
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))
    go(store, folder)
    assert examined(log).count("now.jpg") == 2


def test_copies_are_examined_once_also_while_the_first_is_under_way(store: Store, tmp_path: Path, log: Path) -> None:
    folder, out = tmp_path / "media", tmp_path / "out"
    for number in range(5):
        put(folder, f"copy-{number}.jpg", picture(1))
    go(store, folder, out, n_workers=2)
    assert len(examined(log)) == 1
    first = examined(log)[0]
    found = lines(out)
    assert len(found) == 5 and len({line["sha256"] for line in found.values()}) == 1
    originals = {name: line["duplicate_of"] and Path(line["duplicate_of"]).name for name, line in found.items()}
    assert originals == {name: None if name == first else first for name in found}
    assert files(store).counts()[FileState.DUPLICATE] == 4


def test_a_file_that_fails_is_tried_once_more_after_all_others_and_then_recorded(
    store: Store, folder: Path, tmp_path: Path, log: Path
) -> None:
    put(folder, "a-flaky.jpg", picture(5))
    put(folder, "b-killed.jpg", picture(6))
    put(folder, "empty.jpg", b"")
    go(store, folder, tmp_path / "out")
    names = examined(log)
    assert Counter(names)["b-killed.jpg"] == Counter(names)["a-flaky.jpg"] == 2
    assert names[-2:] == ["a-flaky.jpg", "b-killed.jpg"] and "empty.jpg" not in names
    found = lines(tmp_path / "out")
    assert found["a-flaky.jpg"]["status"] == "ok" and found["b-killed.jpg"]["error_code"] == "crashed"
    classes = {one.code: (one.n_files, Path(one.path).name) for one in files(store).errors()}
    assert classes == {"crashed": (1, "b-killed.jpg"), "empty": (1, "empty.jpg")}
    assert sum(n for n, _ in classes.values()) == files(store).counts()[FileState.FAILED]
    go(store, folder, tmp_path / "out")
    assert len(examined(log)) == len(names), "what failed is not touched again"
    go(store, folder, tmp_path / "out", retry_failed=True)
    assert examined(log)[len(names) :] == ["b-killed.jpg"] * 2


def test_a_copy_of_what_failed_fails_without_being_examined(store: Store, tmp_path: Path, log: Path) -> None:
    for name in ("a-killed.jpg", "b.jpg"):
        put(tmp_path / "media", name, picture(1))
    go(store, tmp_path / "media", tmp_path / "out", n_workers=2)
    found = lines(tmp_path / "out")
    if examined(log)[0] == "a-killed.jpg":
        assert examined(log) == ["a-killed.jpg"] * 2
        assert {line["error_code"] for line in found.values()} == {"crashed"}
        assert found["b.jpg"]["duplicate_of"] == found["a-killed.jpg"]["path"]
    else:
        # The other worker was faster: then there is a result to share.
        assert examined(log) == ["b.jpg"] and {line["status"] for line in found.values()} == {"ok"}


def test_a_full_disk_stops_the_run_and_the_next_one_has_every_result(
    store: Store, folder: Path, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []

    def full(line: Any) -> str:
        written.append(line)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return json.dumps(line) + "\n"

    with monkeypatch.context() as patch:
        patch.setattr(outputs, "as_text", full)
        with pytest.raises(OSError, match="No space left on device") as caught:
            go(store, folder, tmp_path / "out")
        assert caught.value.filename.endswith("results.jsonl")
    assert len(whole_lines(tmp_path / "out")) == 1
    # As a process that ends without a word would leave it.
    Runs(store).end(Runs(store).get("run").id, RunState.STOPPED, "No space left on device")
    go(store, folder, tmp_path / "out")
    assert sorted(lines(tmp_path / "out")) == ["a.jpg", "b-fake.jpg", "c.jpg"]
    assert examined(log) == ["a.jpg", "b-fake.jpg", "c.jpg"], "the store had the result that could not be written"


def test_a_store_that_breaks_ends_the_run_at_once(store: Store, folder: Path, tmp_path: Path, log: Path) -> None:
    with store.session(writes=True) as session, session.begin():
        session.execute(text("ALTER TABLE bodies RENAME TO away"))
    with pytest.raises(StoreError, match="no such table: bodies"):
        go(store, folder)
    assert len(examined(log)) <= 2
    with store.session(writes=True) as session, session.begin():
        session.execute(text("ALTER TABLE away RENAME TO bodies"))
    Runs(store).end(Runs(store).get("run").id, RunState.STOPPED)
    go(store, folder, tmp_path / "out")
    assert len(lines(tmp_path / "out")) == 3


def test_watching_sees_what_is_new_changed_or_gone(store: Store, folder: Path, tmp_path: Path, log: Path) -> None:
    out = tmp_path / "out"
    run, _ = Runs(store).claim("run", plan(folder))
    steps = iter(
        (
            lambda: put(folder, "new.jpg", picture(20), age_s=10),
            lambda: put(folder, "a.jpg", picture(21), age_s=10),
            lambda: (folder / "c.jpg").unlink(),
        )
    )
    seen: list[dict[str, str]] = []
    with NotedRun(store, run, Settings(folder=out, build=Flaky), is_new_pass=True) as durable:
        for one in watch(durable, lambda: expand([str(folder)]), lambda: next(steps)(), n_walks=4):
            if one is None:
                seen.append({name: line["sha256"] for name, line in lines(out).items()})
    assert [sorted(found) for found in seen] == [
        ["a.jpg", "b-fake.jpg", "c.jpg"],
        ["a.jpg", "b-fake.jpg", "c.jpg", "new.jpg"],
        ["a.jpg", "b-fake.jpg", "c.jpg", "new.jpg"],
        ["a.jpg", "b-fake.jpg", "new.jpg"],
    ]
    assert seen[1]["a.jpg"] != seen[2]["a.jpg"] and examined(log)[3:] == ["new.jpg", "a.jpg"]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A folder that cannot be listed meanwhile; that of a superuser always can."""
    scandir = os.scandir

    def refused(path: str) -> Any:
        if path == str(folder):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    with patch.object(os, "scandir", refused):
        yield


def test_what_lies_below_a_folder_that_cannot_be_listed_stays_as_it_was(
    store: Store, folder: Path, tmp_path: Path, log: Path
) -> None:
    out = tmp_path / "out"
    for name in ("inner/deep/fake.jpg", "inner2/d.jpg"):
        put(folder, name, picture(len(name)))
    go(store, folder, out)
    (folder / "inner2" / "d.jpg").unlink()
    with locked(folder / "inner"):
        go(store, folder, out)
    counts = files(store).counts()
    assert (counts[FileState.GONE], counts[FileState.FAILED], files(store).opinions()["likely manipulated"]) == (
        1,
        1,
        2,
    )
    found = lines(out)
    assert found["fake.jpg"]["verdict"] == "likely manipulated" and found["inner"]["error_code"] == "unreadable"
    assert "d.jpg" not in found
    go(store, folder, out)
    assert set(lines(out)) == {"a.jpg", "b-fake.jpg", "c.jpg", "fake.jpg"} and examined(log).count("fake.jpg") == 1


def test_the_lines_of_what_stays_are_there_when_the_files_of_a_new_pass_are(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    put(folder, "inner/d.jpg", picture(9))
    go(store, folder)
    run, _ = Runs(store).claim("run", plan(folder))
    how = Settings(folder=tmp_path / "out", build=Flaky)
    with locked(folder / "inner"), NotedRun(store, run, how, is_new_pass=True) as durable:
        list(durable.examine(expand([str(folder)])))
        assert set(lines(tmp_path / "out")) == {"a.jpg", "b-fake.jpg", "c.jpg", "d.jpg", "inner"}


def test_watching_waits_for_a_folder_that_cannot_be_listed_and_sees_it_go(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    inner, lock = put(folder, "inner/d.jpg", picture(9)).parent, ExitStack()
    run, _ = Runs(store).claim("run", plan(folder))
    steps = iter((lambda: lock.enter_context(locked(inner)), lambda: None, lambda: (lock.close(), rmtree(inner))))
    gone: list[int] = []
    with NotedRun(store, run, Settings(build=Flaky), is_new_pass=True) as durable:
        for one in watch(durable, lambda: expand([str(folder)]), lambda: next(steps)(), n_walks=4):
            if one is None:
                gone.append(files(store).counts()[FileState.GONE])
    # The last one is the folder itself, which was met as if it were a file.
    assert gone == [0, 0, 0, 2]


def test_files_in_a_container_have_results_of_their_own_and_are_kept_with_it(
    store: Store, folder: Path, tmp_path: Path, log: Path
) -> None:
    out = tmp_path / "out"
    with zipfile.ZipFile(folder / "in.zip", "w") as archive:
        archive.writestr("x.jpg", picture(30))
        archive.writestr("x-killed.jpg", picture(31))
        archive.write(folder / "a.jpg", "again.jpg")
        archive.writestr("notes.txt", "words")
    put(folder, "in.zip", (folder / "in.zip").read_bytes())
    go(store, folder, out, n_workers=2)
    names = Counter(examined(log))
    assert names["x-killed.jpg"] == 2 and names["x.jpg"] == 1 and names["a.jpg"] + names["again.jpg"] == 1
    states = {name: line["state"] for name, line in lines(out).items()}
    assert states["in.zip"] == "container" and states["x.jpg"] == "done"
    assert states["x-killed.jpg"] == states["notes.txt"] == "failed"
    assert {states["a.jpg"], states["again.jpg"]} == {"done", "duplicate"} and len(states) == 8
    before = len(examined(log))
    assert go(store, folder, out) == [] and len(examined(log)) == before
    assert set(lines(out)) == set(states)
    (folder / "in.zip").unlink()
    go(store, folder, out)
    assert set(lines(out)) == {"a.jpg", "b-fake.jpg", "c.jpg"}
