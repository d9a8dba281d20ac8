"""The HTML page: it needs nothing from outside, runs nothing, hides nothing, and says what the report says."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from forensics.finding import Claim, Finding, Heat, Region, Trace
from forensics.report import ScanReport
from forensics.report_html import MAX_ROWS, render_html
from forensics.report_page import moments
from forensics.settings import ScanSettings
from forensics.verdict import Opinion, counted_llr
from tests.make_report import HOSTILE, any_reports, example_findings, heat, pixels, report

BANNED_TAGS = {
    "script",
    "link",
    "base",
    "form",
    "iframe",
    "object",
    "embed",
    "foreignobject",
    "animate",
    "set",
    "input",
}
LOADING = {"src", "href", "xlink:href", "srcset", "action", "data", "poster", "background", "formaction"}

quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Reader(HTMLParser):
    """Reads a page as a browser would and keeps what matters for safety."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.shown: list[str] = []
        self.styles: list[str] = []
        self._inside = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._inside = tag

    def handle_data(self, data: str) -> None:
        (self.styles if self._inside == "style" else self.shown).append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    @property
    def text(self) -> str:
        return " ".join("".join(self.shown).split())


def assert_harmless(html: str) -> Reader:
    read = Reader(html)
    assert not BANNED_TAGS & set(read.tags)
    for tag, name, value in read.attributes:
        assert not name.startswith("on") and name != "style", (tag, name)
        if name in LOADING:
            assert value.startswith(("data:image/jpeg;base64,", "#source-")), (tag, name, value[:80])
    assert len(read.styles) == 1 and "url(" not in read.styles[0] and "@import" not in read.styles[0]
    assert "http-equiv" in {name for _, name, _ in read.attributes}
    return read


def hostile_report(text: str) -> ScanReport:
    finding = Finding(
        "metadata",
        Trace.PROVENANCE,
        f"It says {text}",
        1.2,
        Claim.SYNTHETIC,
        text,
        {text: 1.0},
        ((text, text),),
        (Region(1, 1, 50, 50, text),),
        Heat(np.ones((4, 4), np.float32), text),
    )
    return report(
        (finding,),
        filename=text,
        path=text,
        format=text,
        skipped={"timeline": text},
        failed={"noise": text, text: text},
        versions={text: text},
        settings=ScanSettings(analyzers=(text, "metadata")),
        scanned_at=text,
    )


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_hostile_text_everywhere_stays_text(text: str) -> None:
    html = render_html(hostile_report(text), pixels(1))
    read = assert_harmless(html)
    html.encode("utf-8")
    assert not any(hidden in read.text for hidden in "\u202e\u2066\x00\x07\x1b")
    if text.isprintable() and len(text) < 200:
        assert " ".join(text.split()) in read.text


@quick
@given(any_reports())
def test_every_report_makes_a_harmless_page(any_report: ScanReport) -> None:
    read = assert_harmless(render_html(any_report, pixels(1, width=64, height=48)))
    assert any_report.verdict.opinion.capitalize() in read.text


def test_the_policy_allows_this_style_sheet_and_nothing_else() -> None:
    read = Reader(render_html(report(), pixels(1)))
    policy = next(v for t, n, v in read.attributes if n == "content" and "default-src" in v)
    allowed = base64.b64encode(hashlib.sha256(read.styles[0].encode()).digest()).decode()
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src" not in policy
    assert f"style-src 'sha256-{allowed}'" in policy


def test_the_page_says_what_a_stranger_needs() -> None:
    whole = report()
    text = Reader(render_html(whole, pixels(1))).text
    for expected in (
        "Likely manipulated",
        "about 50 times more usual on manipulated files",
        "assumed beforehand: 20\u00a0%",
        "No tool can show that a file is authentic",
        whole.sha256,
        "a still image has no time line",
        "the manifest store is cut off",
        "fitted 2025-01, 1,200 pictures",
        "unforged scan --analyzers",
        "inbox/holiday.jpg",
        whole.settings.digest,
    ):
        assert " ".join(expected.split()) in text, expected
    for reason in whole.verdict.reasons:
        assert " ".join(reason.sentence.split()) in text


def test_a_card_says_why_it_does_not_count_or_counts_for_less() -> None:
    made = Finding("learned", Trace.LEARNED, "Looks made.", 2.0, Claim.SYNTHETIC)
    quiet = Finding("copy_move", Trace.GEOMETRY, "No part occurs twice.", -0.9, Claim.MANIPULATED)
    mixed = Reader(render_html(report((made, quiet)))).text.partition("How the verdict was reached")[0]
    assert "Not counted: it is about manipulated files, and synthetic is the likelier explanation." in mixed
    alone = Reader(render_html(report((quiet,)))).text.partition("How the verdict was reached")[0]
    assert "7.9 times more usual on untouched files than on manipulated ones" in alone
    assert "Counted as only 1.3 times, as most alterations do not leave this trace." in alone
    full = Reader(render_html(report((made,)))).text.partition("How the verdict was reached")[0]
    assert "ounted" not in full


def test_what_counts_stands_before_what_does_not() -> None:
    made = Finding("learned", Trace.LEARNED, "Looks made.", 1.5, Claim.SYNTHETIC)
    loud = Finding("copy_move", Trace.GEOMETRY, "Nothing occurs twice.", -2.9, Claim.MANIPULATED)
    text = Reader(render_html(report((loud, made)))).text.partition("How the verdict was reached")[0]
    assert text.index(made.summary) < text.index(loud.summary)


def test_a_bar_is_solid_only_as_far_as_its_finding_counts() -> None:
    quiet = Finding("copy_move", Trace.GEOMETRY, "No part occurs twice.", -0.9, Claim.MANIPULATED)
    html = render_html(report((quiet,)))
    idle, fill = (float(re.search(f'"{kind}" x="[^"]*" y="6" width="([^"]*)"', html)[1]) for kind in ("idle", "fill"))  # type: ignore[index]
    assert fill / idle == pytest.approx(counted_llr(quiet) / -0.9, abs=0.01) and fill < 0.2 * idle


def test_evidence_stands_in_order_of_weight_and_the_uncalibrated_last() -> None:
    findings = example_findings()
    text = Reader(render_html(report(findings[::-1]), None)).text.partition("How the verdict was reached")[0]
    places = [text.index(f.summary) for f in findings[:3]]
    assert places == sorted(places) and max(places) < min(text.index(f.summary) for f in findings[3:])


@pytest.mark.parametrize("opinion", Opinion)
def test_every_opinion_has_its_words_and_a_shape_of_its_own(opinion: Opinion) -> None:
    llr = {Opinion.INCONCLUSIVE: 0.6, Opinion.NO_TRACE_FOUND: -0.5}.get(opinion, 2.0)
    claim = Claim.SYNTHETIC if opinion is Opinion.LIKELY_SYNTHETIC else Claim.MANIPULATED
    html = render_html(report((Finding("noise", Trace.SENSOR, "Seen.", llr, claim),)))
    assert f">{opinion.capitalize()}</h1>" in html
    icon = re.search(r'class="icon".*?class="shape"[^>]*>', html, re.DOTALL)
    others = {"M24 4 46 43": Opinion.LIKELY_MANIPULATED, "M24 2 46 24": Opinion.LIKELY_SYNTHETIC}
    others |= {"<rect": Opinion.INCONCLUSIVE, "<circle": Opinion.NO_TRACE_FOUND}
    assert icon is not None and [o for mark, o in others.items() if mark in icon[0]] == [opinion]


def test_the_word_authentic_is_never_an_opinion() -> None:
    text = Reader(render_html(report((example_findings()[2],)))).text
    said = [m.start() for m in re.finditer("authentic", text)]
    assert said and all("No tool can show" in text[s - 40 : s] or "does not show" in text[s - 40 : s] for s in said)


def test_overlays_carry_the_heat_and_the_original_stands_beside_it_once_in_the_file() -> None:
    html = render_html(report(), pixels(1))
    assert html.count("<image ") == 1 and html.count('href="#source-0"') == 4
    shown = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"', html)
    assert len(shown) == 3
    first = cv2.imdecode(np.frombuffer(base64.b64decode(shown[0]), np.uint8), cv2.IMREAD_COLOR)
    colored = (first.max(axis=2).astype(int) - first.min(axis=2)) > 120
    hot = cv2.resize(heat(3).values, (first.shape[1], first.shape[0])) > 0.9
    assert colored[hot].mean() > 0.95 and colored[~hot].mean() < 0.2


def test_without_a_picture_there_is_no_picture() -> None:
    html = render_html(report())
    assert "data:image" not in html and "<figure" not in html


def test_a_video_shows_its_frames_with_time_codes_and_draws_on_the_nearest() -> None:
    frames = {t: np.full((90, 160, 3), level, np.uint8) for t, level in ((0, 0), (2, 40), (4, 80), (61.5, 200))}
    found = (
        Finding("timeline", Trace.TIMELINE, "Repeated.", 1.5, Claim.MANIPULATED, times_s=(2.0, 61.4)),
        Finding("learned", Trace.LEARNED, "A face.", regions=(Region(10, 10, 30, 30, "face", time_s=3.8),)),
    )
    video = report(found, kind="video", format="mp4", duration_s=70.0, width=160, height=90)
    html = render_html(video, frames)
    read = assert_harmless(html)
    assert html.count('alt="Frame at') == 4 and "1:01.5" in read.text
    assert "0:02.0, 1:01.4" in read.text and html.count('class="mark"') == 3
    original = re.search(r'<image id="source-0"[^>]*base64,([^"]+)"', html)
    assert original is not None
    drawn_on = cv2.imdecode(np.frombuffer(base64.b64decode(original[1]), np.uint8), cv2.IMREAD_COLOR)
    assert abs(float(drawn_on.mean()) - 80) < 3


def test_frames_that_a_finding_names_stand_beside_it_and_not_in_the_strip() -> None:
    found = Finding("timeline", Trace.TIMELINE, "Repeated.", 1.0, Claim.MANIPULATED, times_s=(2.04, 61.4))
    frames = {float(t): pixels(t, width=320, height=180) for t in (0, 30, 60)} | {2.04: pixels(7), 61.4: pixels(8)}
    video = report((found,), kind="video", format="mp4", filename="clip.mp4", duration_s=90.0, width=320, height=180)
    assert moments(video) == (2.04, 61.4)
    html = render_html(video, frames)
    assert_harmless(html)
    film, evidence = html.split('id="evidence"')
    assert film.count('alt="Frame at') == 3 and evidence.count('alt="Frame at') == 2
    assert "Frame at 00:00:02.040" in evidence and "Frame at 00:01:01.400" in evidence
    few = {t: frames[t] for t in (0.0, 30.0, 60.0)}
    assert 'alt="Frame at' not in render_html(video, few).split('id="evidence"')[1]


def test_long_text_is_folded_and_bounded() -> None:
    finding = Finding("metadata", Trace.PROVENANCE, "Text.", details=(("prompt", "word " * 50_000),))
    html = render_html(report((finding,)))
    assert '<details class="fold">' in html and "more characters" in html
    assert len(html) < 80_000


@pytest.mark.parametrize(("n_left", "told"), [(1, "1 more row<"), (2, "2 more rows<")])
def test_rows_that_are_folded_away_are_counted_in_words(n_left: int, told: str) -> None:
    rows = (("label", "text"),) * (MAX_ROWS + n_left)
    html = render_html(report((Finding("metadata", Trace.PROVENANCE, "Rows.", details=rows),)), pixels(1))
    assert told in html


def test_twelve_megapixels_with_eight_maps_stay_under_one_and_a_half_megabytes() -> None:
    rng = np.random.default_rng(1)
    large = cv2.add(pixels(2, width=4000, height=3000), rng.integers(0, 60, (3000, 4000, 3), dtype=np.uint8))
    maps = tuple(
        Finding("noise", Trace.SENSOR, f"Map {i}.", heat=heat(i, width=512, height=384, n_spots=9)) for i in range(8)
    )
    assert len(render_html(report(maps, width=4000, height=3000), large)) < 1_500_000
