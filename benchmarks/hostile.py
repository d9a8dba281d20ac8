"""Open every file of a folder in a fresh process of its own, and say what it cost.

    python benchmarks/hostile.py DIR [--all-analyzers]

Prints one line a file: seconds, peak memory, what came out. Ends with 1 if any file took over 10 s or 1.5 GB, or ended
in anything but a clean result or a MediaError of one line.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

MAX_SECONDS, MAX_MB = 10.0, 1.5e9 / (1 << 20)
KNOWN = 4
"""Exit code of the child for a clean refusal."""


def child(path: Path, whole_scan: bool) -> int:
    """Examine one file and print one line."""
    from forensics import Media, MediaError, Scanner

    code = 0
    try:
        media = Media.open(path)
        print(f"{media.format}: {Scanner().scan(media).verdict.opinion if whole_scan else len(media.frames)}")
    except MediaError as error:
        print(f"{error.code}: {error}")
        code = KNOWN
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return code


def run(path: Path, whole_scan: bool) -> tuple[float, float, str, bool]:
    """Seconds, peak MB, last words and whether all went as promised."""
    started = time.perf_counter()
    command = [sys.executable, __file__, "--child", str(path)] + ["--all-analyzers"] * whole_scan
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return 60.0, 0.0, "hangs", False
    seconds = time.perf_counter() - started
    lines = done.stdout.splitlines()
    good = done.returncode in (0, KNOWN) and len(lines) == 2 and not done.stderr.strip()
    words = lines[0] if good else f"exit {done.returncode}: {done.stderr.strip()[-200:]!r} {lines[:3]}"
    peak = float(lines[1]) if good else 0.0
    return seconds, peak, words, good and seconds <= MAX_SECONDS and peak <= MAX_MB


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("folder", type=Path, nargs="?")
    cli.add_argument("--child", type=Path)
    cli.add_argument("--all-analyzers", action="store_true")
    args = cli.parse_args()
    if args.child:
        raise SystemExit(child(args.child, args.all_analyzers))
    if args.folder is None:
        cli.error("name a folder")
    bad = n = 0
    for path in sorted(p for p in args.folder.rglob("*") if p.is_file()):
        seconds, peak, words, good = run(path, args.all_analyzers)
        n, bad = n + 1, bad + (not good)
        print(f"{'ok ' if good else 'BAD'} {seconds:5.1f} s {peak:6.0f} MB  {path.relative_to(args.folder)}: {words}")
    print(f"{n} files, {bad} not as promised")
    raise SystemExit(bool(bad))


if __name__ == "__main__":
    main()
