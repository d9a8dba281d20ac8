"""Tables: one row a file, no cell that a spreadsheet runs, the same values in CSV and Parquet."""

from __future__ import annotations

import csv
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.report import ScanReport
from forensics.report_table import COLUMNS, FORMULA_STARTS, row, write_csv, write_parquet
from tests.make_report import HOSTILE, any_reports, report

quick = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

ERROR_LINE = {"path": "a/broken.jpg", "status": "error", "error": "cut off after 10 bytes", "elapsed_s": 0.1}


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_says_what_the_report_says() -> None:
    flat = row(report())
    assert list(flat) == list(COLUMNS)
    assert flat["path"] == "inbox/holiday.jpg" and flat["verdict"] == "likely manipulated"
    assert flat["llr_geometry"] == 1.7 and flat["llr_compression"] == 0.62 and flat["llr_sensor"] == -0.4
    assert flat["llr_provenance"] is None and flat["n_findings"] == 5
    assert flat["pdq"] == "0f" * 32
    assert flat["failed"] == "provenance: MediaError: the manifest store is cut off"


def test_a_file_that_could_not_be_read_is_a_row_too(tmp_path: Path) -> None:
    assert write_csv([ERROR_LINE, report()], tmp_path / "t.csv") == 2
    first, second = read_csv(tmp_path / "t.csv")
    assert (first["status"], first["error"], first["verdict"]) == ("error", "cut off after 10 bytes", "")
    assert (second["status"], second["error"]) == ("ok", "")


def test_a_line_of_the_results_gives_the_same_ratios_as_the_report() -> None:
    whole = report()
    line: dict[str, Any] = {
        "path": whole.path,
        "verdict": str(whole.verdict.opinion),
        "pdq": [*whole.pdq, "ff" * 32],
        "leading": [str(t) for t in whole.verdict.leading],
        "findings": [
            {"analyzer": f.analyzer, "trace": str(f.trace), "llr": f.llr, "summary": f.summary} for f in whole.findings
        ],
    }
    shared = [name for name in COLUMNS if name.startswith("llr_")] + ["path", "verdict", "leading", "summary", "pdq"]
    assert {n: row(line)[n] for n in shared} == {n: row(whole)[n] for n in shared}


@pytest.mark.parametrize("start", [*FORMULA_STARTS, "=cmd|' /C calc'!A0", '=HYPERLINK("http://x")'])
def test_no_cell_starts_like_a_formula(tmp_path: Path, start: str) -> None:
    path = tmp_path / "t.csv"
    write_csv([{**ERROR_LINE, "path": start + "x", "error": start}], path)
    cells = read_csv(path)[0]
    for name in ("path", "error"):
        assert not cells[name].startswith(FORMULA_STARTS)
        assert cells[name].startswith(("'", "\\")) and len(cells[name]) > len(start.strip())


def test_numbers_below_zero_stay_numbers(tmp_path: Path) -> None:
    write_csv([report()], tmp_path / "t.csv")
    assert float(read_csv(tmp_path / "t.csv")[0]["llr_sensor"]) == -0.4


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_takes_one_line_and_hides_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    write_csv([{**ERROR_LINE, "path": f"{text}\r\nforged,row"}], path)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    assert read_csv(path)[0]["path"].isprintable()
    write_parquet([{**ERROR_LINE, "path": text}], tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet").num_rows == 1


@quick
@given(st.lists(any_reports(), max_size=3))
def test_csv_and_parquet_hold_the_same_numbers(tmp_path: Path, reports: list[ScanReport]) -> None:
    n_csv, n_parquet = write_csv(reports, tmp_path / "t.csv"), write_parquet(reports, tmp_path / "t.parquet")
    assert n_csv == n_parquet == len(reports)
    table = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert table == [row(r) for r in reports]
    for written, expected in zip(read_csv(tmp_path / "t.csv"), table, strict=True):
        assert float(written["llr"]) == expected["llr"] and written["verdict"] == expected["verdict"]


def test_memory_does_not_grow_with_the_number_of_rows(tmp_path: Path) -> None:
    def lines(n: int) -> Iterator[dict[str, Any]]:
        return ({**ERROR_LINE, "path": f"{i:06d}" + "x" * 200} for i in range(n))

    def peak(n: int) -> int:
        tracemalloc.start()
        write_csv(lines(n), tmp_path / "t.csv")
        write_parquet(lines(n), tmp_path / "t.parquet")
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(10)
    assert peak(4000) < 1.3 * peak(2000)
