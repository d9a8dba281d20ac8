"""What a batch says about one file: a line for machines, whether the file could be examined or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from forensics.claims import Claims, claims
from forensics.containers.account import Account
from forensics.errors import MediaError
from forensics.report import ScanReport


@dataclass(frozen=True, eq=False)
class Result:
    """One file of a batch.

    Attributes:
        path: as named by the user; "-" for standard input. Hostile text.
        report: None when the file could not be examined.
        error: why not, or why there is a result but no page of it; None when all went well.
        sha256, kind, format, size_bytes: None when it did not get so far.
        elapsed_s: wall-clock time it took.
        scan_id: its number in the store; None without a store.
        cached: whether the report comes from the store.
        written: names of the reports in the output folder.
        account: of a container, whose files have results of their own; None for other files.
        container: of a file in one: the outermost container as shown; "" for others.
    """

    path: str
    report: ScanReport | None
    error: MediaError | None
    sha256: str | None
    kind: str | None
    format: str | None
    size_bytes: int | None
    elapsed_s: float
    scan_id: int | None = None
    cached: bool = False
    written: tuple[str, ...] = ()
    account: Account | None = None
    container: str = ""

    @property
    def is_error(self) -> bool:
        """Whether something was not examined: a file, or part of what a container holds."""
        return self.report is None and self.error is not None

    def to_line(self) -> dict[str, Any]:
        """One line of `results.jsonl`, as plain values."""
        verdict = self.report.verdict if self.report is not None else None
        findings = self.report.findings if self.report is not None else ()
        said = Claims() if self.report is None else claims(self.report)
        return {
            "path": self.path,
            "sha256": self.sha256,
            "kind": self.kind,
            "format": self.format,
            "size_bytes": self.size_bytes,
            "width": None if self.report is None else self.report.width,
            "height": None if self.report is None else self.report.height,
            "duration_s": None if self.report is None else self.report.duration_s,
            "status": "ok" if self.report is not None else "error" if self.error is not None else "container",
            "error": None if self.error is None else str(self.error),
            "error_code": None if self.error is None else self.error.code,
            "verdict": None if verdict is None else str(verdict.opinion),
            "probability": None if verdict is None else round(float(verdict.probability), 6),
            "llr": None if verdict is None else round(float(verdict.llr), 4),
            "leading": [] if verdict is None else [str(trace) for trace in verdict.leading],
            "findings": [
                {
                    "analyzer": finding.analyzer,
                    "trace": str(finding.trace),
                    "llr": None if finding.llr is None else round(float(finding.llr), 4),
                    "summary": finding.summary,
                }
                for finding in findings
            ],
            "failed": {} if self.report is None else dict(self.report.failed),
            "cut_short": self.report is not None and self.report.is_cut_short,
            "camera": said.camera or None,
            "generator": said.generator or None,
            "taken_on": said.taken_on or None,
            "scanned_at": None if self.report is None else self.report.scanned_at,
            "pdq": [] if self.report is None else list(self.report.pdq),
            "elapsed_s": round(self.elapsed_s, 3),
            "cached": self.cached,
            "scan_id": self.scan_id,
            "reports": list(self.written),
            "container": self.container or None,
            "inside": None if self.account is None else self.account.to_dict(),
        }
