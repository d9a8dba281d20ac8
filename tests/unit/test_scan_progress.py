"""What a scan says in a pipe: the line of a file agrees with its verdict, and nothing that went wrong is left out."""

from __future__ import annotations

import pytest

from forensics.cli.scan_progress import Progress
from forensics.finding import Claim, Finding, Trace
from forensics.report import ScanReport
from forensics.result import Result
from tests.make_report import report


def said(whole: ScanReport, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    result = Result(whole.path, whole, None, whole.sha256, whole.kind, whole.format, whole.size_bytes, 1.0)
    with Progress(1, "likely") as progress:
        progress.add(result)
        progress.finish(None, ())
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_weak_sign_is_no_reason_for_finding_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    weak = Finding("noise", Trace.SENSOR, "One part has more noise.", 0.2, Claim.MANIPULATED)
    out, _ = said(report((weak,)), capsys)
    assert "no trace found" in out and weak.summary.rstrip(".") not in out and "not show the file is authentic" in out
    strong = Finding("noise", Trace.SENSOR, "One part has more noise.", 1.2, Claim.MANIPULATED)
    out, _ = said(report((strong,)), capsys)
    assert "likely manipulated" in out and strong.summary.rstrip(".") in out


def test_an_analyzer_that_could_not_finish_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = said(report(failed={"provenance": "broken"}), capsys)
    assert "provenance could not finish on 1 of them" in err
    assert "could not finish" not in said(report(failed={}), capsys)[1]
