"""What keeping results costs: the same pictures through a run with and without its store, as ratios within one call.

    python -m benchmarks.store_overhead --files 60

Three things are compared, turn by turn, so that a machine that others use too slows all of them alike: a plain batch
that keeps nothing, a plain batch with a store, and a durable run. Printed are the seconds by the clock and of the
parent's processor time, which alone writes to the store, and what that adds to the processor time that examining takes
(of a scanner in this process, warm). The exit code is 1 if a durable run adds more than --limit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from forensics.batch import Batch, Output
from forensics.inputs import expand
from forensics.runs import DurableRun, Settings
from forensics.settings import Limits, ScanSettings
from forensics.store import Store
from forensics.store.runs import Plan, Runs, RunState

ANALYZERS = ("metadata", "provenance", "learned")
"""Of a fast scan."""


@dataclass(frozen=True)
class Cost:
    """Of one way to scan.

    Attributes:
        wall_s: by the clock.
        parent_s: processor time of the parent.
    """

    wall_s: float
    parent_s: float


def make(folder: Path, n_files: int) -> None:
    """Web-size pictures."""
    from tests.make_media import jpeg, photo

    for number in range(n_files):
        (folder / f"{number:04d}.jpg").write_bytes(jpeg(photo(number, width=1024, height=768), 88))


def measured(work: Callable[[], None]) -> Cost:
    """Run it."""
    wall, parent = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - parent)


def examining_s(folder: Path, settings: ScanSettings, n_files: int = 8) -> float:
    """Processor time that one file takes, without a pool and a store."""
    from forensics.media import Media
    from forensics.scanner import Scanner

    scanner, paths = Scanner(settings), sorted(folder.iterdir())[:n_files]
    scanner.scan(Media.open(paths[0]))
    started = time.process_time()
    for path in paths:
        scanner.scan(Media.open(path))
    return (time.process_time() - started) / len(paths)


def plain(folder: Path, settings: ScanSettings, scratch: Path, store: str | None) -> None:
    """A batch, with results as JSON Lines."""
    opened = None if store is None else Store(store)
    batch = Batch(settings, output=Output(scratch), store=opened)
    for _ in batch.run(batch.tasks([str(folder)])):
        pass
    if opened is not None:
        opened.close()


def durable(folder: Path, settings: ScanSettings, scratch: Path, store: str) -> None:
    """A durable run, with JSON Lines and Parquet."""
    with Store(store) as opened:
        run, _ = Runs(opened).claim("measured", Plan((str(folder),), settings))
        with DurableRun(opened, run, Settings(folder=scratch), is_new_pass=True) as examined:
            for _ in examined.examine(expand([str(folder)])):
                pass
        examined.end(RunState.DONE)


def main(arguments: list[str] | None = None) -> int:
    """Make, scan, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=0.05)
    given = parser.parse_args(arguments)
    settings = ScanSettings(analyzers=ANALYZERS, limits=Limits(image_timeout_s=600.0))
    costs: dict[str, list[Cost]] = {"nothing kept": [], "store": [], "durable run": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "media"
        folder.mkdir()
        make(folder, given.files)
        file_s = examining_s(folder, settings)
        for turn in range(given.repeats):
            scratch = Path(name) / f"{turn}"
            urls = [f"sqlite:///{scratch}-{kind}.db" for kind in ("plain", "durable")]
            costs["nothing kept"].append(measured(lambda: plain(folder, settings, scratch / "a", None)))  # noqa: B023
            costs["store"].append(measured(lambda: plain(folder, settings, scratch / "b", urls[0])))  # noqa: B023
            costs["durable run"].append(measured(lambda: durable(folder, settings, scratch / "c", urls[1])))  # noqa: B023
    return _told(costs, given.files, file_s, given.limit)


def _told(costs: dict[str, list[Cost]], n_files: int, file_s: float, limit: float) -> int:
    least = {name: min(turns, key=lambda cost: cost.parent_s) for name, turns in costs.items()}
    bare = least["nothing kept"]
    examined_s = bare.parent_s + file_s * n_files
    print(f"examining a file takes {1000 * file_s:.0f} ms of processor time")
    print("what\tclock s\tparent s\tms a file\tadded")
    for name, cost in least.items():
        added = (cost.parent_s - bare.parent_s) / examined_s
        milliseconds = 1000 * cost.parent_s / n_files
        print(f"{name}\t{cost.wall_s:.1f}\t{cost.parent_s:.2f}\t{milliseconds:.1f}\t{added:+.1%}")
    return int((least["durable run"].parent_s - bare.parent_s) / examined_s > limit)


if __name__ == "__main__":
    sys.exit(main())
