"""The result of one scan, and its JSON form (schema in `forensics/schemas`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from forensics.finding import Finding
from forensics.settings import ScanSettings
from forensics.verdict import Verdict

SCHEMA_VERSION = "1.0"


@dataclass(frozen=True, eq=False)
class ScanReport:
    """Everything about the examination of one file.

    Attributes:
        filename: name for display; hostile text.
        path: where it lay, as given by the user; "" for standard input.
        sha256: lower-case hex of the file.
        kind, format: by content.
        size_bytes, width, height: of the file and its upright picture.
        duration_s: of a video, else None.
        verdict: the opinion.
        findings: what the analyzers said.
        skipped: analyzer -> why it did not examine the file.
        failed: analyzer -> what went wrong.
        settings: what the scan was run with.
        versions: unforged and what was decisive: libraries, calibration files, weights.
        timings_s: stage or analyzer -> seconds.
        pdq: perceptual hashes as 64 hex digits: one for an image, one a sampled frame for a video.
        scanned_at: UTC, ISO 8601.
    """

    filename: str
    path: str
    sha256: str
    kind: str
    format: str
    size_bytes: int
    width: int
    height: int
    duration_s: float | None
    verdict: Verdict
    findings: tuple[Finding, ...]
    skipped: Mapping[str, str]
    failed: Mapping[str, str]
    settings: ScanSettings
    versions: Mapping[str, str]
    timings_s: Mapping[str, float]
    scanned_at: str
    pdq: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Plain values that follow the published JSON Schema."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ScanReport:
        """The opposite of `to_dict`."""
        raise NotImplementedError
