"""A scan keeps what it found when the time of its file runs out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, cast

import pytest

from forensics.analyzers import ANALYZERS
from forensics.analyzers.base import Analyzer
from forensics.finding import Finding, Trace
from forensics.media import Media
from forensics.report import OUT_OF_TIME
from forensics.scanner import SOFT_SHARE, Scanner
from forensics.settings import Limits, ScanSettings
from tests.make_media import clip, jpeg, moving_scene, photo


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Slow:
    """Takes the seconds it is told to, and finds something."""

    trace: ClassVar[Trace] = Trace.GEOMETRY
    title: ClassVar[str] = "Slow"
    about: ClassVar[str] = "Waits."

    def __init__(self, name: str, clock: Clock, takes_s: float) -> None:
        self.name, self._clock, self._takes_s = name, clock, takes_s

    def skip_reason(self, media: Media) -> str | None:
        return None

    def examine(self, media: Media) -> Iterable[Finding]:
        self._clock.now_s += self._takes_s
        yield Finding(self.name, self.trace, "Something was found")


def scanner(takes_s: list[float], limits: Limits) -> Scanner:
    clock = Clock()
    made = Scanner(ScanSettings(limits=limits, analyzers=()), clock=clock)
    slow = [Slow(f"slow{i}", clock, seconds) for i, seconds in enumerate(takes_s)]
    made.analyzers = cast("tuple[Analyzer, ...]", tuple(slow))
    return made


def test_no_analyzer_begins_when_the_time_is_nearly_used_up_and_what_was_found_is_kept() -> None:
    limits = Limits(image_timeout_s=10.0)
    almost = 10.0 * SOFT_SHARE - 2.5
    report = scanner([almost, 2.4, 0.2, 0.0, 0.0], limits).scan(Media.open(jpeg(photo(1, width=64, height=64))))
    assert [finding.analyzer for finding in report.findings] == ["slow0", "slow1", "slow2"]
    assert report.skipped == {"slow3": OUT_OF_TIME, "slow4": OUT_OF_TIME}
    assert report.is_cut_short and not report.failed
    assert report.timings_s["slow1"] == pytest.approx(2.4)
    assert report.timings_s["slow3"] == 0.0


def test_a_scan_in_time_is_not_cut_short() -> None:
    report = scanner([1.0] * 7, Limits(image_timeout_s=10.0)).scan(Media.open(jpeg(photo(1, width=64, height=64))))
    assert len(report.findings) == 7
    assert not report.skipped and not report.is_cut_short


def test_a_video_has_the_time_of_a_video(tmp_path: Path) -> None:
    limits = Limits(image_timeout_s=1.0, timeout_s=100.0)
    report = scanner([60.0, 60.0, 0.0], limits).scan(Media.open(clip(tmp_path / "clip.mp4", moving_scene(1, 8))))
    assert [finding.analyzer for finding in report.findings] == ["slow0", "slow1"]
    assert report.skipped == {"slow2": OUT_OF_TIME}


def test_what_costs_least_and_proves_most_is_examined_first() -> None:
    assert ANALYZERS.names()[:2] == ("metadata", "provenance")
