"""The result of one scan, and its JSON form (schema in `forensics/schemas`)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import cv2
import numpy as np

from forensics.finding import Claim, Finding, Heat, Region, SaidBy, Trace
from forensics.settings import ScanSettings
from forensics.verdict import Opinion, Reason, Verdict

SCHEMA_VERSION = "1.0"
"""Raised in the second place for added members, in the first for changed or removed ones."""

MAX_HEAT_PIXELS = 1 << 24
"""A heat map in a report file is checked against this on its PNG header, before it is decoded."""

OUT_OF_TIME = "not examined: the time limit of this file was nearly used up"
"""Why an analyzer was skipped that another run on the same file may well reach."""

PAGES = "pages"
"""Name of the finding that there are further pictures than the one that was looked at."""

LOST_PAGES = "n_lost_pages"
"""Its measure where they are named by the file and not in it."""

SEEN_BEFORE, FUSION = "seen_before", "fusion"
"""Names of findings that are added to what the analyzers found."""

_PLAIN = ("filename", "path", "sha256", "kind", "format", "size_bytes", "width", "height", "duration_s", "scanned_at")


def missing(findings: Iterable[Finding], skipped: Mapping[str, str]) -> str:
    """Why not all of a file was looked at; "" if it was."""
    if OUT_OF_TIME in skipped.values():
        return "its time was up before everything was looked at"
    is_lost = any(LOST_PAGES in f.measures for f in findings if f.analyzer == PAGES)
    return "a further page that it names is lost" if is_lost else ""


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

    @property
    def is_cut_short(self) -> bool:
        """Whether analyzers were skipped for want of time."""
        return OUT_OF_TIME in self.skipped.values()

    @property
    def missing(self) -> str:
        """Why not all of the file was looked at; "" if it was."""
        return missing(self.findings, self.skipped)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that follow the published JSON Schema.

        Heat is quantised to 8 bits, everything else is kept exactly.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            **{name: getattr(self, name) for name in _PLAIN},
            "kind": str(self.kind),
            "verdict": _verdict_to_dict(self.verdict),
            "findings": [_finding_to_dict(f) for f in self.findings],
            "skipped": dict(self.skipped),
            "failed": dict(self.failed),
            "settings": self.settings.to_dict(),
            "versions": dict(self.versions),
            "timings_s": {name: float(value) for name, value in self.timings_s.items()},
            "pdq": list(self.pdq),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ScanReport:
        """The opposite of `to_dict`.

        Raises:
            ValueError: not a report, or one of another major schema version.
        """
        version = str(plain.get("schema_version", ""))
        if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
            raise ValueError(f"wanted a report of schema version {SCHEMA_VERSION}, not {version or 'one without'!r}")
        try:
            return cls(
                **{name: plain[name] for name in _PLAIN},
                verdict=_verdict_from_dict(plain["verdict"]),
                findings=tuple(_finding_from_dict(f) for f in plain["findings"]),
                skipped=dict(plain["skipped"]),
                failed=dict(plain["failed"]),
                settings=ScanSettings.from_dict(plain["settings"]),
                versions=dict(plain["versions"]),
                timings_s=dict(plain["timings_s"]),
                pdq=tuple(plain["pdq"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a scan report: {type(error).__name__} at {error}") from error


def _verdict_to_dict(verdict: Verdict) -> dict[str, Any]:
    return {
        "opinion": str(verdict.opinion),
        "probability": float(verdict.probability),
        "llr": float(verdict.llr),
        "claim": None if verdict.claim is None else str(verdict.claim),
        "leading": [str(trace) for trace in verdict.leading],
        "note": verdict.note,
        "reasons": [
            {
                "analyzer": reason.analyzer,
                "trace": str(reason.trace),
                "llr": _number(reason.llr),
                "counted": reason.counted,
                "sentence": reason.sentence,
            }
            for reason in verdict.reasons
        ],
    }


def _verdict_from_dict(plain: Mapping[str, Any]) -> Verdict:
    reasons = (Reason(**{**_members(Reason, reason), "trace": Trace(reason["trace"])}) for reason in plain["reasons"])
    return Verdict(
        opinion=Opinion(plain["opinion"]),
        probability=plain["probability"],
        llr=plain["llr"],
        claim=None if plain["claim"] is None else Claim(plain["claim"]),
        leading=tuple(Trace(trace) for trace in plain["leading"]),
        reasons=tuple(reasons),
        note=plain["note"],
    )


def _finding_to_dict(finding: Finding) -> dict[str, Any]:
    return {
        "analyzer": finding.analyzer,
        "trace": str(finding.trace),
        "summary": finding.summary,
        "llr": _number(finding.llr),
        "claim": None if finding.claim is None else str(finding.claim),
        "said_by": None if finding.said_by is None else str(finding.said_by),
        "explanation": finding.explanation,
        "measures": {name: float(value) for name, value in finding.measures.items()},
        "details": [[str(label), str(text)] for label, text in finding.details],
        "regions": [_region_to_dict(region) for region in finding.regions],
        "heat": None if finding.heat is None else _heat_to_dict(finding.heat),
        "times_s": [float(moment) for moment in finding.times_s],
    }


def _finding_from_dict(plain: Mapping[str, Any]) -> Finding:
    return Finding(
        analyzer=plain["analyzer"],
        trace=Trace(plain["trace"]),
        summary=plain["summary"],
        llr=plain["llr"],
        claim=None if plain["claim"] is None else Claim(plain["claim"]),
        explanation=plain["explanation"],
        measures=dict(plain["measures"]),
        details=tuple((label, text) for label, text in plain["details"]),
        regions=tuple(Region(**_members(Region, region)) for region in plain["regions"]),
        heat=None if plain["heat"] is None else _heat_from_dict(plain["heat"]),
        times_s=tuple(plain["times_s"]),
        # Older than this member are stored reports; what was measured they say without it.
        said_by=None if plain.get("said_by") is None else SaidBy(plain["said_by"]),
    )


def _region_to_dict(region: Region) -> dict[str, Any]:
    return {
        "x": int(region.x),
        "y": int(region.y),
        "width": int(region.width),
        "height": int(region.height),
        "label": region.label,
        "score": _number(region.score),
        "time_s": _number(region.time_s),
        "group": None if region.group is None else int(region.group),
    }


def _heat_to_dict(heat: Heat) -> dict[str, Any]:
    levels = np.rint(heat.values * 255).astype(np.uint8)
    done, packed = cv2.imencode(".png", levels, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    if not done:
        raise ValueError(f"a heat map of {levels.shape} cannot be written as PNG")
    png = base64.b64encode(packed.tobytes()).decode("ascii")
    return {"png": png, "label": heat.label, "time_s": _number(heat.time_s)}


def _heat_from_dict(plain: Mapping[str, Any]) -> Heat:
    try:
        png = base64.b64decode(plain["png"], validate=True)
    except binascii.Error as error:
        raise ValueError("a heat map is not base64") from error
    # Width and height are the first eight bytes of the first chunk (PNG, ISO/IEC 15948, 11.2.2).
    n_pixels = int.from_bytes(png[16:20], "big") * int.from_bytes(png[20:24], "big")
    if not png.startswith(b"\x89PNG\r\n\x1a\n") or not 0 < n_pixels <= MAX_HEAT_PIXELS:
        raise ValueError("a heat map is no PNG, or too large")
    levels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if levels is None:
        raise ValueError("a heat map cannot be decoded")
    return Heat(levels.astype(np.float32) / np.float32(255), plain["label"], plain["time_s"])


def _members(cls: type[Any], plain: Mapping[str, Any]) -> dict[str, Any]:
    # What a later minor version added is left out.
    return {item.name: plain[item.name] for item in fields(cls)}


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
