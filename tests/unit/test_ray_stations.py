"""What a driver makes of stations that die at the worst moments. The cluster is threads: this needs no Ray."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from forensics.engine import Cluster
from forensics.messages import Answer, Task
from forensics.ray_engine import RayPool, crew, ray_pool, shares
from forensics.ray_engine.words import Ended as FileEnded
from forensics.runs import Ended
from forensics.settings import ScanSettings
from forensics.store import Store
from forensics.store.run_files import RunFiles
from forensics.store.run_words import FileState
from forensics.store.runs import Runs
from tests.make_containers import tarred, zipped
from tests.make_media import jpeg, photo
from tests.unit.cluster_of_threads import Threads
from tests.unit.cluster_runs import LIMITS, go
from tests.unit.failing_scanners import Scripted

N_INSIDE = 5
PICTURES = {f"{number}.jpg": jpeg(photo(number, width=64, height=48)) for number in range(8)}


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    made = Threads()

    @contextmanager
    def connect(address: str | None) -> Iterator[Threads]:
        yield made

    monkeypatch.setattr(ray_pool, "on_ray", connect)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive and a picture."""
    (tmp_path / "media").mkdir()
    with zipfile.ZipFile(tmp_path / "media" / "in.zip", "w") as archive:
        for number in range(N_INSIDE):
            archive.writestr(f"{number}.jpg", jpeg(photo(number, width=64, height=48)))
    (tmp_path / "media" / "z.jpg").write_bytes(jpeg(photo(9, width=64, height=48)))
    return tmp_path / "media"


def states(store: Store) -> dict[FileState, int]:
    counts = RunFiles(store, Runs(store).get("run").id).counts()
    return {state: number for state, number in counts.items() if number}


def lines(out: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    by_name = {line["path"].rpartition("/")[2]: line for line in found}
    assert len(by_name) == len(found), "a file has two lines"
    return by_name


def losing(threads: Threads, *numbers: int) -> Any:
    """Lose the station when so many results are there."""
    seen: list[Ended] = []

    def see(ended: Ended) -> None:
        seen.append(ended)
        if len(seen) in numbers:
            threads.placed[-1].lose()

    return see


def test_an_archive_that_loses_its_machine_is_opened_again_and_each_file_in_it_has_one_result(
    threads: Threads, store: Store, folder: Path, tmp_path: Path
) -> None:
    told: list[dict[str, Any]] = []

    def tell(event: str, details: dict[str, Any]) -> None:
        told.extend([details] * (event == "retry"))

    go(store, folder, Cluster(), out=tmp_path / "out", tell=tell, see=losing(threads, 2))
    assert states(store) == {FileState.DONE: N_INSIDE + 1, FileState.CONTAINER: 1}
    found = lines(tmp_path / "out")
    assert len(found) == N_INSIDE + 2 and found["in.zip"]["inside"]["n_files"] == N_INSIDE
    assert len(threads.placed) == 2
    retried = [Path(details["path"]).name for details in told]
    assert "in.zip" in retried and "z.jpg" not in retried, "what was only handed ahead has no mark"


def test_an_archive_that_loses_its_machine_twice_has_failed_and_keeps_what_was_found_in_it(
    threads: Threads, store: Store, folder: Path, tmp_path: Path
) -> None:
    go(store, folder, Cluster(), out=tmp_path / "out", see=losing(threads, 2, 4))
    found = lines(tmp_path / "out")
    assert (found["in.zip"]["error_code"], found["z.jpg"]["status"]) == ("crashed", "ok")
    assert "went away" in found["in.zip"]["error"]
    n_inside = len(found) - 2
    assert 2 <= n_inside < N_INSIDE and found["in.zip"]["inside"]["n_files"] == n_inside
    assert FileState.WAITING not in states(store)


def test_files_of_an_archive_in_an_archive_are_waited_for(threads: Threads, store: Store, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "out.zip").write_bytes(zipped({"in.zip": zipped(PICTURES)}))
    go(store, tmp_path / "media", Cluster(), out=tmp_path / "out")
    assert {*lines(tmp_path / "out")} == {*PICTURES, "in.zip", "out.zip"}


@pytest.fixture
def small_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives are parted however small they are."""
    monkeypatch.setattr(shares, "ZIP_SHARE_BYTES", 1)
    monkeypatch.setattr(shares, "STREAM_SHARE_BYTES", 1)


def told(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Lines without what differs from scan to scan."""
    changing = ("elapsed_s", "scanned_at", "findings", "scan_id")
    return {path: {name: value for name, value in line.items() if name not in changing} for path, line in found.items()}


def n_processes(found: dict[str, dict[str, Any]]) -> int:
    """That examined what lay in a container."""
    return len({line["findings"][0]["summary"] for line in found.values() if line["container"] and line["findings"]})


@pytest.mark.usefixtures("small_shares")
def test_an_archive_is_examined_by_all_stations_and_has_the_lines_of_one_machine(
    threads: Threads, tmp_path: Path
) -> None:
    (tmp_path / "media").mkdir()
    nested = zipped({"x.jpg": jpeg(photo(9, width=64, height=48))})
    others = {"again.jpg": PICTURES["0.jpg"], "notes.txt": b"words", "in.zip": nested}
    (tmp_path / "media" / "out.zip").write_bytes(zipped(PICTURES | others))
    found = []
    for name, cluster in (("here", None), ("there", Cluster(n_stations=2))):
        with Store(f"sqlite:///{tmp_path / name}.db") as store:
            go(store, tmp_path / "media", cluster, out=tmp_path / name)
        found.append(lines(tmp_path / name))
    here, there = found
    assert told(here) == told(there) and {*there} == {*PICTURES, "x.jpg", "notes.txt", "in.zip", "out.zip"}
    assert there["out.zip"]["inside"]["n_files"] == 10 and there["out.zip"]["inside"]["left_out"] == {"duplicate": 1}
    assert (n_processes(here), n_processes(there)) == (1, 2)


@pytest.mark.usefixtures("small_shares")
def test_stations_that_die_at_their_shares_leave_each_file_one_line(
    threads: Threads, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "all.tar").write_bytes(tarred(PICTURES | {"gated.jpg": jpeg(photo(8, width=64, height=48))}))
    seen: list[Ended] = []

    def see(ended: Ended) -> None:
        seen.append(ended)
        if len(seen) == len(PICTURES):
            for placed in tuple(threads.placed):
                placed.lose()
            (tmp_path / "gate").touch()

    go(store, tmp_path / "media", Cluster(n_stations=2), out=tmp_path / "out", see=see)
    assert states(store) == {FileState.DONE: len(PICTURES) + 1, FileState.CONTAINER: 1}
    found = lines(tmp_path / "out")
    assert {*found} == {*PICTURES, "gated.jpg", "all.tar"} and len(seen) == len(found)
    assert found["all.tar"]["inside"]["n_files"] == len(PICTURES) + 1 and len(threads.placed) == 4


@pytest.mark.usefixtures("small_shares")
def test_a_run_that_was_stopped_knows_what_was_examined_in_whatever_share(
    threads: Threads, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "all.tar").write_bytes(tarred(PICTURES))
    seen: list[Ended] = []

    def see(ended: Ended) -> None:
        seen.append(ended)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(store, tmp_path / "media", Cluster(n_stations=2), out=tmp_path / "out", see=see)
    rest = go(store, tmp_path / "media", Cluster(n_stations=1), out=tmp_path / "out")
    assert len(rest) == len(PICTURES) + 1 - 3
    assert {*lines(tmp_path / "out")} == {*PICTURES, "all.tar"}
    assert states(store) == {FileState.DONE: len(PICTURES), FileState.CONTAINER: 1}


def test_a_station_that_dies_while_it_has_nothing_to_do_costs_no_file_a_try(threads: Threads, folder: Path) -> None:
    task = Task(folder / "z.jpg", "z.jpg", "z.jpg")
    with RayPool(ScanSettings(limits=LIMITS), Cluster(), build=Scripted) as pool:
        for _ in range(2):
            (outcome,) = pool.run([task], lambda task, opened: Answer(scan=True))
            assert outcome.error is None and outcome.report is not None
            threads.placed[-1].lose()
    assert len(threads.placed) == 2


def test_a_machine_that_does_not_see_the_files_ends_the_run(
    threads: Threads, store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(call: Any) -> list[Any]:
        return [FileEnded(one.outcome, True) if isinstance(one, FileEnded) else one for one in call.result()]

    monkeypatch.setattr(threads, "answer", answer)
    with pytest.raises(RuntimeError, match=r"does not see .+: all machines must see the same folders"):
        go(store, folder, Cluster())
    assert states(store)[FileState.WAITING] >= 1


def test_stations_that_die_before_they_are_ready_are_given_up(
    threads: Threads, store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: object) -> None:
        raise RuntimeError("a worker process could not start")

    monkeypatch.setattr(crew.Station, "go_on", unable)
    monkeypatch.setattr(crew, "AGAIN_S", 0.0)
    with pytest.raises(RuntimeError, match=r"^no station could be started on the cluster: .+ could not start$"):
        go(store, folder, Cluster())
    assert len(threads.placed) == crew.MAX_FAILED


def test_a_cluster_without_room_is_not_waited_for_for_ever(
    threads: Threads, store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "START_S", 0.3)
    monkeypatch.setattr(crew.Station, "go_on", lambda *_: time.sleep(1.0))
    with pytest.raises(RuntimeError, match="no machine of the cluster had a station ready within 0 s; each takes"):
        go(store, folder, Cluster())


def test_a_cluster_that_loses_its_head_ends_the_run_before_ray_ends_the_process(
    threads: Threads, store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(memory_bytes: int) -> int:
        raise ConnectionError("there is no Ray cluster here")

    monkeypatch.setattr(crew, "COUNT_S", 0.0)
    monkeypatch.setattr(crew, "HEADLESS_S", 0.3)
    monkeypatch.setattr(threads, "n_places", nobody)
    with pytest.raises(ConnectionError, match="no Ray cluster"):
        go(store, folder, Cluster())
    assert states(store)[FileState.WAITING] == 2


def test_nothing_to_examine_starts_no_station(threads: Threads, store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert go(store, tmp_path / "empty", Cluster()) == [] and threads.placed == []
