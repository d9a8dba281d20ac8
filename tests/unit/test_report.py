"""The JSON form of a report: it follows the published schema, and reading is the opposite of writing."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from forensics.finding import Finding, Heat, Trace
from forensics.report import SCHEMA_VERSION, ScanReport
from tests.make_report import any_reports, report

SCHEMA: dict[str, Any] = json.loads((files("forensics") / "schemas" / f"report-{SCHEMA_VERSION}.json").read_text())
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_the_published_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@quick
@given(any_reports())
def test_every_report_follows_the_schema_after_a_trip_through_json(any_report: ScanReport) -> None:
    Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(any_report.to_dict(), allow_nan=False)))


@quick
@given(any_reports())
def test_reading_is_the_opposite_of_writing(any_report: ScanReport) -> None:
    plain = json.loads(json.dumps(any_report.to_dict()))
    again = ScanReport.from_dict(plain)
    assert again.to_dict() == plain
    assert again.verdict == any_report.verdict
    assert again.settings == any_report.settings
    for before, after in zip(any_report.findings, again.findings, strict=True):
        assert (before.llr, before.claim, before.said_by, before.regions, before.details) == (
            after.llr,
            after.claim,
            after.said_by,
            after.regions,
            after.details,
        )
        if before.heat is not None and after.heat is not None:
            np.testing.assert_array_equal(before.heat.values, after.heat.values)
        assert (before.heat is None) == (after.heat is None)


def test_heat_is_kept_to_half_a_level_of_255() -> None:
    values = np.random.default_rng(0).random((40, 60), dtype=np.float32)
    written = report((Finding("noise", Trace.SENSOR, "Seen.", heat=Heat(values, "bright is noisy", 2.5)),)).to_dict()
    heat = ScanReport.from_dict(written).findings[0].heat
    assert heat is not None and heat.time_s == 2.5 and heat.label == "bright is noisy"
    assert float(np.abs(heat.values - values).max()) <= 0.5 / 255 + 1e-6


def test_strings_of_any_sort_survive_json() -> None:
    before = report()
    after = ScanReport.from_dict(json.loads(json.dumps(before.to_dict())))
    assert after.findings[-1].details == before.findings[-1].details


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": "2.0"},
        {"schema_version": None},
        {"verdict": {}},
        {"findings": [{"analyzer": "x"}]},
        {"settings": {"prior": 2.0}},
        {"settings": {"unknown": 1}},
    ],
)
def test_what_is_no_report_is_refused_as_a_value_error(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        ScanReport.from_dict({**report().to_dict(), **change})


def test_a_heat_map_that_claims_to_be_huge_is_refused_before_decoding() -> None:
    import base64

    plain = report((Finding("noise", Trace.SENSOR, "Seen.", heat=Heat(np.zeros((2, 2)), "")),)).to_dict()
    png = bytearray(base64.b64decode(plain["findings"][0]["heat"]["png"]))
    png[16:24] = (60_000).to_bytes(4, "big") * 2
    plain["findings"][0]["heat"]["png"] = base64.b64encode(png).decode()
    with pytest.raises(ValueError, match="too large"):
        ScanReport.from_dict(plain)


def test_a_report_of_before_it_was_told_who_says_a_thing_is_read() -> None:
    plain = report().to_dict()
    for finding in plain["findings"]:
        del finding["said_by"]
    assert {finding.said_by for finding in ScanReport.from_dict(plain).findings} == {None}


def test_members_added_by_a_later_minor_version_are_left_out() -> None:
    plain = report().to_dict()
    expected = json.loads(json.dumps(plain))
    plain.update(schema_version="1.7", novelty=1)
    plain["findings"][0]["regions"][0]["novelty"] = 1
    assert ScanReport.from_dict(plain).to_dict() == expected
