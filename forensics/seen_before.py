"""Says which examined pictures look the same: perceptual hashes in the store that differ in few bits."""

from __future__ import annotations

from dataclasses import replace

from forensics.finding import Finding, Trace
from forensics.report import SEEN_BEFORE, ScanReport
from forensics.store import NearMatch, Store
from forensics.verdict import weigh

NAME = SEEN_BEFORE

MAX_LISTED = 5
"""Rows in a report; the rest is counted."""

EXPLANATION = (
    "A perceptual hash stays nearly the same when a picture is resized, cropped a little or saved again. The other "
    "file may be the original, a copy or an edited version; which came first cannot be told from this."
)


def with_seen_before(report: ScanReport, store: Store) -> ScanReport:
    """Add what the store knows of pictures that look like this one; a finding for the eye that counts for nothing.

    Args:
        report: of a scan; what an earlier look into the store had added is replaced.
        store: of earlier scans.
    """
    findings = tuple(finding for finding in report.findings if finding.analyzer != NAME)
    matches = closest(report, store)
    if matches:
        findings = (*findings, _finding(matches))
    if len(findings) == len(report.findings) and not matches:
        return report
    return replace(report, findings=findings, verdict=weigh(findings, report.settings, missing=report.missing))


def closest(report: ScanReport, store: Store) -> list[NearMatch]:
    """The closest match of each other file that looks like this one, closest first."""
    best: dict[str, NearMatch] = {}
    for pdq in dict.fromkeys(report.pdq):
        for match in store.near(pdq):
            other = match.scan.sha256
            if other != report.sha256 and (other not in best or match.distance_bits < best[other].distance_bits):
                best[other] = match
    return sorted(best.values(), key=lambda match: (match.distance_bits, match.scan.id))


def _finding(matches: list[NearMatch]) -> Finding:
    bits = matches[0].distance_bits
    files = "another file examined earlier looks" if len(matches) == 1 else f"{len(matches)} other files look"
    return Finding(
        analyzer=NAME,
        trace=Trace.PROVENANCE,
        summary=f"Seen before: {files} like this one, {bits} of 256 bits away{' at the closest' * (len(matches) > 1)}.",
        explanation=EXPLANATION,
        measures={"distance_bits": float(bits), "n_files": float(len(matches))},
        details=tuple(
            (
                f"{match.distance_bits} bits away",
                f"{match.scan.filename} ({match.scan.opinion}, scan {match.scan.id}, {match.scan.scanned_at[:10]})",
            )
            for match in matches[:MAX_LISTED]
        ),
    )
