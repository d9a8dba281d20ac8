"""What examining so many files costs: processor time, days, bytes read and kept, memory.

    python -m benchmarks.costs
    python -m benchmarks.costs --files 1e6 3e8 --processors 16 256 --set file_kb=400 --set worker_ms_fast=90

Measured inputs are those of the table in docs/costs.md, so that they stand in one place; --set takes own ones instead.
Printed is the table of results as it stands on that page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "costs.md"

PROFILES = ("triage", "fast", "standard", "deep")

FILES = (1e5, 1e7, 1e9)
PROCESSORS = (2, 64, 1024)


@dataclass(frozen=True)
class Bill:
    """What a number of files costs at one profile.

    Attributes:
        processor_h: processor time of workers and parent.
        read_gb: read from the disk, or over the network if the files lie elsewhere.
        kept_gb: store and results.
        parent_gb: memory of the one process that writes the store, if all files lie in one.
        max_processors: that one such process can keep busy.
    """

    processor_h: float
    read_gb: float
    kept_gb: float
    parent_gb: float
    max_processors: float


def bill(inputs: Mapping[str, float], profile: str, n_files: float) -> Bill:
    """The formula.

    Args:
        inputs: by the names of the table in docs/costs.md.
        profile: one of PROFILES.
        n_files: of which `copies` are copies, which are read and looked up, not examined.

    Raises:
        ValueError: an input is missing.
    """
    try:
        worker_ms, parent_ms = inputs[f"worker_ms_{profile}"], inputs[f"parent_ms_{profile}"]
        n_examined = n_files * (1 - inputs["copies"])
        return Bill(
            processor_h=(n_examined * worker_ms + n_files * parent_ms) / 3.6e6,
            read_gb=n_files * inputs["file_kb"] / 1e6,
            kept_gb=n_files * (inputs["store_bytes"] + inputs["results_bytes"]) / 1e9,
            parent_gb=inputs["parent_mb"] / 1e3 + n_files * inputs["parent_bytes"] / 1e9,
            max_processors=1 + worker_ms / parent_ms,
        )
    except KeyError as error:
        raise ValueError(f"the input {error} is missing") from None


def read_inputs(page: Path = PAGE) -> dict[str, float]:
    """The table of inputs: rows whose first cell is a name in code and whose second is a number."""
    found: dict[str, float] = {}
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| `") and len(cells) > 2:
            found[cells[0].strip("`")] = float(cells[1].replace(",", ""))
    return found


def table(
    inputs: Mapping[str, float], files: Sequence[float] = FILES, processors: Sequence[int] = PROCESSORS
) -> list[str]:
    """Rows of Markdown."""
    spans = [f"on {n:,} processors" for n in processors]
    heading = ["files", "profile", "processor time", *spans, "read", "store and results", "memory of the parent"]
    rows = [heading, ["---"] * len(heading)]
    for n_files in files:
        for profile in PROFILES:
            one = bill(inputs, profile, n_files)
            spans = [_span(one.processor_h / n) for n in (1, *processors)]
            sizes = [_size(gb) for gb in (one.read_gb, one.kept_gb, one.parent_gb)]
            rows.append([f"{n_files:,.0f}", profile, *spans, *sizes])
    return ["| " + " | ".join(row) + " |" for row in rows]


def _span(hours: float) -> str:
    units = ((24 * 365.0, "years"), (24.0, "days"), (1.0, "h"), (1 / 60, "min"))
    size, unit = next(((size, unit) for size, unit in units if hours >= 2 * size), (1 / 3600, "s"))
    return f"{_number(hours / size)} {unit}"


def _size(gigabytes: float) -> str:
    return f"{_number(gigabytes)} GB" if gigabytes < 1000 else f"{_number(gigabytes / 1000)} TB"


def _number(value: float) -> str:
    """Two digits that count."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=float, nargs="+", default=FILES)
    parser.add_argument("--processors", type=int, nargs="+", default=PROCESSORS)
    parser.add_argument("--set", dest="own", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args(arguments)
    inputs = read_inputs()
    for text in given.own:
        name, _, value = text.partition("=")
        if name not in inputs:
            parser.error(f"there is no input {name!r}; there is {', '.join(inputs)}")
        try:
            inputs[name] = float(value)
        except ValueError:
            parser.error(f"{text!r} is no NAME=VALUE with a number")
    print("\n".join(table(inputs, given.files, given.processors)))
    for profile in PROFILES:
        most = bill(inputs, profile, 1).max_processors
        print(f"One parent keeps at most {most:.0f} processors busy at the profile {profile}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
