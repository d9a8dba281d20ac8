"""What a report shows, in words and pictures, before it becomes HTML or PDF: both say the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from forensics.analyzers import ANALYZERS
from forensics.finding import Claim, Finding, Region
from forensics.hostile_text import one_line, visible
from forensics.installed import unasked_detectors
from forensics.overlay import draw_heat, draw_regions, preview
from forensics.report import ScanReport
from forensics.report_words import (
    TRACE_WORDS,
    command,
    examined,
    meaning,
    name_of,
    numbered,
    percent,
    question,
    rule,
    step,
    strength,
    time_code,
    title,
    total,
)
from forensics.verdict import Reason, Verdict, counted_llr

Pixels = NDArray[np.uint8]
Previews: TypeAlias = Pixels | Mapping[float, Pixels] | None

OVERLAY_SIDE_PX = 720
"""Pictures of evidence stand side by side; finer than this is not seen."""

MAX_PICTURES = 4
"""Pictures of one finding, each at another moment of a video."""

MAX_MOMENTS = 8
"""Frames of one finding that are shown at the times it names."""

UNNAMED = "unnamed file"
"""Stands for a file name of which nothing is left to show."""

MAX_REGIONS = 40
"""Rectangles of one finding that are drawn and listed."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Evidence drawn on the picture.

    Attributes:
        pixels: (H, W, 3) uint8.
        caption: what is drawn.
        is_heat: whether the colour scale belongs below it.
        time_s: moment in a video, None for images.
        source_s: the preview it is drawn on.
    """

    pixels: Pixels
    caption: str
    is_heat: bool
    time_s: float | None
    source_s: float


@dataclass(frozen=True, eq=False)
class Card:
    """One finding as it is shown.

    Attributes:
        title, trace: of the analyzer and of its trace family, in words.
        summary, explanation: plain sentences.
        llr: log10 ratio, None for the eye only.
        claim: what a positive ratio speaks for.
        strength: the ratio in words.
        counted_llr: how much of it takes part in the verdict, 0.0 for none.
        weight: why it does not count, or counts for less; "" where it counts in full or is for the eye only.
        pictures: evidence drawn on the picture.
        rows: label and text, hidden characters made visible.
        numbers: measures, name and value.
        times_s: moments in a video.
        moments: the frames at some of them, where there is no other picture: time in seconds, (H, W, 3) uint8.
    """

    title: str
    trace: str
    summary: str
    explanation: str
    llr: float | None
    claim: str
    strength: str
    counted_llr: float
    weight: str
    pictures: tuple[Picture, ...]
    rows: tuple[tuple[str, str], ...]
    numbers: tuple[tuple[str, str], ...]
    times_s: tuple[float, ...]
    moments: tuple[tuple[float, Pixels], ...]


@dataclass(frozen=True, eq=False)
class Page:
    """A whole report as it is shown; every string is visible text, none is escaped for HTML yet."""

    title: str
    opinion: str
    percent: str
    question: str
    meaning: str
    note: str
    probability: float
    prior: float
    cards: tuple[Card, ...]
    rule: str
    steps: tuple[tuple[str, str, bool], ...]
    total: str
    untested: tuple[tuple[str, str], ...]
    quiet: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    command: str
    duration_s: float | None


def by_time(previews: Previews) -> dict[float, Pixels]:
    """Pictures by their time in seconds; a single one is at 0."""
    if previews is None:
        return {}
    return dict(previews) if isinstance(previews, Mapping) else {0.0: previews}


def moments(report: ScanReport) -> tuple[float, ...]:
    """Times in seconds whose frames the report shows beside findings that have no other picture."""
    return tuple(dict.fromkeys(t for finding in report.findings for t in _moments(finding)))


def _moments(finding: Finding) -> tuple[float, ...]:
    return () if finding.heat is not None or finding.regions else tuple(dict.fromkeys(finding.times_s))[:MAX_MOMENTS]


def page(report: ScanReport, previews: Mapping[float, Pixels], say: Callable[[str], str] = str) -> Page:
    """Put a report into words and draw its pictures.

    Args:
        report: of an image or a video.
        previews: time in seconds -> (H, W, 3) uint8 whole upright picture at any size; an image has one, at 0.
        say: puts labels, which are written into the pictures, into another language.
    """
    verdict = report.verdict
    cards = [_card(f, report, previews, say) for f in report.findings]
    # What decides first, by how much it counts; then what could have; what is for the eye last.
    cards.sort(key=lambda c: (c.llr is None, -abs(c.counted_llr), -abs(c.llr or 0.0)))
    return Page(
        title=name_of(report, 200) or UNNAMED,
        opinion=str(verdict.opinion),
        percent=percent(verdict.probability),
        question=question(report),
        meaning=meaning(report),
        note=one_line(verdict.note),
        probability=verdict.probability,
        prior=report.settings.prior,
        cards=tuple(cards),
        rule=rule(report),
        steps=tuple((title(r.analyzer), one_line(step(r, verdict)), r.counted) for r in verdict.reasons),
        total=total(report),
        untested=_untested(report),
        quiet=_quiet(report),
        facts=_facts(report),
        versions=tuple((one_line(k), one_line(v)) for k, v in report.versions.items()),
        command=command(report),
        duration_s=report.duration_s,
    )


def _card(finding: Finding, report: ScanReport, previews: Mapping[float, Pixels], say: Callable[[str], str]) -> Card:
    reason = _reason(finding, report)
    numbers = tuple((one_line(name, 60), f"{value:.4g}") for name, value in finding.measures.items())
    return Card(
        title=title(finding.analyzer),
        trace=TRACE_WORDS[finding.trace],
        summary=_sentence(finding.summary),
        explanation=visible(finding.explanation),
        llr=finding.llr,
        claim=str(finding.claim or Claim.MANIPULATED),
        strength=strength(finding),
        counted_llr=counted_llr(finding) if reason is not None and reason.counted else 0.0,
        weight=_weight(finding, reason, report.verdict),
        pictures=_pictures(_labelled(finding, say), report, previews),
        rows=tuple((one_line(label, 120), visible(text)) for label, text in finding.details),
        numbers=numbers,
        times_s=tuple(sorted({*finding.times_s, *(r.time_s for r in finding.regions if r.time_s is not None)})),
        moments=tuple((t, previews[t]) for t in _moments(finding) if t in previews),
    )


def _reason(finding: Finding, report: ScanReport) -> Reason | None:
    start = finding.summary.rstrip(".")
    own = (r for r in report.verdict.reasons if (r.analyzer, r.llr) == (finding.analyzer, finding.llr))
    return next((r for r in own if r.sentence.startswith(start)), None)


def _weight(finding: Finding, reason: Reason | None, verdict: Verdict) -> str:
    if reason is None or finding.llr is None:
        return ""
    said = step(reason, verdict)[len(finding.summary.rstrip(".")) + 2 :]
    if reason.counted:
        said = said.partition("; ")[2]
    return one_line(said[:1].upper() + said[1:])


def _sentence(text: str) -> str:
    line = one_line(text)
    return line if line.endswith((".", "!", "?", "…")) else f"{line}."


def _labelled(finding: Finding, say: Callable[[str], str]) -> Finding:
    regions = tuple(replace(region, label=say(region.label)) for region in finding.regions[:MAX_REGIONS])
    heat = None if finding.heat is None else replace(finding.heat, label=say(finding.heat.label))
    return replace(finding, regions=regions, heat=heat)


def _pictures(finding: Finding, report: ScanReport, previews: Mapping[float, Pixels]) -> tuple[Picture, ...]:
    if not previews or (finding.heat is None and not finding.regions):
        return ()
    regions = finding.regions[:MAX_REGIONS]
    moments = dict.fromkeys([*([finding.heat.time_s] if finding.heat else []), *(r.time_s for r in regions)])
    return tuple(_picture(finding, m, regions, report, previews) for m in [*moments][:MAX_PICTURES])


def _picture(
    finding: Finding,
    moment: float | None,
    regions: Iterable[Region],
    report: ScanReport,
    previews: Mapping[float, Pixels],
) -> Picture:
    nearest = min(previews, key=lambda t: abs(t - (moment or 0.0)))
    pixels = preview(previews[nearest], OVERLAY_SIDE_PX)
    heat = finding.heat if finding.heat is not None and finding.heat.time_s == moment else None
    here = [r for r in regions if r.time_s == moment]
    if heat is not None:
        pixels = draw_heat(pixels, heat)
    if here:
        pixels = draw_regions(pixels, here, (report.width, report.height))
    caption = numbered((one_line(r.label, 80) for r in here), "" if heat is None else one_line(heat.label, 200))
    return Picture(pixels, caption, heat is not None, moment, nearest)


def _untested(report: ScanReport) -> tuple[tuple[str, str], ...]:
    rows = [(title(name), f"could not finish: {one_line(why, 500)}") for name, why in report.failed.items()]
    rows += [(title(name), one_line(why, 500)) for name, why in report.skipped.items()]
    asked = examined(report)
    rows += [(title(name), "was not part of this scan") for name in ANALYZERS.names() if name not in asked]
    silent = unasked_detectors(report.settings) if "learned" in asked else ()
    rows += [(title("learned"), f"not asked in this scan: {', '.join(silent)}")] * bool(silent)
    return tuple(rows)


def _quiet(report: ScanReport) -> tuple[str, ...]:
    heard = {*(f.analyzer for f in report.findings), *report.skipped, *report.failed}
    return tuple(title(name) for name in examined(report) if name not in heard)


def _facts(report: ScanReport) -> tuple[tuple[str, str], ...]:
    size = f"{report.size_bytes:,} bytes"
    if report.size_bytes >= 100_000:
        size = f"{report.size_bytes / 1e6:,.1f} MB ({size})"
    rows = [
        ("File", name_of(report, 1000)),
        ("SHA-256", report.sha256),
        ("Kind", f"{report.kind}, {one_line(report.format, 40)}"),
        ("Size", size),
        ("Picture", f"{report.width:,} × {report.height:,} pixels"),
    ]
    if report.duration_s is not None:
        rows.append(("Length", f"{time_code(report.duration_s)} ({report.duration_s:.2f} s)"))
    rows.append(("Examined", f"{one_line(report.scanned_at, 60)}, in {sum(report.timings_s.values()):.1f} s"))
    if report.pdq:
        rows.append(
            ("Perceptual hash (PDQ)", report.pdq[0] + (f" and {len(report.pdq) - 1} more" * (len(report.pdq) > 1)))
        )
    rows.append(("Settings digest", report.settings.digest))
    return tuple(rows)
