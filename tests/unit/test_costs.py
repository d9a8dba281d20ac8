"""The page on costs says what its formula gives for its inputs."""

from __future__ import annotations

import pytest

from benchmarks.costs import PAGE, PROFILES, bill, main, read_inputs, table

INPUTS = {
    **{f"worker_ms_{profile}": ms for profile, ms in zip(PROFILES, (50.0, 100.0, 800.0, 900.0), strict=True)},
    **{f"parent_ms_{profile}": 5.0 for profile in PROFILES},
    "store_bytes": 6000.0,
    "results_bytes": 4000.0,
    "parent_mb": 100.0,
    "parent_bytes": 1000.0,
    "file_kb": 250.0,
    "copies": 0.0,
}


def test_the_table_of_the_page_is_what_its_inputs_give() -> None:
    rows = PAGE.read_text(encoding="utf-8").splitlines()
    assert [row for row in table(read_inputs()) if row not in rows] == []


def test_a_bill_by_hand() -> None:
    one = bill(INPUTS, "fast", 3_600_000)
    assert one.processor_h == pytest.approx(105.0)
    assert (one.read_gb, one.kept_gb, one.parent_gb) == pytest.approx((900.0, 36.0, 3.7))
    assert one.max_processors == pytest.approx(21.0)


def test_copies_are_read_and_looked_up_and_not_examined() -> None:
    all_copies = bill({**INPUTS, "copies": 1.0}, "standard", 1000)
    none = bill(INPUTS, "standard", 1000)
    assert all_copies.processor_h == pytest.approx(1000 * 5 / 3.6e6)
    assert (all_copies.read_gb, all_copies.kept_gb) == (none.read_gb, none.kept_gb)


def test_own_inputs_take_the_place_of_those_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--files", "1000", "--processors", "4", "--set", "file_kb=5000"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2 + len(PROFILES) and all("| 5 GB |" in row for row in rows[2:])


def test_the_table_tells_time_and_size_in_units_that_fit() -> None:
    (row,) = (row for row in table({**INPUTS, "worker_ms_fast": 355.0}, (2e8,), (8, 512)) if "| fast |" in row)
    # 200 million files of 0.36 s are 20,000 hours.
    assert row == "| 200,000,000 | fast | 2.3 years | 100 days | 39 h | 50 TB | 2 TB | 200 GB |"


@pytest.mark.parametrize("wrong", ["nothing=1", "file_kb", "file_kb=many"])
def test_an_input_that_is_none_is_refused_in_one_line(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--set", wrong])
    assert stopped.value.code == 2 and len(capsys.readouterr().err.strip().splitlines()[-1:]) == 1


def test_a_missing_input_is_named() -> None:
    with pytest.raises(ValueError, match="worker_ms_fast"):
        bill({}, "fast", 1)
