"""Workers that ask a process for what the network sees lose no more by its death than by one of their own."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from forensics import towers
from forensics.messages import Answer, Task
from forensics.outcome import Outcome
from forensics.pool import Pool
from forensics.settings import Limits, ScanSettings
from forensics.towers import TowerProcesses, TowersNearby
from tests.make_media import jpeg, photo
from tests.unit.failing_towers import SLOW_S, Asking, mortal, refusing, sleeping, slow, stillborn

SETTINGS = ScanSettings(limits=Limits(image_timeout_s=60.0))

SCAN = Answer(scan=True)


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., list[Task]]:
    """Makes pictures of these names, no two alike."""

    def make(*names: str) -> list[Task]:
        for number, name in enumerate(names):
            (tmp_path / name).write_bytes(jpeg(photo(number, width=64, height=48)))
        return [Task(tmp_path / name, name, name) for name in names]

    return make


def examined(pool: Pool, tasks: list[Task]) -> dict[str, Outcome]:
    outcomes = list(pool.run(tasks, lambda task, opened: SCAN))
    assert len(outcomes) == len(tasks), "every file has one outcome"
    return {outcome.task.name: outcome for outcome in outcomes}


def asked(outcome: Outcome) -> int:
    """The process that answered its worker."""
    assert outcome.report is not None, outcome.error
    return int(outcome.report.findings[0].measures["tower"])


def worker(outcome: Outcome) -> int:
    assert outcome.report is not None, outcome.error
    return int(outcome.report.findings[0].summary.split()[1])


def test_workers_ask_the_process_of_the_device_and_it_ends_with_the_pool(put: Callable[..., list[Task]]) -> None:
    tasks = put(*(f"{number}.jpg" for number in range(6)))
    with Pool(SETTINGS, n_workers=2, build=Asking, towers=TowerProcesses(["cpu"], load=mortal)) as pool:
        found = examined(pool, tasks).values()
        (server,) = {asked(outcome) for outcome in found}
        assert server not in {os.getpid(), *map(worker, found)}
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_workers_are_spread_over_devices(put: Callable[..., list[Task]]) -> None:
    with Pool(SETTINGS, n_workers=2, build=Asking, towers=TowerProcesses(["cpu", "cpu"], load=mortal)) as pool:
        pool.start()
        found = examined(pool, put("0.jpg", "1.jpg")).values()
    assert len({asked(outcome) for outcome in found}) == len({worker(outcome) for outcome in found}) == 2


def test_a_long_path_of_the_folder_for_temporary_files_is_no_obstacle(
    put: Callable[..., list[Task]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / ("x" * 120)
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with Pool(SETTINGS, build=Asking, towers=TowerProcesses(["cpu"], load=mortal)) as pool:
        assert asked(examined(pool, put("0.jpg"))["0.jpg"])


def test_without_devices_each_worker_has_its_own(put: Callable[..., list[Task]]) -> None:
    with Pool(SETTINGS, build=Asking) as pool:
        assert asked(examined(pool, put("0.jpg"))["0.jpg"]) == 0


def test_a_process_that_dies_is_started_again_and_the_file_that_waited_comes_once_more_after_the_others(
    put: Callable[..., list[Task]], caplog: pytest.LogCaptureFixture
) -> None:
    tasks, found = put("0.jpg", "deadly.jpg", "1.jpg", "2.jpg"), {}
    with Pool(SETTINGS, build=Asking, towers=TowerProcesses(["cpu"], load=mortal)) as pool:
        for outcome in pool.run(tasks, lambda task, opened: SCAN):
            found[outcome.task.name] = asked(outcome)
            if outcome.task.name == "1.jpg":
                tasks[0].path.with_name("cured").touch()
    assert [*found] == ["0.jpg", "1.jpg", "2.jpg", "deadly.jpg"]
    assert found.pop("0.jpg") not in found.values() and len({*found.values()}) == 1
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the process that runs the network on cpu ended (signal 9) and is started again"]


def test_a_file_whose_process_dies_twice_has_crashed(
    put: Callable[..., list[Task]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(towers, "AGAIN_S", 0.0)
    with Pool(SETTINGS, build=Asking, towers=TowerProcesses(["cpu"], load=mortal)) as pool:
        found = examined(pool, put("deadly.jpg", "0.jpg"))
    error = found["deadly.jpg"].error
    assert error is not None and error.code == "crashed"
    assert str(error) == "the process that ran the network for it ended"
    assert asked(found["0.jpg"])


def test_a_process_that_dies_over_and_over_ends_the_scan(put: Callable[..., list[Task]]) -> None:
    tasks = put("deadly.jpg", "0.jpg", "deadly-too.jpg", "1.jpg")
    with Pool(SETTINGS, build=Asking, towers=TowerProcesses(["cpu"], load=mortal)) as pool:
        words = "the process that runs the network on cpu ended (signal 9), and so did the one before it"
        with pytest.raises(RuntimeError, match=f"^{re.escape(words)}$"):
            examined(pool, tasks)


def stop(process: int) -> None:
    os.kill(process, signal.SIGSTOP)
    until_s = time.monotonic() + 30.0
    # One thread of it has to hear of that for all.
    while psutil.Process(process).status() != psutil.STATUS_STOPPED and time.monotonic() < until_s:
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals that stop a process")
def test_a_process_that_hangs_is_replaced_and_the_files_that_waited_have_their_results(
    put: Callable[..., list[Task]], caplog: pytest.LogCaptureFixture
) -> None:
    settings = ScanSettings(limits=Limits(image_timeout_s=4.0))
    served, tasks = TowerProcesses(["cpu"], load=mortal, hang_s=5.0), put("0.jpg", "1.jpg", "2.jpg")
    with Pool(settings, n_workers=2, build=Asking, towers=served) as pool:
        first = asked(examined(pool, tasks[:1])["0.jpg"])
        stop(first)
        found = examined(pool, tasks[1:])
    assert first not in {asked(outcome) for outcome in found.values()}
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the process that runs the network on cpu gave no sign of life for 5 s and is started again"]


def test_a_process_that_hangs_over_and_over_ends_the_scan(put: Callable[..., list[Task]]) -> None:
    words = "the process that runs the network on cpu gave no sign of life for 2 s, and so did the one before it"
    served = TowerProcesses(["cpu"], load=sleeping, hang_s=2.0)
    with Pool(SETTINGS, build=Asking, towers=served) as pool, pytest.raises(RuntimeError, match=f"^{words}$"):
        examined(pool, put("0.jpg"))


def test_what_a_slow_process_takes_is_not_the_time_of_a_file(put: Callable[..., list[Task]]) -> None:
    settings = ScanSettings(limits=Limits(image_timeout_s=4.0))
    with Pool(settings, build=Asking, towers=TowerProcesses(["cpu"], load=slow)) as pool:
        outcome = examined(pool, put("0.jpg"))["0.jpg"]
    assert asked(outcome) and outcome.elapsed_s > SLOW_S


def test_a_file_that_keeps_the_process_busy_is_stopped_all_the_same(
    put: Callable[..., list[Task]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensics.pool.HANG_S", 4.0)
    settings = ScanSettings(limits=Limits(image_timeout_s=4.0, timeout_s=2.0))
    with Pool(settings, build=Asking, towers=TowerProcesses(["cpu"], load=slow)) as pool:
        outcome = examined(pool, put("insatiable.jpg"))["insatiable.jpg"]
    assert outcome.error is not None and outcome.error.code == "timeout"


def test_a_device_that_is_not_there_is_told_before_anything_begins() -> None:
    with pytest.raises(ValueError, match=r"^there is no device cuda:7 here$"):
        Pool(SETTINGS, build=Asking, towers=TowerProcesses(["cpu", "cuda:7"], load=refusing)).__enter__()


def test_a_process_that_cannot_start_is_told_with_how_it_died() -> None:
    with pytest.raises(RuntimeError, match=r"^the process for the device cpu ended \(signal 9\)$"):
        Pool(SETTINGS, build=Asking, towers=TowerProcesses(["cpu"], load=stillborn)).__enter__()


def test_an_address_where_nobody_listens_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="is gone"):
        TowersNearby([tmp_path / "tower"]).line()
