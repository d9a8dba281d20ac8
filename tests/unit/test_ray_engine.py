"""A run on a cluster has the results of a run on one machine, whichever machine or process dies in its course."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from forensics.cli import main
from forensics.engine import Cluster
from forensics.ray_engine import crew, posts, shares
from forensics.runs import Ended
from forensics.store import Store
from forensics.store.run_files import RunFiles
from forensics.store.run_words import FileState
from forensics.store.runs import Runs
from tests.make_containers import tarred
from tests.make_media import jpeg, photo
from tests.unit.cluster_runs import OfItsOwn, Patient, go
from tests.unit.failing_towers import mortal

ROOT = Path(__file__).parents[2]
LEAST_BYTES = 80 << 20
"""For objects on one of Ray's nodes."""


@pytest.fixture(scope="module")
def machines() -> Iterator[Any]:
    """Three machines, as Ray sees it: one that leads, and two with a processor each."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster as Machines

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        first = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": LEAST_BYTES}
        made = Machines(initialize_head=True, head_node_args=first)
        for _ in range(2):
            join(made)
        yield made
        made.shutdown()


def join(machines: Any) -> Any:
    return machines.add_node(num_cpus=1, object_store_memory=LEAST_BYTES, wait=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "media").mkdir()
    return tmp_path / "media"


def put(folder: Path, name: str, seed: int) -> Path:
    (folder / name).write_bytes(jpeg(photo(seed, width=64, height=48)))
    return folder / name


def lines(out: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    by_path = {line["path"]: line for line in found}
    assert len(by_path) == len(found), "a file has two lines"
    return by_path


def states(store: Store) -> dict[FileState, int]:
    counts = RunFiles(store, Runs(store).get("run").id).counts()
    return {state: number for state, number in counts.items() if number}


def test_results_and_reports_are_those_of_one_machine(machines: Any, folder: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("a.jpg", "b-fake.jpg", "c.jpg")):
        put(folder, name, number)
    (folder / "broken.jpg").write_bytes(b"nothing")
    with zipfile.ZipFile(folder / "in.zip", "w") as archive:
        archive.writestr("x.jpg", jpeg(photo(30, width=64, height=48)))
        archive.writestr("x-killed.jpg", jpeg(photo(31, width=64, height=48)))
        archive.write(folder / "a.jpg", "again.jpg")
        archive.writestr("notes.txt", "words")
    found = []
    for name, cluster in (("here", None), ("there", Cluster(machines.address, n_stations=1))):
        with Store(f"sqlite:///{tmp_path / name}.db") as store:
            go(store, folder, cluster, out=tmp_path / name, forms=("json",))
        told = lines(tmp_path / name)
        for line in told.values():
            for changing in ("elapsed_s", "scanned_at", "findings", "scan_id"):
                del line[changing]
        found.append(told)
        assert all((tmp_path / name / page).stat().st_size for line in told.values() for page in line["reports"])
    here, there = found
    assert here == there and len(here) == 9
    assert {line["error_code"] for line in here.values()} == {None, "crashed", "not-media"}
    assert len(here[str(folder / "a.jpg")]["reports"]) == 1


def test_no_file_is_lost_or_done_twice_when_a_machine_dies_and_another_one_joins(
    machines: Any, folder: Path, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "COUNT_S", 0.1)
    put(folder, "00-gated.jpg", 0)
    for number in range(1, 16):
        put(folder, f"{number:02d}.jpg", number)
    out, told, gate = tmp_path / "out", [], folder.parent / "gate"
    joined: list[Any] = []

    def see(ended: Ended) -> None:
        machine = machine_of(ended, machines)
        if not joined and machine is not None:
            # One is held up by the gated file: this is the other one.
            machines.remove_node(machine, allow_graceful=False)
            joined.append(join(machines))
        elif joined and machine is joined[0]:
            gate.touch()

    go(store, folder, Cluster(machines.address), out=out, tell=lambda *event: told.append(event), see=see)
    assert gate.exists() and len(lines(out)) == 16
    assert states(store) == {FileState.DONE: 16}
    retried = [details for event, details in told if event == "retry"]
    assert [details["error_code"] for details in retried] == ["crashed"], "the file under way, not the one ahead of it"


def test_an_archive_is_examined_by_all_machines_and_whole_when_one_dies_at_its_share(
    machines: Any, folder: Path, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "COUNT_S", 0.1)
    monkeypatch.setattr(shares, "STREAM_SHARE_BYTES", 1)
    names = ["00-gated.jpg", *(f"{number:02d}.jpg" for number in range(1, 16))]
    pictures = {name: jpeg(photo(number, width=64, height=48)) for number, name in enumerate(names)}
    (folder / "all.tar").write_bytes(tarred(pictures | {"copy.jpg": pictures["01.jpg"]}))
    out, told = tmp_path / "out", []
    at_work: list[Any] = []

    def see(ended: Ended) -> None:
        at_work.append(machine_of(ended, machines))
        if len(at_work) == 1:
            # The other one is held up by the gated file.
            machines.remove_node(at_work[0], allow_graceful=False)
            join(machines)
            (folder.parent / "gate").touch()

    go(store, folder, Cluster(machines.address), out=out, tell=lambda *event: told.append(event), see=see)
    archive = f"{folder / 'all.tar'}"
    found = lines(out)
    assert {*found} == {archive, *(f"{archive}!/{name}" for name in names)}
    assert found[archive]["inside"]["n_files"] == 16 and found[archive]["inside"]["left_out"] == {"duplicate": 1}
    assert states(store) == {FileState.DONE: 16, FileState.CONTAINER: 1}
    assert archive in [details["path"] for event, details in told if event == "retry"]
    assert len({id(machine) for machine in at_work if machine is not None}) >= 2


def machine_of(ended: Ended, machines: Any) -> Any:
    """Of those that joined, the one on which a file was examined."""
    if ended.result is None or ended.result.report is None:
        return None
    (finding,) = ended.result.report.findings
    try:
        above = {parent.pid for parent in psutil.Process(int(finding.summary.split()[1])).parents()}
    except psutil.Error:
        return None
    by_pid = {node.all_processes["raylet"][0].process.pid: node for node in machines.worker_nodes}
    return next((node for pid, node in by_pid.items() if pid in above), None)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_run_whose_driver_is_killed_goes_on(machines: Any, folder: Path, tmp_path: Path, url: str) -> None:
    n_files, out = 12, tmp_path / "out"
    for number in range(n_files):
        put(folder, f"{number:02d}.jpg" if number < n_files - 1 else "z-gated.jpg", number)
    program = "from tests.unit.cluster_runs import main; main()"
    command = [sys.executable, "-c", program, url, str(folder), str(out), machines.address]
    process = subprocess.Popen(command, start_new_session=True)
    until_s = time.monotonic() + 60
    while len(written(out)) < 4 and process.poll() is None and time.monotonic() < until_s:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (tmp_path / "gate").touch()
    n_kept = len(written(out))
    assert 4 <= n_kept < n_files
    with Store(url) as store:
        ended = go(store, folder, Cluster(machines.address), out=out)
        assert states(store) == {FileState.DONE: n_files}
    assert len(ended) <= n_files - n_kept and len(lines(out)) == n_files


def written(out: Path) -> list[str]:
    return (out / "results.jsonl").read_text().splitlines() if (out / "results.jsonl").exists() else []


def test_stations_of_a_machine_with_a_graphics_card_ask_the_process_that_has_it_and_others_do_not(
    machines: Any, folder: Path, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posts, "shipped_on", mortal)
    node = machines.add_node(num_cpus=1, num_gpus=1, object_store_memory=LEAST_BYTES, wait=False)
    # Stations without a card hold four of them, so that some are left for the second process on the card.
    names = [f"{number:02d}.jpg" for number in range(12)]
    for number, name in enumerate(names):
        put(folder, name, number)
    servers: list[float] = []
    retried: list[str] = []

    def see(ended: Ended) -> None:
        if (server := asked(ended)) and server not in servers:
            servers.append(server)
        if len(servers) == 2:
            (folder.parent / "gate").touch()

    def tell(event: str, details: dict[str, Any]) -> None:
        if event == "retry":
            retried.append(Path(details["path"]).name)
            (folder.parent / "cured").touch()

    try:
        wanted = Cluster(machines.address, n_stations=3, device="cpu")
        ended = go(store, folder, wanted, out=tmp_path / "out", build=Patient, tell=tell, see=see)
    finally:
        machines.remove_node(node)
    assert states(store) == {FileState.DONE: len(names)} and len(lines(tmp_path / "out")) == len(names)
    assert 1 <= len(retried) <= 2, "at most the one ahead of it as well"
    assert {0.0, *servers} == {asked(one) for one in ended} and len(servers) == 2


def asked(ended: Ended) -> float:
    """The process that had the card, 0 where there was none."""
    assert ended.result is not None and ended.result.report is not None
    return ended.result.report.findings[0].measures["tower"]


def test_a_plain_scan_finds_its_files_where_it_was_called(
    machines: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    put(folder, "a.jpg", 1)
    monkeypatch.chdir(folder.parent)
    cluster = ("--engine", "ray", "--address", machines.address, "--jobs", "1")
    assert main(["scan", "media", "--out", "out", "--store", "none", "--analyzers", "metadata", *cluster]) == 0
    assert capfd.readouterr().out.startswith("media/a.jpg\tinconclusive\t")
    assert {path.suffix for path in Path("out").iterdir()} == {".html", ".json", ".jsonl"}


def test_a_machine_with_other_versions_is_refused(machines: Any, folder: Path, store: Store) -> None:
    put(folder, "a.jpg", 1)
    with pytest.raises(ValueError, match=r"would examine with other versions: numpy \d+ there, \d+ here$"):
        go(store, folder, Cluster(machines.address, n_stations=1), build=OfItsOwn)
    assert states(store) == {FileState.WAITING: 1}


def test_without_a_cluster_at_the_address_nothing_begins(folder: Path, store: Store) -> None:
    pytest.importorskip("ray")
    with pytest.raises(ConnectionError, match=r"no Ray cluster at 127\.0\.0\.1:1: Connection refused"):
        go(store, folder, Cluster("127.0.0.1:1"))


def test_a_cluster_has_stations() -> None:
    with pytest.raises(ValueError, match="at least one station, not 0"):
        Cluster(n_stations=0)
