"""What a Ray cluster costs: the same pictures through worker processes and through as many stations of a cluster, here.

    python -m benchmarks.engines --files 40
    python -m benchmarks.engines --files 200 --archive

Both engines stand ready beside each other, with one thread a worker, and examine the files in turns, after one to warm
up. Printed is what a file takes by the clock with either, and how much longer it takes on the cluster, with an interval
from drawing turns anew. The exit code is 1 if that is over --limit. With --bare files are decoded and hardly looked at:
then the difference in milliseconds is the steadiest, as it does not depend on what is looked for.

With --archive they examine a ZIP archive of the files as well. Printed is also how much longer a file takes there: as
many times as there are workers, if one of them had to do it all.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.timing import WebPictures, in_turns, machine, measured, ratio, told
from forensics import PROFILES
from forensics.containers import InsideLimits
from forensics.engine import Cluster, Engine
from forensics.inputs import expand
from forensics.messages import Answer, Task
from forensics.pool import Pool
from forensics.ray_engine import RayPool


def examine(engine: Engine, tasks: Sequence[Task], turn: int = 0) -> None:
    """All files, of which none is known; `turn` only counts."""
    for outcome in engine.run(tasks, lambda task, opened: Answer(scan=True)):
        if outcome.error is not None:
            raise RuntimeError(f"{outcome.task.shown}: {outcome.error}")


def packed(folder: Path, archive: Path) -> list[Task]:
    """Write a ZIP archive of a folder."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted(folder.iterdir()):
            out.write(path, path.name)
    return [replace(task, inside=InsideLimits()) for task in expand([str(archive)])]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--profile", choices=list(PROFILES), default="fast")
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--archive", action="store_true")
    parser.add_argument("--limit", type=float, default=0.2)
    given = parser.parse_args(arguments)
    usual = PROFILES[given.profile]
    # On a crowded machine too nothing is cut short.
    settings = replace(usual, limits=replace(usual.limits, image_timeout_s=600.0))
    if given.bare:
        settings = replace(settings, analyzers=("metadata",))
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name) / "folder"
        WebPictures().write(folder, given.files)
        tasks = list(expand([str(folder)]))
        archive = packed(folder, Path(name) / "all.zip") if given.archive else []
        engines: dict[str, Engine] = {
            "processes": stack.enter_context(Pool(settings, n_workers=given.workers, n_threads=1)),
            "stations": stack.enter_context(RayPool(settings, Cluster(n_stations=given.workers))),
        }
        for what, engine in engines.items():
            first_s = measured(partial(examine, engine, tasks[:1])).wall_s
            print(f"{what}: {first_s:.1f} s until the first file is examined", flush=True)
        work = {what: partial(examine, engine, tasks) for what, engine in engines.items()}
        if archive:
            work |= {f"{what}, archive": partial(examine, engine, archive) for what, engine in engines.items()}
        costs = in_turns(work, given.turns)
    walls = {what: [cost.wall_s for cost in turns] for what, turns in costs.items()}
    for what, seconds in walls.items():
        print(f"{what}: {1000 * sum(seconds) / len(seconds) / given.files:.1f} ms a file")
    found = ratio(walls["stations"], walls["processes"])
    print(f"a file takes {told(found)} times as long on {given.workers} stations as on {given.workers} processes")
    for what in engines if archive else ():
        longer = told(ratio(walls[f"{what}, archive"], walls[what]))
        print(f"a file in an archive takes {longer} times as long in {given.workers} {what} as in a folder")
    print(machine())
    return int(found[0] - 1.0 > given.limit)


if __name__ == "__main__":
    sys.exit(main())
