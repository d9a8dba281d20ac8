"""Second floor: file -> findings -> verdict -> report.

from forensics import Media, Scanner
report = Scanner().scan(Media.open("suspect.jpg"))
print(report.verdict.opinion, report.verdict.probability)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forensics.errors import MediaError
    from forensics.finding import Claim, Finding, Heat, Region, Trace
    from forensics.media import Media
    from forensics.profiles import PROFILES
    from forensics.report import ScanReport
    from forensics.scanner import Scanner
    from forensics.settings import Limits, ScanSettings
    from forensics.verdict import Opinion, Verdict, weigh

__version__ = "0.1.0"

_HOMES = {
    "Claim": "forensics.finding",
    "Finding": "forensics.finding",
    "Heat": "forensics.finding",
    "Limits": "forensics.settings",
    "Media": "forensics.media",
    "MediaError": "forensics.errors",
    "Opinion": "forensics.verdict",
    "PROFILES": "forensics.profiles",
    "Region": "forensics.finding",
    "ScanReport": "forensics.report",
    "ScanSettings": "forensics.settings",
    "Scanner": "forensics.scanner",
    "Trace": "forensics.finding",
    "Verdict": "forensics.verdict",
    "weigh": "forensics.verdict",
}

__all__ = [
    "PROFILES",
    "Claim",
    "Finding",
    "Heat",
    "Limits",
    "Media",
    "MediaError",
    "Opinion",
    "Region",
    "ScanReport",
    "ScanSettings",
    "Scanner",
    "Trace",
    "Verdict",
    "__version__",
    "weigh",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for: `unforged --help` must not pay for decoders."""
    if name not in _HOMES:
        raise AttributeError(f"module 'forensics' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
