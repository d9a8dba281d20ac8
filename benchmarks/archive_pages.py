"""How long a page of the archive takes with many stored scans: filled with made-up rows, asked as the dashboard asks.

    python -m benchmarks.archive_pages --scans 50000

Every kind of question is asked several times; printed are the milliseconds by the clock and of this process's processor
time, each of the middle answer. On a machine that others use too, only the latter says what the work costs (with a
file; a server does its work elsewhere). The exit code is 1 if one took longer than --limit-ms by the clock. The rows
are made up, but as wide as real ones; reports themselves are left out, as no page of the archive reads them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.timing import measured
from forensics.settings import ScanSettings
from forensics.store import Queue, Store
from forensics.store.archive import Archive, SortBy
from forensics.store.filters import RunScans, ScanFilter
from forensics.store.run_results import RunResults
from forensics.store.run_words import FileState
from forensics.store.runs import Plan, Run, Runs
from forensics.store.tables import Flag, Hash, RunFileRow, Scan
from forensics.verdict import probability

SETTINGS_DIGEST = "0" * 16
LINE_BYTES = 1500
"""Of a line of results, compressed."""

OPINIONS = ("likely synthetic", "likely manipulated", "inconclusive", "no trace found")
FILL_ROWS = 5000


def fill(store: Store, n_scans: int, *, seed: int = 1, n_folders: int = 40, start: int = 0) -> None:
    """Add made-up scans.

    Args:
        store: to fill.
        n_scans: how many.
        seed: of everything random.
        n_folders: over which they are spread, unevenly.
        start: of the numbers that hashes and names are made from; others than before for more rows.
    """
    rng = np.random.default_rng(seed)
    for first in range(start, start + n_scans, FILL_ROWS):
        rows = [_scan(rng, number, n_folders) for number in range(first, min(first + FILL_ROWS, start + n_scans))]
        with store.session(writes=True) as session, session.begin():
            session.add_all(rows)


def _scan(rng: np.random.Generator, number: int, n_folders: int) -> Scan:
    llr = float(np.clip(rng.normal(-0.5, 1.2), -4, 4))
    opinion = OPINIONS[3] if llr < 0.4 else OPINIONS[2] if llr < 1.0 else OPINIONS[int(rng.integers(2))]
    folder = f"/archive/{2000 + int(n_folders * rng.random() ** 2):04d}/batch"
    name = f"IMG_{int(rng.integers(1 << 30)):09d}_{number}.jpg"
    day = f"2026-{1 + number // 4000 % 12:02d}-{1 + number // 150 % 28:02d}"
    return Scan(
        sha256=f"{number:08x}" * 8,
        settings_digest=SETTINGS_DIGEST,
        versions_digest="0" * 16,
        path=f"{folder}/{name}",
        folder=folder,
        filename=name,
        kind="video" if rng.random() < 0.05 else "image",
        format="jpeg",
        size_bytes=int(rng.integers(10_000, 9_000_000)),
        opinion=opinion,
        probability=probability(llr, 0.5),
        llr=llr,
        scanned_at=f"{day}T{number % 24:02d}:{number % 60:02d}:00+00:00",
        elapsed_s=float(rng.random()),
        flags=[Flag(analyzer=("learned", "copy_move", "noise")[number % 3], llr=llr)] if llr > 0 else [],
        hashes=[Hash(frame=0, pdq=rng.bytes(32))],
    )


def fill_run(store: Store, n_files: int, *, seed: int = 2) -> Run:
    """Add a run over the first scans; every tenth of its files failed."""
    rng = np.random.default_rng(seed)
    run, _ = Runs(store).claim("measured", Plan(("/archive",), ScanSettings()))
    numbers = range(n_files)
    for first in range(0, n_files, FILL_ROWS):
        rows = [_file(rng, run.id, number) for number in numbers[first : first + FILL_ROWS]]
        with store.session(writes=True) as session, session.begin():
            session.add_all(rows)
    return run


def _file(rng: np.random.Generator, run: int, number: int) -> RunFileRow:
    state = FileState.FAILED if number % 10 == 0 else FileState.DONE
    return RunFileRow(
        run_id=run,
        key=number.to_bytes(16, "big"),
        path=f"/archive/IMG_{number}.jpg",
        n_pass=1,
        state=str(state),
        n_tries=0,
        sha256=f"{number:08x}" * 8,
        versions_digest="0" * 16,
        opinion=OPINIONS[number % 4] if state is FileState.DONE else "",
        code="" if state is FileState.DONE else ("truncated", "not-media", "broken")[number % 3],
        message="",
        notes="analyzer noise" if number % 97 == 0 else "",
        place=number,
        line=rng.bytes(LINE_BYTES),
    )


def questions(store: Store, n_scans: int, run: Run) -> Iterator[tuple[str, Callable[[], object]]]:
    """What the page asks for, by name."""
    archive, queue = Archive(store), Queue(store)
    filters = {
        "all": ScanFilter(),
        "likely": ScanFilter(opinion="likely"),
        "name": ScanFilter(name="99"),
        "folder": ScanFilter(folder="/archive/2001"),
        "analyzer": ScanFilter(analyzer="learned"),
        "days": ScanFilter(since="2026-03-01", until="2026-06-01"),
        "weight": ScanFilter(least_llr=0.5),
        "run": ScanFilter(run=RunScans(run.id, SETTINGS_DIGEST)),
        "run and likely": ScanFilter(run=RunScans(run.id, SETTINGS_DIGEST), opinion="likely"),
    }
    for name, wanted in filters.items():
        n_rows = sum(archive.opinions(wanted).values())
        n_pages = max(1, n_rows // 25)
        yield f"count, {name}", partial(archive.opinions, wanted)
        for sort in SortBy:
            for place, number in (("first", 0), ("middle", n_pages // 2), ("last", n_pages - 1)):
                asked = partial(archive.page, wanted, sort=sort, number=number, n_rows=n_rows)
                yield f"page, {name}, by {sort}, {place}", asked
        yield f"scores, {name}", partial(archive.scores, wanted)
        yield f"days, {name}", partial(archive.days, wanted)
        yield f"folders, {name}", partial(archive.folders, wanted)
    results = RunResults(store, run.id)
    yield "run, states", results.counts
    yield "run, opinions", results.opinions
    yield "run, errors", results.errors
    yield "queue, counts", queue.counts
    yield "queue, first page", lambda: queue.items(limit=25)
    yield "queue, last page", lambda: queue.items(limit=25, offset=n_scans - 25)
    yield "queue, take", lambda: queue.take("somebody")


def main(arguments: list[str] | None = None) -> int:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit-ms", type=float, default=500.0)
    parser.add_argument("--store", help="address of an empty database; a temporary SQLite file if none is named")
    given = parser.parse_args(arguments)
    slowest_ms = slowest_cpu_ms = 0.0
    with (
        tempfile.TemporaryDirectory() as folder,
        Store(given.store or f"sqlite:///{Path(folder) / 'scans.db'}") as store,
    ):
        started = time.perf_counter()
        fill(store, given.scans)
        filled_s, started = time.perf_counter() - started, time.perf_counter()
        n_queued = Queue(store).add(Archive(store).rows(), actor="benchmark")
        queued_s = time.perf_counter() - started
        run = fill_run(store, given.scans // 2)
        print(f"{given.scans} scans filled in in {filled_s:.0f} s, {n_queued} of them queued in {queued_s:.0f} s")
        for name, ask in questions(store, given.scans, run):
            clock_ms, cpu_ms = middle_ms(ask, given.repeats)
            slowest_ms, slowest_cpu_ms = max(slowest_ms, clock_ms), max(slowest_cpu_ms, cpu_ms)
            print(f"{name}\t{clock_ms:.1f}\t{cpu_ms:.1f}")
    print(f"slowest\t{slowest_ms:.1f}\t{slowest_cpu_ms:.1f}")
    return int(slowest_ms > given.limit_ms)


def middle_ms(ask: Callable[[], object], n_repeats: int) -> tuple[float, float]:
    """Milliseconds by the clock and of the processor, each the middle one."""
    costs = [measured(ask) for _ in range(n_repeats)]
    wall_s, cpu_s = (statistics.median(getattr(cost, name) for cost in costs) for name in ("wall_s", "cpu_s"))
    return 1000 * wall_s, 1000 * cpu_s


if __name__ == "__main__":
    sys.exit(main())
