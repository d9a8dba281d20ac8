"""Runs the analyzers over one file and weighs what they say. What one of them raises is recorded and costs no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from forensics.analyzers import ANALYZERS
from forensics.analyzers.base import Analyzer
from forensics.errors import MediaError, in_one_line
from forensics.finding import Finding, Trace
from forensics.fusion import read_model, spoken
from forensics.hashing import media_hashes
from forensics.media import Kind, Media
from forensics.media.tiff_directories import names_more
from forensics.report import LOST_PAGES, OUT_OF_TIME, PAGES, ScanReport, missing
from forensics.settings import ScanSettings
from forensics.verdict import weigh
from forensics.versions import promoted, settled

Tell = Callable[[str, ScanReport], None]
"""Called with the name of a step that is over, "hash" or an analyzer, and what is known by then."""

SOFT_SHARE = 0.7
"""Share of a file's time limit after which no analyzer begins: what was found by then is kept, where the pool would
stop the file and lose it. The rest is for the analyzer under way and for drawing the report."""


class Scanner:
    """Examines files one after the other with the same analyzers.

    Analyzers run in the order of the catalogue, where the cheap and strong ones come first: on a slow machine the later
    ones are skipped.

    Args:
        settings: defaults if None.
        clock: seconds since any moment, ever rising.

    Raises:
        LookupError: the settings name an analyzer that is not installed.
        ValueError: the settings name a fusion that is none.
    """

    def __init__(self, settings: ScanSettings | None = None, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self.settings = settings or ScanSettings()
        self._clock = clock
        names = ANALYZERS.names() if self.settings.analyzers is None else self.settings.analyzers
        self.analyzers: tuple[Analyzer, ...] = tuple(ANALYZERS.load(name)(self.settings) for name in names)
        self._settled = settled(self.settings)
        self._fusion = None if self.settings.fusion is None else read_model(self.settings.fusion)

    @property
    def versions(self) -> dict[str, str]:
        """What decides a result besides the file and the settings, by now: a detector may have been promoted."""
        return self._settled | promoted(self.settings)

    def scan(self, media: Media, tell: Tell | None = None) -> ScanReport:
        """Examine one file.

        Args:
            media: the file.
            tell: hears of every step; the reports it gets are weighed from what was found until then.

        Raises:
            MediaError: no picture can be decoded from it.
        """
        versions = self.versions
        findings: list[Finding] = list(_further_pictures(media))
        skipped: dict[str, str] = {}
        failed: dict[str, str] = {}
        timings: dict[str, float] = {}
        started = self._clock()
        last_start = started + SOFT_SHARE * self.settings.limits.seconds(is_video=media.kind is Kind.VIDEO)
        width, height, duration = _decode(media)
        timings["decode"] = self._clock() - started
        started = self._clock()
        pdq = media_hashes(media)
        timings["hash"] = self._clock() - started

        def report() -> ScanReport:
            return ScanReport(
                filename=media.name,
                path=str(media.path or ""),
                sha256=media.sha256,
                kind=media.kind,
                format=media.format,
                size_bytes=media.size_bytes,
                width=width,
                height=height,
                duration_s=duration,
                verdict=weigh(findings, self.settings, missing=missing(findings, skipped)),
                findings=tuple(findings),
                skipped=dict(skipped),
                failed=dict(failed),
                settings=self.settings,
                versions=versions,
                timings_s=dict(timings),
                scanned_at=datetime.now(UTC).isoformat(timespec="seconds"),
                pdq=pdq,
            )

        if tell is not None:
            tell("hash", report())
        for analyzer in self.analyzers:
            started = self._clock()
            try:
                reason = analyzer.skip_reason(media) or (OUT_OF_TIME if started > last_start else None)
                if reason is None:
                    findings.extend(analyzer.examine(media))
                else:
                    skipped[analyzer.name] = reason
            except MediaError as error:
                failed[analyzer.name] = str(error)
            except Exception as error:  # noqa: BLE001 - one analyzer's fault must not cost the others' findings
                failed[analyzer.name] = in_one_line(error)
            timings[analyzer.name] = self._clock() - started
            if tell is not None:
                tell(analyzer.name, report())
        if self._fusion is not None and findings:
            findings.append(spoken(findings, self._fusion))
        return report()


def _further_pictures(media: Media) -> Iterator[Finding]:
    """What is said of a file with several pictures, of which most analyzers look at the first, or with lost ones."""
    if media.format == "tiff" and names_more(media.data):
        words = "The file names a further page that it does not hold: it was cut off, or was written badly."
        yield Finding(PAGES, Trace.PROVENANCE, words, measures={LOST_PAGES: 1.0})
    n = media.image.n_frames if media.kind is Kind.IMAGE else 1
    if n == 1:
        return
    seen = "only the first was looked at: save the others as files of their own"
    if media.is_animation:
        seen = "only trained detectors looked at more than the first"
    words = f"The file holds {n} pictures, and {seen}."
    yield Finding(PAGES, Trace.PROVENANCE, words, measures={"n_pictures": float(n)})


def _decode(media: Media) -> tuple[int, int, float | None]:
    if media.kind is Kind.VIDEO:
        _ = media.frames
        return media.video.width, media.video.height, media.video.duration_s
    height, width = media.pixels.shape[:2]
    return width, height, None
