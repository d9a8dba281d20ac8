"""A folder scan counts what it examines, queues what reached the bar, and stops when somebody wants it to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forensics import folder_scan
from forensics.folder_scan import run
from forensics.settings import Limits, ScanSettings
from forensics.store import AuditLog, Queue, Store, check
from forensics.store.folder_scans import LOST_S, FolderScans, Progress
from forensics.store.queue_words import Bar
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
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'scans.db'}"


def order(url: str, number: int, bar: Bar = Bar.LIKELY) -> dict[str, Any]:
    plain = SETTINGS.to_dict()
    return {"store": url, "number": number, "actor": "ann", "bar": str(bar), "settings": plain, "n_workers": 1}


@pytest.mark.parametrize(("bar", "n_queued"), [(Bar.LIKELY, 1), (Bar.ALL, 2), (Bar.NEVER, 0)])
def test_a_whole_folder_is_counted_and_what_reached_the_bar_is_queued(
    store: str, folder: Path, bar: Bar, n_queued: int
) -> None:
    with Store(store) as opened:
        scans = FolderScans(opened)
        number = scans.begin(str(folder), actor="ann").id
        assert scans.get(number).state is Progress.STARTING
        assert run(order(store, number, bar), Scripted) is Progress.DONE
        done = scans.get(number)
        assert (done.state, done.n_files, done.n_done, done.n_failed, done.n_likely) == (Progress.DONE, 3, 3, 1, 1)
        assert done.ended_at is not None and scans.newest() == [done]
        items = Queue(opened).items()
        assert len(items) == n_queued
        assert all(Path(item.path).is_file() for item in items)
        assert AuditLog(opened).entries()[-1].action == "scan folder" and check(opened).is_intact


def test_a_scan_that_shall_stop_stops_though_a_file_is_under_way(
    store: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_scan, "BEAT_S", 0.1)
    (folder / "hangs.jpg").write_bytes(jpeg(photo(9, width=64, height=48)))
    with Store(store) as opened:
        scans = FolderScans(opened)
        number = scans.begin(str(folder), actor="ann").id
        scans.stop(number, actor="bob")
        assert run(order(store, number), Scripted) is Progress.STOPPED
        assert scans.get(number).state is Progress.STOPPED
        assert [entry.actor for entry in AuditLog(opened).entries(limit=1)] == ["bob"]
        scans.stop(number, actor="bob")
        assert check(opened).n_entries == 2


def test_a_scan_whose_process_is_gone_is_lost_and_one_that_ended_is_not(store: str) -> None:
    now_s = 0.0
    with Store(store) as opened:
        scans = FolderScans(opened, clock=lambda: now_s)
        silent, ended = scans.begin("a", actor="ann").id, scans.begin("b", actor="ann").id
        scans.report(ended, state=Progress.FAILED, message="no such folder\0")
        now_s = LOST_S + 1
        assert scans.get(silent).state is Progress.LOST
        assert (scans.get(ended).state, scans.get(ended).message) == (Progress.FAILED, "no such folder\\x00")


def test_the_process_takes_its_order_from_standard_input_and_says_why_it_failed(store: str, folder: Path) -> None:
    with Store(store) as opened:
        number = FolderScans(opened).begin(str(folder), actor="ann").id
        wrong = order(store, number) | {"settings": {"prior": 7}}
        done = subprocess.run(
            [sys.executable, "-m", "forensics.folder_scan"], input=json.dumps(wrong).encode() + b"\n", timeout=60
        )
        assert done.returncode == 2
        found = FolderScans(opened).get(number)
        assert found.state is Progress.FAILED and "prior must lie" in found.message
