"""Runs the analyzers over one file and weighs what they say. The only place with a broad `except`, and it records."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from forensics.analyzers import ANALYZERS
from forensics.analyzers.base import Analyzer
from forensics.errors import MediaError
from forensics.finding import Finding
from forensics.hashing import media_hashes
from forensics.media import Kind, Media
from forensics.report import ScanReport
from forensics.settings import ScanSettings
from forensics.verdict import weigh
from forensics.versions import decisive


class Scanner:
    """Examines files one after the other with the same analyzers.

    Args:
        settings: defaults if None.

    Raises:
        LookupError: the settings name an analyzer that is not installed.
    """

    def __init__(self, settings: ScanSettings | None = None) -> None:
        self.settings = settings or ScanSettings()
        names = ANALYZERS.names() if self.settings.analyzers is None else self.settings.analyzers
        self.analyzers: tuple[Analyzer, ...] = tuple(ANALYZERS.load(name)(self.settings) for name in names)
        self.versions = decisive(self.settings)

    def scan(self, media: Media) -> ScanReport:
        """Examine one file.

        Raises:
            MediaError: no picture can be decoded from it.
        """
        findings: list[Finding] = []
        skipped: dict[str, str] = {}
        failed: dict[str, str] = {}
        timings: dict[str, float] = {}
        started = time.perf_counter()
        width, height, duration = _decode(media)
        timings["decode"] = time.perf_counter() - started
        started = time.perf_counter()
        pdq = media_hashes(media)
        timings["hash"] = time.perf_counter() - started
        for analyzer in self.analyzers:
            started = time.perf_counter()
            try:
                reason = analyzer.skip_reason(media)
                if reason is None:
                    findings.extend(analyzer.examine(media))
                else:
                    skipped[analyzer.name] = reason
            except MediaError as error:
                failed[analyzer.name] = str(error)
            except Exception as error:  # noqa: BLE001 - one analyzer's fault must not cost the others' findings
                failed[analyzer.name] = " ".join(f"{type(error).__name__}: {error}".split())
            timings[analyzer.name] = time.perf_counter() - started
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
            verdict=weigh(findings, self.settings),
            findings=tuple(findings),
            skipped=skipped,
            failed=failed,
            settings=self.settings,
            versions=self.versions,
            timings_s=timings,
            scanned_at=datetime.now(UTC).isoformat(timespec="seconds"),
            pdq=pdq,
        )


def _decode(media: Media) -> tuple[int, int, float | None]:
    if media.kind is Kind.VIDEO:
        _ = media.frames
        return media.video.width, media.video.height, media.video.duration_s
    height, width = media.pixels.shape[:2]
    return width, height, None
