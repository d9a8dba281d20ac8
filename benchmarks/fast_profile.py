"""An archive of JPEGs at a quick profile, against bare decoding of it and the bare time of the network.

    python -m benchmarks.fast_profile --files 10000
    python -m benchmarks.fast_profile --profile triage --size 512x512 --files 4000

A durable run, with its store and its results, is fed round by round. In turns with it, as many bare processes do no
more than decode the same files, and no more than run the network of the profile's detector once a file. Pictures are
made for each round and removed after it. Printed are the ratio to the larger of both, with an interval from drawing
rounds anew, what parent and workers use and hold, how their memory grows after the first 1,000 files, and what a file
takes on the disk. It stops when --minutes are over, or when it is interrupted, and tells how far it came. The exit
code is 1 if the ratio is over --limit.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.bare import Bare, decode, network
from benchmarks.durable import Family, opened_run, own_memory_mb, size_bytes, tasks
from benchmarks.timing import WEB_SIZE_PX, machine, measured, ratio, told
from detectors.glance import Glance
from detectors.vision_tower import SIDE_PX
from forensics import PROFILES
from forensics.runs import DurableRun

SIDES_PX = {"fast": SIDE_PX, "triage": Glance.side_px}
"""Profile -> side of what the network of its detector sees."""

N_WARM = 20
"""Files before the first round: workers load everything."""

MEMORY_EVERY = 100
"""Files between two looks at the memory."""

SETTLED_AFTER = 1000
"""Files after which memory is to stay flat."""


@dataclass(frozen=True)
class Round:
    """What some files took: seconds by the clock, and of the processor for the scan.

    Attributes:
        n_files, n_bytes: how many, and their size.
        scan_s, network_s, decode_s: by the clock.
        parent_s, workers_s: processor time of the scan.
    """

    n_files: int
    n_bytes: int
    scan_s: float
    network_s: float
    decode_s: float
    parent_s: float
    workers_s: float


@dataclass
class Course:
    """All rounds so far.

    Attributes:
        rounds: in order.
        memory: (files so far, MB of the parent, MB of all workers).
    """

    rounds: list[Round] = field(default_factory=list)
    memory: list[tuple[int, float, float]] = field(default_factory=list)

    def total(self, name: str) -> float:
        """Sum over the rounds."""
        return float(sum(self.column(name)))

    def column(self, name: str) -> list[float]:
        """One value a round."""
        return [getattr(one, name) for one in self.rounds]

    def times_bare(self) -> tuple[float, float, float]:
        """How many times the larger of bare decode and bare network time the scan takes, with its interval."""
        larger = max(("network_s", "decode_s"), key=self.total)
        return ratio(self.column("scan_s"), self.column(larger))


class Measuring:
    """Feeds the run and the bare processes in turns."""

    def __init__(self, run: DurableRun, bare: Bare, home: Path, side_px: int) -> None:
        self.course = Course()
        self._run = run
        self._works = {"network": partial(network, side_px=side_px), "decode": decode}
        self._bare = bare
        self._home = home
        self._family = Family(bare.pids)

    def warm_up(self) -> None:
        """Let the workers load everything."""
        media = self._home / "warm"
        self._bare.make(media, N_WARM)
        self._scan(media)
        shutil.rmtree(media)

    def round(self, n_files: int) -> Round:
        """Measure once; who begins changes from round to round."""
        # Another folder each time: the same name with another content would be a file that has changed.
        media = self._home / f"{len(self.course.rounds)}"
        paths = self._bare.make(media, n_files)
        spent: dict[str, float] = {}
        parts = ["scan", "network", "decode"]
        first = len(self.course.rounds) % len(parts)
        for part in parts[first:] + parts[:first]:
            if part == "scan":
                workers_s = self._family.cpu_s()
                cost = measured(lambda: self._scan(media))
                spent |= {"scan_s": cost.wall_s, "parent_s": cost.cpu_s}
                spent["workers_s"] = self._family.cpu_s() - workers_s
            else:
                spent[f"{part}_s"] = self._bare.seconds(self._works[part], paths)
        done = Round(n_files, size_bytes(media), **spent)
        self.course.rounds.append(done)
        shutil.rmtree(media)
        return done

    def _scan(self, media: Path) -> None:
        n_before = int(self.course.total("n_files"))
        for n, _ in enumerate(self._run.examine(tasks(media), is_whole=False), n_before + 1):
            if n % MEMORY_EVERY == 0:
                self.course.memory.append((n, own_memory_mb(), self._family.memory_mb()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=list(SIDES_PX), default="fast")
    parser.add_argument("--size", type=_size, default=WEB_SIZE_PX, help="of the pictures: WIDTHxHEIGHT")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--round", type=int, default=500, help="files of a round")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--limit", type=float, default=1.4)
    given = parser.parse_args(arguments)
    until_s = time.monotonic() + 60 * given.minutes
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder, Bare(given.workers, given.size) as bare, ExitStack() as opened:
        home = Path(folder)
        run = opened.enter_context(opened_run(home, PROFILES[given.profile], n_workers=given.workers))
        measuring = Measuring(run, bare, home, SIDES_PX[given.profile])
        measuring.warm_up()
        course = measuring.course
        print("files\tscan s\tnetwork s\tdecode s\tparent ms\tworkers ms\tparent MB\tworkers MB", flush=True)
        with suppress(KeyboardInterrupt):
            while course.total("n_files") < given.files and time.monotonic() < until_s:
                left = given.files - int(course.total("n_files"))
                _tell(measuring.round(min(given.round, left)), course)
        ending = measured(opened.close)
        if not course.rounds:
            return 1
        n_kept = N_WARM + int(course.total("n_files"))
        print(f"ending it, with all tables: {1000 * ending.cpu_s / n_kept:.1f} ms of processor time a file")
        _tell_disk(home, n_kept)
    print(machine())
    return int(_tell_all(course) > given.limit)


def _size(written: str) -> tuple[int, int]:
    width, _, height = written.partition("x")
    return int(width), int(height)


def _tell(done: Round, course: Course) -> None:
    memory = [f"{mb:.0f}" for mb in course.memory[-1][1:]] if course.memory else ["", ""]
    seconds = [f"{value:.1f}" for value in (done.scan_s, done.network_s, done.decode_s)]
    each = [f"{1000 * value / done.n_files:.1f}" for value in (done.parent_s, done.workers_s)]
    print("\t".join([f"{course.total('n_files'):.0f}", *seconds, *each, *memory]), flush=True)


def _tell_disk(home: Path, n_files: int) -> None:
    for title, path in (("store", home / "scans.db"), ("results with tables", home / "out")):
        print(f"{title}: {size_bytes(path) / n_files:.0f} bytes a file")


def _tell_all(course: Course) -> float:
    n = course.total("n_files")
    times_bare = course.times_bare()
    print(f"{n:.0f} files of {course.total('n_bytes') / n / 1000:.0f} kB: {n / course.total('scan_s'):.1f} a second")
    for name in ("scan_s", "network_s", "decode_s", "parent_s", "workers_s"):
        print(f"  {name}: {1000 * course.total(name) / n:.1f} ms a file")
    print(f"times the larger of bare decode and bare network: {told(times_bare)}, {len(course.rounds)} rounds")
    _tell_growth([row for row in course.memory if row[0] > SETTLED_AFTER])
    return times_bare[0]


def _tell_growth(settled: Sequence[tuple[int, float, float]]) -> None:
    """Slope of the memory, with its 95 % interval (Theil and Sen)."""
    # It weighs as much as the run's own process: loaded when that has been measured.
    from scipy.stats import theilslopes

    for place, who in ((1, "parent"), (2, "workers together")) if len(settled) > 2 else ():
        held = [row[place] for row in settled]
        slope, _, low, high = theilslopes(held, [row[0] / 1000 for row in settled])
        ends = f"{held[0]:.0f} MB after {settled[0][0]} files, {held[-1]:.0f} MB after {settled[-1][0]}"
        print(f"{who}: {ends}; {slope:+.2f} [{low:+.2f}, {high:+.2f}] MB in 1,000 files")


if __name__ == "__main__":
    sys.exit(main())
