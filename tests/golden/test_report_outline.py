"""The outline of the HTML page of a fixed report, as a reader with a screen reader hears it."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from forensics.finding import Claim, Finding, Region, Trace
from forensics.report_html import render_html
from tests.make_report import heat, pixels, report

OUTLINE = Path(__file__).with_name("report_outline.txt")

FINDINGS = (
    Finding("eye_only", Trace.COMPRESSION, "A map for the eye.", heat=heat(1)),
    Finding("weak_one", Trace.SENSOR, "A weak sign.", 0.5, Claim.MANIPULATED),
    Finding("strong_one", Trace.GEOMETRY, "A strong sign.", 2.0, Claim.MANIPULATED, regions=(Region(1, 1, 9, 9),)),
)


def outline(html: str) -> str:
    headings = re.findall(r"<h([1-6])[^>]*>(.*?)</h\1>", html, re.DOTALL)
    return "".join(
        f"{'  ' * (int(level) - 1)}{unescape(re.sub('<[^>]+>', '', text)).strip()}\n" for level, text in headings
    )


def test_the_outline_of_the_page_is_as_recorded() -> None:
    assert outline(render_html(report(FINDINGS), pixels(1))) == OUTLINE.read_text(encoding="utf-8")
