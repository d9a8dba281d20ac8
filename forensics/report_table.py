"""One flat row a file, as CSV for spreadsheets and Parquet for analysis. Written line by line: memory stays flat."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from forensics.finding import Trace
from forensics.hostile_text import visible
from forensics.report import ScanReport

Line: TypeAlias = ScanReport | Mapping[str, Any]

BATCH_ROWS = 1000
"""Rows held at once while Parquet is written: about 1 MB."""

MAX_CELL = 4000
"""Characters of one cell; spreadsheets cut at 32,767."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
"""What spreadsheets may run as a formula at the start of a cell (OWASP, CSV Injection)."""

COLUMNS: Mapping[str, type] = {
    "path": str,
    "sha256": str,
    "kind": str,
    "format": str,
    "size_bytes": int,
    "width": int,
    "height": int,
    "duration_s": float,
    "status": str,
    "error": str,
    "error_code": str,
    "verdict": str,
    "probability": float,
    "llr": float,
    "leading": str,
    **{f"llr_{trace}": float for trace in Trace},
    "summary": str,
    "n_findings": int,
    "failed": str,
    "cut_short": int,
    "elapsed_s": float,
    "scanned_at": str,
    "pdq": str,
}
"""Columns in order, with their types; `llr_<trace>` is the strongest ratio of that trace family, `cut_short` is 1 where
time was up before all analyzers had looked, `pdq` the hash of the first picture."""


def row(line: Line) -> dict[str, str | int | float | None]:
    """Flatten a report, or a line of `results.jsonl`, to one value a column.

    Args:
        line: what is known about one file; members that it lacks come out as None.

    Returns:
        All of COLUMNS, with text made visible and bounded.
    """
    plain = _from_report(line) if isinstance(line, ScanReport) else line
    findings = plain.get("findings") or ()
    strongest = sorted(findings, key=lambda f: -abs(f.get("llr") or 0.0))
    flat: dict[str, Any] = {name: plain.get(name) for name in COLUMNS}
    flat["leading"] = "; ".join(plain.get("leading") or ())
    for trace in Trace:
        ratios = (f["llr"] for f in strongest if f.get("trace") == trace and f.get("llr") is not None)
        flat[f"llr_{trace}"] = next(ratios, None)
    flat["summary"] = strongest[0]["summary"] if strongest else None
    flat["n_findings"] = len(findings) if plain.get("verdict") else None
    flat["failed"] = "; ".join(f"{name}: {why}" for name, why in (plain.get("failed") or {}).items())
    if not isinstance(hashes := plain.get("pdq"), str):
        flat["pdq"] = hashes[0] if hashes else None
    flat["status"] = plain.get("status") or "ok"
    return {name: _cell(flat[name], kind) for name, kind in COLUMNS.items()}


def write_csv(lines: Iterable[Line], path: Path) -> int:
    """Write a table as CSV (RFC 4180, UTF-8), a file a row.

    Text that a spreadsheet could take for a formula gets an apostrophe in front.

    Args:
        lines: reports, or lines of `results.jsonl`; read once, one after the other.
        path: replaced if it exists.

    Returns:
        Number of rows.
    """
    n_rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for line in lines:
            writer.writerow([_harmless(value) for value in row(line).values()])
            n_rows += 1
    return n_rows


def write_parquet(lines: Iterable[Line], path: Path) -> int:
    """Write a table as Parquet, a file a row, in batches.

    Args:
        lines: reports, or lines of `results.jsonl`; read once, one after the other.
        path: replaced if it exists.

    Returns:
        Number of rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    n_rows = 0
    with pq.ParquetWriter(str(path), schema, compression="zstd") as writer:
        for batch in _batches(row(line) for line in lines):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            n_rows += len(batch)
    return n_rows


def _from_report(report: ScanReport) -> dict[str, Any]:
    verdict = report.verdict
    return {
        "path": report.path or report.filename,
        **{name: getattr(report, name) for name in ("sha256", "kind", "format", "size_bytes", "width", "height")},
        "duration_s": report.duration_s,
        "verdict": str(verdict.opinion),
        "probability": verdict.probability,
        "llr": verdict.llr,
        "leading": [str(trace) for trace in verdict.leading],
        "findings": [{"trace": str(f.trace), "llr": f.llr, "summary": f.summary} for f in report.findings],
        "failed": report.failed,
        "cut_short": report.is_cut_short,
        "elapsed_s": math.fsum(report.timings_s.values()),
        "scanned_at": report.scanned_at,
        "pdq": report.pdq,
    }


def _cell(value: Any, kind: type) -> str | int | float | None:
    if value is None or value == "":
        return None
    if kind is not str:
        return kind(value)  # type: ignore[no-any-return]
    # Line breaks go as well: many readers of CSV take one line for one row.
    return visible(str(value), MAX_CELL).replace("\n", "\\n").replace("\t", "\\t")


def _harmless(value: str | int | float | None) -> str | int | float:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch
