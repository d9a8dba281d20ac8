"""What was moved is the same file at a new place: no result names as the original what does not exist any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from forensics.inputs import expand
from forensics.runs import Settings
from forensics.runs.watch import watch
from forensics.store import Store
from forensics.store.run_words import FileState
from forensics.store.runs import Runs
from tests.make_containers import zipped
from tests.unit.run_process import LOG, Flaky, NotedRun, go, plan
from tests.unit.test_durable_runs import examined, files, lines, picture, put


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "media"
    put(made, "old.zip", zipped({"a.jpg": picture(1), "b-fake.jpg": picture(2)}))
    put(made, "x.jpg", picture(3))
    return made


def originals(out: Path) -> dict[str, Any]:
    """Name -> state and name of the original."""
    found = lines(out).items()
    return {name: (line["state"], line["duplicate_of"] and Path(line["duplicate_of"]).name) for name, line in found}


@pytest.mark.parametrize("later", ["a-new", "z-new"])
def test_what_was_renamed_keeps_its_results_and_is_no_copy(
    store: Store, folder: Path, tmp_path: Path, later: str
) -> None:
    out = tmp_path / "out"
    go(store, folder, out)
    n_examined, before = len(examined(tmp_path / LOG)), lines(out)
    (folder / "old.zip").rename(folder / f"{later}.zip")
    (folder / "x.jpg").rename(folder / f"{later}.jpg")
    ended = go(store, folder, out)
    assert len(examined(tmp_path / LOG)) == n_examined == 3
    assert {one.line["duplicate_of"] for one in ended if one.state is not FileState.CONTAINER} == {None}
    assert originals(out) == {
        f"{later}.jpg": ("unchanged", None),
        "a.jpg": ("unchanged", None),
        "b-fake.jpg": ("unchanged", None),
        f"{later}.zip": ("container", None),
    }
    assert lines(out)["b-fake.jpg"]["verdict"] == before["b-fake.jpg"]["verdict"] == "likely manipulated"
    counts = files(store).counts()
    assert (counts[FileState.DUPLICATE], counts[FileState.GONE]) == (0, 4)
    go(store, folder, out)
    assert files(store).counts() == counts


def test_a_copy_of_what_is_still_there_is_a_copy_though_the_walk_has_yet_to_meet_it(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    go(store, folder, out)
    put(folder, "a-copy.jpg", picture(3))
    put(folder, "a-copy.zip", zipped({"in-copy.jpg": picture(1)}))
    go(store, folder, out)
    found = originals(out)
    assert found["a-copy.jpg"] == ("duplicate", "x.jpg") and found["in-copy.jpg"] == ("duplicate", "a.jpg")


def test_the_first_copy_takes_the_place_of_an_original_that_goes_or_changes(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for name in ("y1.jpg", "y2.jpg"):
        put(folder, name, picture(3))
    put(folder, "z.zip", zipped({"z1.jpg": picture(1)}))
    go(store, folder, out)
    assert originals(out)["y2.jpg"] == ("duplicate", "x.jpg") and originals(out)["z1.jpg"] == ("duplicate", "a.jpg")
    (folder / "x.jpg").unlink()
    put(folder, "old.zip", zipped({"b-fake.jpg": picture(2)}), age_s=50)
    go(store, folder, out)
    found = originals(out)
    assert found["y1.jpg"] == ("unchanged", None) and found["y2.jpg"] == ("unchanged", "y1.jpg")
    assert found["z1.jpg"] == ("unchanged", None)
    put(folder, "y1.jpg", picture(9), age_s=50)
    go(store, folder, out)
    assert originals(out)["y1.jpg"] == ("done", None) and originals(out)["y2.jpg"] == ("unchanged", None)


def test_where_nothing_tells_that_the_old_place_is_empty_the_end_of_the_walk_does(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    go(store, folder, out)
    (folder / "x.jpg").rename(folder / "y.jpg")
    with patch("forensics.runs.desk.is_missing", lambda path: False):
        (ended,) = [one for one in go(store, folder, out) if one.line["path"].endswith("y.jpg")]
    assert ended.state is FileState.DUPLICATE
    assert originals(out)["y.jpg"] == ("unchanged", None)


def test_what_was_moved_while_its_folder_was_watched_is_no_copy(store: Store, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(folder, "y.jpg", picture(3))
    run, _ = Runs(store).claim("run", plan(folder))

    def move() -> None:
        (folder / "old.zip").rename(folder / "new.zip")
        (folder / "x.jpg").unlink()

    with NotedRun(store, run, Settings(folder=out, build=Flaky), is_new_pass=True) as durable:
        walks = watch(durable, lambda: expand([str(folder)]), move, n_walks=2)
        ended = [one for one in walks if one is not None]
    told = {Path(one.line["path"]).name: one.line["duplicate_of"] for one in ended[-3:]}
    assert told == {"a.jpg": None, "b-fake.jpg": None, "new.zip": None}
    assert originals(out) == {
        "y.jpg": ("done", None),
        "a.jpg": ("done", None),
        "b-fake.jpg": ("done", None),
        "new.zip": ("container", None),
    }
    assert len(examined(tmp_path / LOG)) == 3
