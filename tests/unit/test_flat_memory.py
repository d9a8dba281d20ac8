"""The parent keeps no object of a file that it is done with: what it holds stays flat, but for arrays of hashes."""

from __future__ import annotations

import gc
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from forensics.conversation import Decide, Receive
from forensics.media import Media
from forensics.messages import Answer, Opened, Task
from forensics.outcome import Outcome
from forensics.pool import Pool
from forensics.runs import DurableRun, Settings, durable
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from forensics.store.run_words import FileState
from forensics.store.runs import Plan, Runs
from tests.make_media import jpeg, photo
from tests.unit.failing_scanners import Scripted

SETTINGS = ScanSettings(limits=Limits(image_timeout_s=60.0, memory_bytes=400 << 20))

PICTURE = jpeg(photo(1, width=64, height=48))

SLACK = 0.4
"""Objects a file: libraries have caches that fill up, and whatever is kept of each file is one object at least."""


class InThisProcess:
    """An engine without processes: every file is another picture."""

    def __init__(self) -> None:
        self._report = Scripted(SETTINGS).scan(Media.open(PICTURE))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def run(
        self, tasks: Iterable[Task], decide: Decide, receive: Receive, *, tick: Callable[[], None]
    ) -> Iterator[Outcome]:
        """Examine at once."""
        for task in tasks:
            sha256, pdq = (hashlib.sha256(f"{task.path}{salt}".encode()).hexdigest() for salt in (1, 2))
            opened = Opened(sha256, "image", "jpeg", len(PICTURE), {"unforged": "test"})
            assert decide(task, opened).scan
            report = receive(task, replace(self._report, sha256=sha256, pdq=(pdq,)), 0.01)
            yield Outcome(task, opened, report, {}, sha256, None, 0.01)


def kept_objects(examine: Callable[[int], int], *, n_warm: int, n_rounds: int) -> float:
    """Objects held more for each file of these rounds than after some to warm up; `examine` tells how many files."""
    for number in range(n_warm):
        examine(number)
    gc.collect()
    before, n_files = sys.getallocatedblocks(), 0
    for number in range(n_warm, n_warm + n_rounds):
        n_files += examine(number)
    gc.collect()
    return (sys.getallocatedblocks() - before) / n_files


def test_a_durable_run_keeps_no_object_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "make_engine", lambda *_, **__: InThisProcess())
    n_files = 50

    def tasks(number: int) -> Iterator[Task]:
        paths = (f"/evidence/a-folder-with-some-name/{number}/picture-{n:06d}.jpg" for n in range(n_files))
        return (Task(Path(path), path, path.rpartition("/")[2]) for path in paths)

    with Store(f"sqlite:///{tmp_path / 'scans.db'}") as store:
        run, _ = Runs(store).claim("run", Plan(("/evidence",), SETTINGS))
        with DurableRun(store, run, Settings(), is_new_pass=True) as examined:

            def examine(number: int) -> int:
                n_ended = sum(1 for _ in examined.examine(tasks(number), is_whole=False))
                # A connection to SQLite forgets its cursors by the hundred; the next one is opened by itself.
                store.close()
                return n_ended

            kept = kept_objects(examine, n_warm=6, n_rounds=4)
            assert examined.files.counts()[FileState.DONE] == 10 * n_files
    assert kept < SLACK


def test_a_pool_keeps_no_object_of_a_file(tmp_path: Path) -> None:
    paths = [tmp_path / f"a-picture-with-some-name-{number:04d}.jpg" for number in range(40)]
    for path in paths:
        path.write_bytes(PICTURE)
    with Pool(SETTINGS, build=Scripted) as pool:

        def examine(number: int) -> int:
            tasks = (Task(path, f"{number}/{path}", path.name) for path in paths)
            outcomes = pool.run(tasks, lambda task, opened: Answer(scan=True))
            return sum(outcome.report is not None for outcome in outcomes)

        kept = kept_objects(examine, n_warm=1, n_rounds=3)
    assert kept < SLACK
