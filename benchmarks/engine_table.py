"""Scan labelled folders with the shipped engine and print who was flagged, with counts and intervals.

    python benchmarks/engine_table.py --data DIR [DIR ...] --out OUT [--folders eval/real,manipulated] [--jobs 2]

Runs the real command (`unforged scan`) and reads its results.jsonl. OUT/engine.md and engine.csv say for each folder of
files the opinions and the errors by code; OUT/analyzers.md and analyzers.csv how many files each analyzer flags on its
own (a finding at or over the default bar). Nothing is chosen here: thresholds and ratios were fitted on other sources
(see `benchmarks/calibrate.py`).
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from forensics.settings import ScanSettings

TIMEOUT_S = 120
"""A busy machine must not turn pictures into errors here; time is measured by `benchmarks/speed.py`."""

FLAG_LLR = ScanSettings().likely_llr
CLASSICAL = ("metadata", "provenance", "jpeg_history", "copy_move", "noise", "resampling", "spectrum")


def scan(folder: Path, out: Path, jobs: int, analyzers: Sequence[str]) -> list[dict[str, Any]]:
    """Results of `unforged scan` over a folder, one dict a file."""
    command = [sys.executable, "-m", "forensics.cli", "scan", str(folder), "--out", str(out), "--store", "none"]
    command += ["--format", "csv", "--jobs", str(jobs), "--analyzers", ",".join(analyzers)]
    command += ["--image-timeout", str(TIMEOUT_S)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"unforged scan ended with {done.returncode}")
    return [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]


def grouped(results: list[dict[str, Any]], top: Path, depth: int) -> dict[str, list[dict[str, Any]]]:
    """Results by the first `depth` folders below the top; nothing where no file lies deeper."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        parts = Path(result["path"]).relative_to(top).parts[:-1]
        groups["/".join(parts[:depth]) or "."].append(result)
    return {} if set(groups) == {"."} else dict(sorted(groups.items()))


def flagging(result: dict[str, Any]) -> set[str]:
    """Analyzers whose own finding reaches the bar."""
    return {f["analyzer"] for f in result["findings"] if (f["llr"] or 0) >= FLAG_LLR}


def engine_row(name: str, results: list[dict[str, Any]]) -> dict[str, str]:
    """One line of the table of opinions."""
    good = [r for r in results if r["status"] == "ok"]
    opinions = Counter(r["verdict"] for r in good)
    errors = Counter((r.get("error_code") or "error") for r in results if r["status"] != "ok")
    likely = sum(n for opinion, n in opinions.items() if opinion.startswith("likely"))
    return {
        "folder": name,
        "n": str(len(results)),
        "likely": share(likely, len(good)),
        "opinions": ", ".join(f"{o} {n}" for o, n in opinions.most_common()),
        "errors": ", ".join(f"{c} {n}" for c, n in errors.most_common()) or "-",
        "slowest_s": f"{max((r['elapsed_s'] for r in results), default=0):.1f}",
    }


def analyzer_row(name: str, results: list[dict[str, Any]], analyzers: Sequence[str]) -> dict[str, str]:
    """One line of the table of analyzers: files flagged by each, of all files that could be read."""
    good = [r for r in results if r["status"] == "ok"]
    flags = Counter(analyzer for r in good for analyzer in flagging(r))
    return {"folder": name} | {analyzer: share(flags[analyzer], len(good)) for analyzer in analyzers}


def share(k: int, n: int) -> str:
    """k of n with a 95 % Wilson interval."""
    if not n:
        return "-"
    bounds = binomtest(k, n).proportion_ci(method="wilson")
    return f"{k}/{n} [{bounds.low:.2f}, {bounds.high:.2f}]"


def write(rows: list[dict[str, str]], path: Path) -> None:
    """Write a table as CSV and as Markdown, and print it."""
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    lines += ["| " + " | ".join(r.values()) + " |" for r in rows]
    path.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines), flush=True)


def found(roots: Sequence[Path], folder: str) -> Path:
    """A folder in the first of the roots that has it."""
    for root in roots:
        if (root / folder).is_dir():
            return root / folder
    raise SystemExit(f"no folder {folder!r} in {', '.join(map(str, roots))}")


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--data", type=Path, nargs="+", required=True, help="folders that hold the named ones")
    cli.add_argument("--out", type=Path, required=True)
    cli.add_argument("--folders", default="eval/real,eval/fake,manipulated,provenance,videos,hostile")
    cli.add_argument("--depth", type=int, default=2, help="folders below the named ones that get lines of their own")
    cli.add_argument("--jobs", type=int, default=2)
    cli.add_argument("--analyzers", default=",".join(CLASSICAL))
    args = cli.parse_args()
    analyzers = args.analyzers.split(",")
    engine, single = [], []
    for folder in args.folders.split(","):
        top = found(args.data, folder)
        results = scan(top, args.out / folder.replace("/", "_"), args.jobs, analyzers)
        parts = {folder: results}
        parts |= {f"- {folder}/{name}": part for name, part in grouped(results, top, args.depth).items()}
        engine += [engine_row(name, part) for name, part in parts.items()]
        single += [analyzer_row(name, part, analyzers) for name, part in parts.items()]
    write(engine, args.out / "engine.md")
    write(single, args.out / "analyzers.md")


if __name__ == "__main__":
    main()
