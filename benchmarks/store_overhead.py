"""What keeping results costs: the same pictures through workers, with nothing kept, with scans kept, in a durable run.

    python -m benchmarks.store_overhead --files 40 --turns 6

The three take turns over fresh pictures, each with workers of its own that have loaded everything, so that a machine
that others use too slows all of them alike. Printed are seconds a file by the clock and processor time of the parent,
which alone writes to the store, and what is added by it to all processor time and by the clock, with intervals from
drawing turns anew. A durable run writes JSON Lines and Parquet as well. The exit code is 1 if it adds more than --limit
to the processor time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from benchmarks.durable import Family, opened_run, tasks
from benchmarks.timing import Cost, WebPictures, machine, measured, ratio, told
from forensics import PROFILES
from forensics.messages import Answer, Task
from forensics.pool import Pool
from forensics.recall import Recall
from forensics.settings import ScanSettings
from forensics.store import Store

NOTHING, SCANS, RUN = "nothing kept", "scans kept", "durable run"

Way = Callable[[Sequence[Task]], None]


def ways(stack: ExitStack, home: Path, settings: ScanSettings, n_workers: int) -> dict[str, Way]:
    """Each way to examine files, ready to be used again and again."""
    # A run loads it with its first part, after a minute: half a second, once a command.
    import_module("pyarrow.parquet")
    pools = [stack.enter_context(Pool(settings, n_workers=n_workers)) for _ in range(2)]
    store = stack.enter_context(Store(f"sqlite:///{home / 'plain.db'}"))
    recall = Recall(store, settings)
    (home / "run").mkdir()
    run = stack.enter_context(opened_run(home / "run", settings, n_workers=n_workers))

    def kept(found: Sequence[Task]) -> None:
        for outcome in pools[1].run(found, recall.decide, recall.receive):
            recall.finish(outcome.task)

    return {
        NOTHING: lambda found: _drain(pools[0].run(found, lambda task, opened: Answer(scan=True))),
        SCANS: kept,
        RUN: lambda found: _drain(run.examine(found, is_whole=False)),
    }


def _drain(results: Iterable[object]) -> None:
    deque(results, maxlen=0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=40, help="of a turn")
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--workers", type=int, default=2, help="of each way")
    parser.add_argument("--profile", choices=list(PROFILES), default="fast")
    parser.add_argument("--limit", type=float, default=0.05)
    given = parser.parse_args(arguments)
    print(machine(), flush=True)
    costs: dict[str, list[Cost]] = {NOTHING: [], SCANS: [], RUN: []}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        home, pictures = Path(name), WebPictures()
        examining = ways(stack, home, PROFILES[given.profile], given.workers)
        family, workers_s = Family(), 0.0
        for turn in range(given.turns + 1):
            # The first turn is short and not counted: workers load everything.
            n_files = given.files if turn else 8 * given.workers
            pictures.write(home / f"{turn}", n_files, seed=turn)
            found = list(tasks(home / f"{turn}"))
            for way, examine in _rotated(examining, turn):
                before_s = family.cpu_s()
                cost = measured(lambda: examine(found))  # noqa: B023
                if turn:
                    costs[way].append(cost)
                    workers_s += family.cpu_s() - before_s if way == NOTHING else 0.0
            print(f"turn {turn} of {given.turns} is over", flush=True)
    print(machine())
    return int(_told(costs, workers_s / given.turns, given.files) > given.limit)


def _rotated(examining: dict[str, Way], turn: int) -> list[tuple[str, Way]]:
    items = list(examining.items())
    first = turn % len(items)
    return items[first:] + items[:first]


def _told(costs: dict[str, list[Cost]], workers_s: float, n_files: int) -> float:
    """Prints a row for each way; returns what a durable run adds to the processor time."""
    bare = [cost.cpu_s + workers_s for cost in costs[NOTHING]]
    n_all = n_files * len(bare)
    print("what\tclock ms a file\tparent ms a file\tprocessor time, times\tclock, times")
    for name, turns in costs.items():
        wall_ms, parent_ms = (
            1000 * sum(values) / n_all for values in zip(*((c.wall_s, c.cpu_s) for c in turns), strict=True)
        )
        used = ratio([cost.cpu_s + workers_s for cost in turns], bare)
        waited = ratio([cost.wall_s for cost in turns], [cost.wall_s for cost in costs[NOTHING]])
        print(f"{name}\t{wall_ms:.1f}\t{parent_ms:.2f}\t{told(used)}\t{told(waited)}")
    print(f"workers take {1000 * workers_s / n_files:.0f} ms of processor time a file")
    return used[0] - 1


if __name__ == "__main__":
    sys.exit(main())
