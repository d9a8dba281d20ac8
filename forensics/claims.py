"""What a file says of itself, out of its report: camera, generator, day of the shot. Anybody can write that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.report import ScanReport

MAX_CHARACTERS = 80
"""A name of a camera or of a program is short; what is longer is no name."""

_TOOLS = re.compile(r"The file itself says that it was (?:made by|edited with) (.+) \(in ")
_DAY = re.compile(r"(\d{4})[:-](\d{2})[:-](\d{2})(?!\d)")


@dataclass(frozen=True)
class Claims:
    """What a file says of itself; hostile text, "" where it says nothing.

    Attributes:
        camera: make and model.
        generator: the tool that signs as having made or changed the picture.
        taken_on: day of the shot, ISO 8601.
    """

    camera: str = ""
    generator: str = ""
    taken_on: str = ""


def claims(report: ScanReport) -> Claims:
    """Read them from the findings of `metadata` and `provenance`."""
    camera = " ".join(dict.fromkeys(filter(None, (_first(report, "Make"), _first(report, "Model")))))
    day = _DAY.search(_first(report, "DateTimeOriginal"))
    return Claims(camera, _generator(report), "-".join(day.groups()) if day is not None else "")


def _generator(report: ScanReport) -> str:
    for finding in report.findings:
        said = _TOOLS.match(finding.summary) if finding.analyzer == "metadata" else None
        if said is not None:
            return said[1][:MAX_CHARACTERS]
    return next((text for text in _texts(report, "provenance", "written by")), "")


def _first(report: ScanReport, key: str) -> str:
    return next((text for text in _texts(report, "metadata", key)), "")


def _texts(report: ScanReport, analyzer: str, key: str) -> Iterator[str]:
    for finding in report.findings:
        for label, text in finding.details if finding.analyzer == analyzer else ():
            name = label.rpartition(": ")[2].rpartition("/")[2].rpartition(":")[2]
            short = " ".join(text.split())
            if name == key and short and len(short) <= MAX_CHARACTERS:
                yield short
