"""A video along its time line: the score of each detector at each moment, and the stretches that findings name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from forensics.analyzers.learned import Learned
from forensics.finding import Finding
from forensics.hostile_text import one_line
from forensics.report import ScanReport
from forensics.report_words import time_code, title

_SCORE = re.compile(r"score at (\d+(?:\.\d+)?) s")
"""How the trained detectors' analyzer labels the score of a frame in its table."""

GAP_SHARE = 0.08
"""Moments closer than this share of the video are one stretch: frames are sampled about every sixteenth of it."""

MIN_SHARE = 0.01
"""A single moment is drawn this long, or nobody sees it."""


@dataclass(frozen=True)
class Course:
    """What one detector says along the video.

    Attributes:
        detector: its name.
        points: time in seconds and score 0..1, in order.
    """

    detector: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Stretch:
    """A stretch of time that a finding names.

    Attributes:
        start_s, end_s: its ends.
        title: the analyzer that names it.
        summary: what it says.
        counts_for: whether the finding speaks for manipulation or synthesis.
    """

    start_s: float
    end_s: float
    title: str
    summary: str
    counts_for: bool

    @property
    def words(self) -> str:
        """Its ends as players show them."""
        return f"{time_code(self.start_s)} to {time_code(self.end_s)}"


def courses(report: ScanReport) -> tuple[Course, ...]:
    """The scores of every detector that scored frames."""
    found = []
    for finding in report.findings:
        points = tuple(sorted(_scores(finding)))
        if finding.analyzer == Learned.name and points:
            name = next((text for label, text in finding.details if label == "detector"), finding.analyzer)
            found.append(Course(one_line(name, 60), points))
    return tuple(found)


def stretches(report: ScanReport) -> tuple[Stretch, ...]:
    """Stretches of time that findings name, in order; nothing for images."""
    if not report.duration_s:
        return ()
    found = [part for finding in report.findings for part in _stretches(finding, report.duration_s)]
    return tuple(sorted(found, key=lambda part: (part.start_s, part.title)))


def _scores(finding: Finding) -> Iterable[tuple[float, float]]:
    for label, text in finding.details:
        moment = _SCORE.fullmatch(label)
        if moment is not None:
            try:
                yield float(moment[1]), float(text)
            except ValueError:
                continue  # a frame that was not judged says why instead


def _stretches(finding: Finding, duration_s: float) -> Iterable[Stretch]:
    times = sorted({*finding.times_s, *(r.time_s for r in finding.regions if r.time_s is not None)})
    half = MIN_SHARE * duration_s / 2
    runs: list[list[float]] = []
    for time_s in times:
        if runs and time_s - runs[-1][-1] <= GAP_SHARE * duration_s:
            runs[-1].append(time_s)
        else:
            runs.append([time_s])
    for run in runs:
        start = max(0.0, min(run[0], duration_s) - half)
        yield Stretch(
            start,
            min(duration_s, run[-1] + half),
            title(finding.analyzer),
            one_line(finding.summary, 300),
            (finding.llr or 0.0) > 0,
        )
