"""The PDF: it opens, has the pages it needs, and no text stops it or is lost silently."""

from __future__ import annotations

import re
import zlib

import pytest
from hypothesis import HealthCheck, given, settings

from forensics.finding import Finding, Trace
from forensics.report import ScanReport
from forensics.report_pdf import render_pdf
from tests.make_report import HOSTILE, any_reports, example_findings, pixels, report

quick = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def n_pages(pdf: bytes) -> int:
    count = re.search(rb"/Count (\d+)", pdf)
    assert pdf.startswith(b"%PDF-1.") and pdf.rstrip().endswith(b"%%EOF") and count is not None
    return int(count[1])


def text_of(pdf: bytes) -> str:
    """The words of all pages; enough for core fonts, whose strings are Latin-1 in brackets."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            page = zlib.decompress(stream)
        except zlib.error:
            continue
        found += [re.sub(rb"\\([()\\])", rb"\1", s) for s in re.findall(rb"\(((?:\\.|[^\\()])*)\)\s*Tj", page)]
    return " ".join(" ".join(s.decode("latin-1") for s in found).split())


def test_the_document_opens_and_says_the_verdict_and_the_evidence() -> None:
    whole = report()
    pdf = render_pdf(whole, pixels(1))
    text = text_of(pdf)
    assert 2 <= n_pages(pdf) <= 5
    for expected in ("Likely manipulated", "No tool can show", whole.sha256, "What was not tested", "unforged scan"):
        assert expected in text, expected
    for finding in whole.findings:
        assert finding.summary in text


def test_pictures_are_inside_and_left_out_without_a_preview() -> None:
    findings = example_findings()[:2]
    with_pictures, without = render_pdf(report(findings), pixels(1)), render_pdf(report(findings))
    # The picture as examined, once however often it is shown, and one overlay a finding.
    assert with_pictures.count(b"/Subtype /Image") == 3 and without.count(b"/Subtype /Image") == 0


def test_frames_that_a_finding_names_are_printed_with_their_times() -> None:
    found = Finding("timeline", Trace.TIMELINE, "Repeated.", times_s=(2.04, 61.4))
    video = report((found,), kind="video", format="mp4", filename="clip.mp4", duration_s=90.0, width=320, height=180)
    frames = {t: pixels(seed, width=320, height=180) for seed, t in enumerate((0.0, 2.04, 61.4))}
    pdf = render_pdf(video, frames)
    assert pdf.count(b"/Subtype /Image") == 3 and "00:00:02.040, 00:01:01.400" in text_of(pdf)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_no_text_stops_the_document(text: str) -> None:
    finding = Finding("metadata", Trace.PROVENANCE, f"It says {text}", explanation=text, details=((text, text),) * 3)
    assert n_pages(render_pdf(report((finding,), filename=text, path=text, versions={text: text}))) >= 1


def test_letters_that_the_fonts_lack_are_shown_as_escapes() -> None:
    finding = Finding("metadata", Trace.PROVENANCE, "Title: 名 é “x”")
    assert 'Title: \\u540d é "x"' in text_of(render_pdf(report((finding,))))


@quick
@given(any_reports())
def test_every_report_becomes_a_document(any_report: ScanReport) -> None:
    assert n_pages(render_pdf(any_report, pixels(1, width=64, height=48))) >= 1


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render_pdf(report(), pixels(1)) == render_pdf(report(), pixels(1))


def test_a_very_tall_picture_and_a_thousand_rows_end() -> None:
    finding = Finding("metadata", Trace.PROVENANCE, "Rows.", details=(("label", "text " * 200),) * 1000)
    pdf = render_pdf(report((finding,), width=40, height=4000), pixels(1, width=40, height=4000))
    assert n_pages(pdf) < 12 and "984 more rows" in text_of(pdf)


@pytest.mark.parametrize(("n_rows", "told"), [(17, "1 more row is in"), (18, "2 more rows are in")])
def test_rows_that_are_left_out_are_counted_in_words(n_rows: int, told: str) -> None:
    finding = Finding("metadata", Trace.PROVENANCE, "Rows.", details=(("label", "text"),) * n_rows)
    assert told in text_of(render_pdf(report((finding,)), pixels(1)))
