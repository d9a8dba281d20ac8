"""A run in a process of its own queues what reached the bar, stops when somebody wants it to, and tells its end."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from forensics.containers import InsideLimits
from forensics.runs import durable, process
from forensics.runs.process import Order, launch, work
from forensics.settings import Limits, ScanSettings
from forensics.store import AuditLog, Queue, Store, check
from forensics.store.queue_words import Bar
from forensics.store.run_results import RunResults
from forensics.store.run_words import FileState
from forensics.store.runs import Plan, Run, Runs, RunState
from tests.make_media import jpeg, photo
from tests.unit.failing_scanners import Scripted

SETTINGS = ScanSettings(limits=Limits(image_timeout_s=60.0, memory_bytes=400 << 20))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    made.mkdir()
    for number, name in enumerate(("fake.jpg", "plain.jpg")):
        (made / name).write_bytes(jpeg(photo(number, width=64, height=48)))
    (made / "broken.jpg").write_bytes(b"nothing")
    return made


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'scans.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as opened:
        yield opened


def claim(store: Store, folder: Path, settings: ScanSettings = SETTINGS) -> Run:
    return Runs(store).claim("run", Plan((str(folder),), settings, InsideLimits()), actor="ann")[0]


def order(url: str, bar: Bar = Bar.LIKELY) -> Order:
    return Order(url, "run", "ann", bar)


@pytest.mark.parametrize(("bar", "n_queued"), [(Bar.LIKELY, 1), (Bar.ALL, 2), (Bar.NEVER, 0)])
def test_every_file_has_a_result_and_what_reached_the_bar_is_queued(
    store: Store, url: str, folder: Path, bar: Bar, n_queued: int
) -> None:
    run = claim(store, folder)
    assert work(order(url, bar), Scripted) is RunState.DONE
    counts = RunResults(store, run.id).counts()
    assert (Runs(store).get("run").state, counts[FileState.DONE], counts[FileState.FAILED]) == (RunState.DONE, 2, 1)
    items = Queue(store).items()
    assert len(items) == n_queued and all(Path(item.path).is_file() for item in items)
    assert AuditLog(store).entries()[-1].action == "start run" and check(store).is_intact


def test_a_run_that_shall_stop_stops_though_a_file_is_under_way_and_goes_on_later(
    store: Store, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "BEAT_S", 0.05)
    (folder / "hangs.jpg").write_bytes(jpeg(photo(9, width=64, height=48)))
    run = claim(store, folder)
    results = RunResults(store, run.id)

    def stop_when_it_hangs() -> None:
        until_s = time.monotonic() + 60
        while results.counts()[FileState.FAILED] < 1 and time.monotonic() < until_s:
            time.sleep(0.05)
        Runs(store).stop("run", actor="bob")

    stopping = threading.Thread(target=stop_when_it_hangs)
    stopping.start()
    assert work(order(url), Scripted) is RunState.STOPPED
    stopping.join()
    stopped = Runs(store).get("run")
    assert (stopped.state, stopped.message) == (RunState.STOPPED, "stopped by bob")
    (folder / "hangs.jpg").unlink()
    _, was_cut_off = Runs(store).claim("run", actor="cleo")
    assert was_cut_off and Runs(store).get("run").stop_wanted_by == ""
    assert work(replace(order(url), is_new_pass=False), Scripted) is RunState.DONE
    assert results.counts()[FileState.DONE] == 2
    acts = [(entry.action, entry.actor) for entry in AuditLog(store).entries() if entry.subject == "run"][::-1]
    assert acts == [("start run", "ann"), ("stop run", "bob"), ("resume run", "cleo")]


def test_what_it_fails_by_is_told(store: Store, url: str, folder: Path) -> None:
    claim(store, folder, replace(SETTINGS, analyzers=("none",)))
    assert work(order(url)) is RunState.FAILED
    found = Runs(store).get("run")
    assert found.state is RunState.FAILED and "'none'" in found.message


def test_the_process_takes_its_order_from_standard_input_and_needs_no_one_who_started_it(
    store: Store, url: str, folder: Path
) -> None:
    plan = Plan((str(folder),), replace(SETTINGS, analyzers=("ela",)), InsideLimits())
    run = launch(store, url, "run", plan, actor="ann", bar=Bar.ALL)
    with pytest.raises(ValueError, match="a process works on the run"):
        Runs(store).claim("run", plan)
    until_s = time.monotonic() + 120
    while Runs(store).get("run").is_running and time.monotonic() < until_s:
        time.sleep(0.1)
    assert Runs(store).get("run").state is RunState.DONE
    assert RunResults(store, run.id).counts()[FileState.DONE] == 2 and len(Queue(store).items()) == 2


def test_a_process_that_dies_before_its_order_is_followed_leaves_a_lost_run_and_not_a_running_one(
    store: Store, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, begin = Plan((str(folder),), SETTINGS), subprocess.Popen

    def dying(words: list[str], **given: object) -> subprocess.Popen[bytes]:
        return begin([sys.executable, "-c", "import sys; sys.stdin.readline()"], **given)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(process.subprocess, "Popen", dying)
    launch(store, url, "run", plan, actor="ann", bar=Bar.NEVER)
    until_s = time.monotonic() + 60
    while Runs(store).get("run").is_running and time.monotonic() < until_s:
        time.sleep(0.05)
    assert Runs(store).get("run").state is RunState.LOST, "it ended, and nobody asked how"


def test_a_process_that_cannot_be_started_is_told(
    store: Store, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process.sys, "executable", str(folder / "none"))
    with pytest.raises(OSError, match="none"):
        launch(store, url, "run", Plan((str(folder),), SETTINGS), actor="a", bar=Bar.ALL)
    found = Runs(store).get("run")
    assert found.state is RunState.FAILED and "its process did not start" in found.message


def test_an_order_is_read_as_it_was_written(url: str) -> None:
    given = replace(order(url, Bar.ALL), is_new_pass=False, retry_failed=True)
    assert Order.from_line(json.dumps(vars(given))) == given
