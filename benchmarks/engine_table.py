"""Scan labelled folders with the shipped engine and print who was flagged, with counts and intervals.

    python benchmarks/engine_table.py --data DIR --out OUT [--folders eval/real,eval/fake,manipulated] [--jobs 2]

Runs the real command (`unforged scan`), reads its results.jsonl and writes OUT/engine.md and OUT/engine.csv: for each
folder of files the opinions, the errors by code, and how many files each analyzer flags on its own. Nothing is chosen
here: thresholds and ratios were fitted on other sources (see `benchmarks/calibrate.py`).
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

FLAG_LLR = 1.0


def scan(folder: Path, out: Path, jobs: int) -> list[dict[str, Any]]:
    """Results of `unforged scan` over a folder, one dict a file."""
    command = [sys.executable, "-m", "forensics.cli", "scan", str(folder), "--out", str(out), "--store", "none"]
    done = subprocess.run([*command, "--format", "csv", "--jobs", str(jobs)], stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"unforged scan ended with {done.returncode}")
    return [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]


def grouped(results: list[dict[str, Any]], top: Path, depth: int) -> dict[str, list[dict[str, Any]]]:
    """Results by the first `depth` folders below the top."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        parts = Path(result["path"]).relative_to(top).parts[:-1]
        groups["/".join(parts[:depth]) or "."].append(result)
    return dict(sorted(groups.items()))


def row(name: str, results: list[dict[str, Any]]) -> dict[str, str]:
    """One line of the table."""
    good = [r for r in results if r["status"] == "ok"]
    opinions = Counter(r["verdict"] for r in good)
    errors = Counter((r.get("error_code") or "error") for r in results if r["status"] != "ok")
    flags = Counter(
        f["analyzer"]
        for r in good
        for f in {f["analyzer"]: f for f in r["findings"] if (f["llr"] or 0) >= FLAG_LLR}.values()
    )
    likely = sum(n for opinion, n in opinions.items() if opinion.startswith("likely"))
    return {
        "folder": name,
        "n": str(len(results)),
        "likely": share(likely, len(good)),
        "opinions": ", ".join(f"{o} {n}" for o, n in opinions.most_common()),
        "flagged by": ", ".join(f"{a} {n}" for a, n in flags.most_common()) or "-",
        "errors": ", ".join(f"{c} {n}" for c, n in errors.most_common()) or "-",
        "slowest_s": f"{max((r['elapsed_s'] for r in results), default=0):.1f}",
    }


def share(k: int, n: int) -> str:
    """k of n with a 95 % Wilson interval."""
    if not n:
        return "-"
    bounds = binomtest(k, n).proportion_ci(method="wilson")
    return f"{k}/{n} = {k / n:.2f} [{bounds.low:.2f}, {bounds.high:.2f}]"


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--data", type=Path, required=True)
    cli.add_argument("--out", type=Path, required=True)
    cli.add_argument("--folders", default="eval/real,eval/fake,manipulated,provenance,videos,hostile")
    cli.add_argument("--depth", type=int, default=2)
    cli.add_argument("--jobs", type=int, default=2)
    args = cli.parse_args()
    rows = []
    for folder in args.folders.split(","):
        top = args.data / folder
        results = scan(top, args.out / folder.replace("/", "_"), args.jobs)
        rows.append(row(folder, results))
        rows += [row(f"- {folder}/{name}", part) for name, part in grouped(results, top, args.depth).items()]
    with (args.out / "engine.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    lines += ["| " + " | ".join(r.values()) + " |" for r in rows]
    (args.out / "engine.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
