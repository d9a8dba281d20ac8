"""Time and memory of the engine, as ratios within one run.

    python benchmarks/speed.py picture [--megapixels 12]   each analyzer on one JPEG, and all together
    python benchmarks/speed.py folder [--n 1000]           a folder of web-size JPEGs against its slowest stage alone

Media are made at run time. Peak memory is that of a fresh process, libraries included.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def make_picture(path: Path, megapixels: float) -> None:
    """A photo-like JPEG of the size wanted, 4:3."""
    from tests.make_media import jpeg, photo

    height = int((megapixels * 1e6 * 3 / 4) ** 0.5) // 2 * 2
    path.write_bytes(jpeg(photo(1, width=height * 4 // 3 // 2 * 2, height=height), 92))


def measure(path: Path, analyzers: str) -> tuple[float, float]:
    """Seconds of the scan and peak MB of a fresh process that does nothing else. "" only decodes."""
    done = subprocess.run(
        [sys.executable, __file__, "_one", str(path), "--analyzers", analyzers],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
    )
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


def one(path: Path, analyzers: str) -> None:
    """The measured process: prints seconds and peak MB."""
    from forensics import Media, Scanner, ScanSettings

    scanner = Scanner(ScanSettings(analyzers=tuple(filter(None, analyzers.split(",")))))
    started = time.perf_counter()
    scanner.scan(Media.open(path))
    seconds = time.perf_counter() - started
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def picture(megapixels: float) -> None:
    """Table of one picture."""
    from forensics.analyzers import ANALYZERS

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.jpg"
        make_picture(path, megapixels)
        bare, peak = measure(path, "")
        print(f"{megapixels:g} MP JPEG, decode and hash alone {bare:.2f} s, {peak:.0f} MB")
        for name in ANALYZERS.names():
            seconds, peak = measure(path, name)
            print(f"  {name:14s} {seconds - bare:6.2f} s  {seconds / bare:5.1f} x bare decode  {peak:6.0f} MB")
        seconds, peak = measure(path, ",".join(ANALYZERS.names()))
        print(f"  {'all together':14s} {seconds:6.2f} s  {seconds / bare:5.1f} x bare decode  {peak:6.0f} MB")


def folder(n: int) -> None:
    """A folder through the command line, and through each analyzer alone."""
    from forensics.analyzers import ANALYZERS
    from tests.make_media import jpeg, photo

    with tempfile.TemporaryDirectory() as home:
        media = Path(home) / "media"
        media.mkdir()
        scenes = [photo(seed, width=1024, height=768) for seed in range(8)]
        for i in range(n):
            # Another quality and a shifted crop: each file is another file, at the price of an encode.
            crop = scenes[i % 8][(i // 8) % 16 :, (i // 128) % 16 :]
            (media / f"{i:05d}.jpg").write_bytes(jpeg(crop, 80 + i % 15))

        def run(analyzers: str, jobs: int) -> float:
            started = time.perf_counter()
            command = [sys.executable, "-m", "forensics.cli", "scan", str(media), "--out", f"{home}/{time.time_ns()}"]
            command += ["--store", "none", "--format", "csv", "--jobs", str(jobs), "--analyzers", analyzers]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
            return time.perf_counter() - started

        alone = {name: run(name, 1) for name in ANALYZERS.names() if name != "timeline"}
        for name, seconds in sorted(alone.items(), key=lambda item: -item[1]):
            print(f"  {name:14s} alone, one process {seconds:7.1f} s  {1000 * seconds / n:6.1f} ms a file")
        slowest = max(alone.values())
        for jobs in (1, 2):
            total = run(",".join(ANALYZERS.names()), jobs)
            rate = n / total
            ratio = total / slowest
            print(f"  all, {jobs} jobs: {total:.1f} s, {rate:.1f} files a second, {ratio:.2f} x the slowest stage")


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("what", choices=["picture", "folder", "_one"])
    cli.add_argument("path", nargs="?", type=Path)
    cli.add_argument("--megapixels", type=float, default=12)
    cli.add_argument("--n", type=int, default=1000)
    cli.add_argument("--analyzers", default="")
    args = cli.parse_args()
    if args.what == "_one":
        one(args.path, args.analyzers)
    elif args.what == "picture":
        picture(args.megapixels)
    else:
        folder(args.n)


if __name__ == "__main__":
    main()
