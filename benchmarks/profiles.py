"""Images a second of each profile, with one worker on one processor and with two on two.

    python -m benchmarks.profiles --files 120 --turns 3

Every measurement is a process of its own that is held to as many processors as it has workers, examines pictures in a
durable run, and counts from when all workers have loaded everything. Turns go round all of them. Printed are files a
second, processor time a file of workers and parent, memory, and what two workers gain over one, with an interval from
drawing turns anew. With --clips N, clips take the place of pictures, with one worker alone. The exit code is 1 if two
workers gain less than --least.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from benchmarks.durable import Family, opened_run, own_memory_mb, tasks
from benchmarks.timing import WebPictures, machine, measured, ratio, told
from forensics import PROFILES

SLOWER = {"triage": 1, "fast": 1, "standard": 4, "deep": 4}
"""So many times fewer pictures are examined, since each takes about so many times as long."""

N_WARM = 8
"""Files a worker before anything is counted."""

CLIP_SIZE_PX = (1280, 720)
N_CLIP_FRAMES = 150
"""6 seconds."""


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        file_s: seconds a file by the clock.
        workers_ms, parent_ms: processor time a file.
        workers_mb, parent_mb: what they hold at the end.
    """

    file_s: float
    workers_ms: float
    parent_ms: float
    workers_mb: float
    parent_mb: float

    @classmethod
    def of(cls, folder: Path, profile: str, n_workers: int, n_files: int, n_warm: int) -> Self:
        """Measure in a fresh process."""
        words = [folder, "--one", profile, n_workers, n_files, n_warm]
        command = [sys.executable, "-m", "benchmarks.profiles", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return cls(*map(float, done.stdout.split()))


def one(folder: Path, profile: str, n_workers: int, n_files: int, n_warm: int) -> None:
    """The measured process: prints a Row."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n_workers])
    usual = PROFILES[profile]
    # On a crowded machine too nothing is cut short: what is skipped costs nothing.
    settings = replace(usual, limits=replace(usual.limits, image_timeout_s=600.0, timeout_s=3600.0))
    with tempfile.TemporaryDirectory() as home, opened_run(Path(home), settings, n_workers=n_workers) as run:
        family, waiting = Family(), list(tasks(folder))[: n_warm + n_files]
        list(run.examine(waiting[:n_warm], is_whole=False))
        before_s = family.cpu_s()
        cost = measured(lambda: list(run.examine(waiting[n_warm:], is_whole=False)))
        workers_s = family.cpu_s() - before_s
        each = (cost.wall_s / n_files, 1000 * workers_s / n_files, 1000 * cost.cpu_s / n_files)
        print(*each, family.memory_mb(), own_memory_mb())


def make_clips(folder: Path, n: int) -> None:
    """Clips of a moving camera, each of another scene."""
    from tests.make_media import clip, moving_scene

    width, height = CLIP_SIZE_PX
    for number in range(n):
        clip(folder / f"{number}.mp4", moving_scene(number, N_CLIP_FRAMES, width=width, height=height))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--profiles", nargs="+", choices=list(PROFILES), default=list(PROFILES))
    parser.add_argument("--files", type=int, default=120, help="pictures a worker at the profile `fast`")
    parser.add_argument("--clips", type=int, default=0)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--least", type=float, default=1.8)
    given = parser.parse_args(arguments)
    if given.one is not None:
        one(given.folder, given.one[0], *map(int, given.one[1:]))
        return 0
    print(machine(), flush=True)
    counts = (1,) if given.clips else (1, 2)
    rows: dict[tuple[str, int], list[Row]] = {(name, n): [] for name in given.profiles for n in counts}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.clips:
            make_clips(folder, given.clips + 1)
        else:
            WebPictures().write(folder, 2 * (given.files + N_WARM))
        for _ in range(given.turns):
            for (profile, n_workers), found in rows.items():
                n_files = given.clips or n_workers * (given.files // SLOWER[profile])
                n_warm = 1 if given.clips else n_workers * N_WARM
                found.append(Row.of(folder, profile, n_workers, n_files, n_warm))
                _tell(profile, n_workers, found[-1])
    print(machine())
    return int(_tell_all(rows) < given.least)


def _tell(profile: str, n_workers: int, row: Row) -> None:
    rest = f"{row.workers_ms:.1f} ms of workers, {row.parent_ms:.1f} ms of the parent a file"
    memory = f"{row.workers_mb:.0f} and {row.parent_mb:.0f} MB"
    print(f"  {profile}, {n_workers} on {n_workers}: {1 / row.file_s:.2f} a second, {rest}; {memory}", flush=True)


def _tell_all(rows: dict[tuple[str, int], list[Row]]) -> float:
    """Prints the middle of all turns; returns the least gain of two workers over one."""
    least = float("inf")
    for (profile, n_workers), found in rows.items():
        middle = sorted(found, key=lambda row: row.file_s)[len(found) // 2]
        _tell(profile, n_workers, middle)
        if n_workers > 1:
            gain = ratio([row.file_s for row in rows[profile, 1]], [row.file_s for row in found])
            print(f"{profile}: two workers on two processors do {told(gain)} times what one does on one")
            least = min(least, gain[0])
    return least


if __name__ == "__main__":
    sys.exit(main())
