"""Time and memory of the engine, as ratios within one run.

Processor seconds are counted beside the clock: on a machine that others use too, only they say what the work costs.

    python benchmarks/speed.py picture [--megapixels 12]   each analyzer on one JPEG, and all together
    python benchmarks/speed.py stages [--n 1000]           processor time of each stage on web-size JPEGs, in one worker
    python benchmarks/speed.py folder [--n 1000]           a folder of web-size JPEGs against its slowest stage alone

Media are made at run time. Peak memory is that of a fresh process, libraries included (Linux only).
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psutil
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.timing import Cost, WebPictures, measured
from forensics.settings import Limits

CLASSICAL = ("metadata", "provenance", "ela", "jpeg_history", "copy_move", "noise", "resampling", "spectrum")
"""Without trained detectors."""

UNHURRIED = Limits(image_timeout_s=600.0)
"""On a crowded machine too nothing is cut short: what is skipped costs nothing."""


def make_picture(path: Path, megapixels: float) -> None:
    """A photo-like JPEG of the size wanted, 4:3."""
    from tests.make_media import jpeg, photo

    height = int((megapixels * 1e6 * 3 / 4) ** 0.5) // 2 * 2
    path.write_bytes(jpeg(photo(1, width=height * 4 // 3 // 2 * 2, height=height), 92))


def measure(path: Path, analyzers: Iterable[str]) -> Cost:
    """Cost of the scan in a fresh process that does nothing else; without analyzers it only decodes and hashes."""
    done = subprocess.run(
        [sys.executable, __file__, "_one", str(path), "--analyzers", ",".join(analyzers)],
        capture_output=True,
        text=True,
        check=True,
    )
    return Cost(*map(float, done.stdout.split()))


def one(path: Path, analyzers: str) -> None:
    """The measured process: prints seconds, processor seconds and peak MB."""
    from forensics import Media, Scanner, ScanReport, ScanSettings

    scanner = Scanner(ScanSettings(limits=UNHURRIED, analyzers=tuple(filter(None, analyzers.split(",")))))
    reports: list[ScanReport] = []
    # As in a worker on two processors.
    with threadpool_limits({"blas": 1, "openmp": 2}):
        cost = measured(lambda: reports.append(scanner.scan(Media.open(path))))
    if reports[0].failed:
        raise RuntimeError(f"the scan failed: {reports[0].failed}")
    print(cost.wall_s, cost.cpu_s, _peak_mb())


def _peak_mb() -> float:
    """Most memory that this program held; `ru_maxrss` would count that of the parent before the program began."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def picture(megapixels: float) -> None:
    """Table of one picture."""
    from forensics.analyzers import ANALYZERS

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.jpg"
        make_picture(path, megapixels)
        bare = measure(path, ())
        print(f"{megapixels:g} MP JPEG; decode and hash alone: {bare.cpu_s:.2f} processor s, {bare.peak_mb:.0f} MB")
        runs = {name: (name,) for name in ANALYZERS.names() if name != "timeline"}
        runs |= {"classical": CLASSICAL, "all": tuple(runs)}
        for name, analyzers in runs.items():
            cost = measure(path, analyzers)
            own_s = cost.cpu_s - (0.0 if len(analyzers) > 1 else bare.cpu_s)
            ratio = f"{own_s / bare.cpu_s:5.1f} x bare decode"
            print(f"  {name:14s} {own_s:6.2f} processor s  {ratio}  {cost.wall_s:6.2f} s  {cost.peak_mb:6.0f} MB")


def stages(n: int) -> None:
    """What each stage takes of a worker that runs already, and what the worker holds."""
    import cv2

    from forensics import Media, Scanner, ScanSettings

    scanner = Scanner(ScanSettings(limits=UNHURRIED), clock=time.process_time)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as home, threadpool_limits(1):
        media = Path(home) / "media"
        WebPictures().write(media, n)
        spent_s: dict[str, float] = {}
        for i, path in enumerate(sorted(media.iterdir())):
            report = scanner.scan(Media.open(path))
            # The first one loads libraries and weights.
            for name, seconds in report.timings_s.items() if i else ():
                spent_s[name] = spent_s.get(name, 0.0) + seconds
            if i % max(n // 4, 1) == 1:
                print(f"  after {i + 1} files the process holds {psutil.Process().memory_info().rss / 2**20:.0f} MB")
    for name, seconds in sorted(spent_s.items(), key=lambda item: -item[1]):
        print(f"  {name:14s} {1000 * seconds / (n - 1):6.1f} processor ms a file")
    opening = spent_s["decode"] + spent_s["hash"]
    slowest = opening + max(spent_s[name] for name in CLASSICAL)
    for title, total in (
        ("classical", opening + sum(spent_s[name] for name in CLASSICAL)),
        ("all", sum(spent_s.values())),
    ):
        print(f"  {title}: {total / slowest:.2f} x the slowest classical stage alone on one core")


def folder(n: int) -> None:
    """A folder through the command line, and through each analyzer alone."""
    from forensics.analyzers import ANALYZERS

    with tempfile.TemporaryDirectory() as home:
        media = Path(home) / "media"
        WebPictures().write(media, n)

        def run(analyzers: Iterable[str], jobs: int) -> Cost:
            command = [sys.executable, "-m", "forensics.cli", "scan", str(media), "--out", f"{home}/{time.time_ns()}"]
            command += ["--store", "none", "--format", "csv", "--image-timeout", str(UNHURRIED.image_timeout_s)]
            command += ["--jobs", str(jobs), "--analyzers", ",".join(analyzers)]
            return _cost(command)

        names = [name for name in ANALYZERS.names() if name != "timeline"]
        alone = {name: run((name,), 1) for name in names}
        for name, cost in sorted(alone.items(), key=lambda item: -item[1].cpu_s):
            ms = 1000 * cost.cpu_s / n
            print(
                f"  {name:14s} alone, 1 job: {cost.wall_s:7.1f} s, {cost.cpu_s:7.1f} processor s, {ms:6.1f} ms a file"
            )
        slowest = max(alone.values(), key=lambda cost: cost.cpu_s)
        for title, wanted in (("classical", CLASSICAL), ("all", names)):
            for jobs in (1, 2):
                cost = run(wanted, jobs)
                shared = cost.cpu_s / jobs / slowest.cpu_s
                print(
                    f"  {title}, {jobs} jobs: {cost.wall_s:.1f} s, {cost.cpu_s:.1f} processor s, most memory of all "
                    f"workers {cost.peak_mb:.0f} MB; {cost.wall_s / slowest.wall_s:.2f} x the slowest stage by the "
                    f"clock, {shared:.2f} x by processor time, shared by {jobs}"
                )


def _cost(command: list[str]) -> Cost:
    """Of a command with its children; memory is the most that all held at one moment, sampled."""
    started = time.perf_counter()
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    spent: dict[int, float] = {}
    peak = 0.0
    while process.poll() is None:
        held = 0
        for one_of_them in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                held += one_of_them.memory_info().rss
                times = one_of_them.cpu_times()
                spent[one_of_them.pid] = times.user + times.system
        peak = max(peak, held / 2**20)
        time.sleep(0.1)
    return Cost(time.perf_counter() - started, sum(spent.values()), peak)


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("what", choices=["picture", "stages", "folder", "_one"])
    cli.add_argument("path", nargs="?", type=Path)
    cli.add_argument("--megapixels", type=float, default=12)
    cli.add_argument("--n", type=int, default=1000)
    cli.add_argument("--analyzers", default="")
    args = cli.parse_args()
    if args.what == "_one":
        one(args.path, args.analyzers)
    elif args.what == "picture":
        picture(args.megapixels)
    elif args.what == "stages":
        stages(args.n)
    else:
        folder(args.n)


if __name__ == "__main__":
    main()
