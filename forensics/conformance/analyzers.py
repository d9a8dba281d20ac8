"""Checks of analyzers on usual, odd, hostile and broken media."""

from __future__ import annotations

import re

import numpy as np

from forensics.analyzers.base import Analyzer
from forensics.conformance.rules import MAX_SUMMARY, ConformanceError, Rule, check_reason, check_words, covers, guarded
from forensics.errors import MediaError
from forensics.finding import Finding, Trace
from forensics.media import Kind, Media
from forensics.sameness import TOLERANCE, comparable, same
from forensics.settings import ScanSettings
from forensics.specimens import specimens


def check_analyzer(kind: type[Analyzer], settings: ScanSettings | None = None) -> None:
    """Check an analyzer on usual, odd, hostile and broken media. Takes seconds.

    Args:
        kind: the class.
        settings: that it is made with; the defaults if None.

    Raises:
        ConformanceError: it breaks a rule.
    """
    name = check_words(kind, ("title", "about"))
    if not isinstance(kind.trace, Trace):
        raise ConformanceError(name, Rule.FAMILY, f"trace is {kind.trace!r}")
    settings = settings or ScanSettings()
    first = {file: _examine(kind, kind(settings), file) for file in specimens()}
    # One object examines many files: what it remembers of one must not show in the next.
    one = kind(settings)
    for file in reversed(tuple(specimens())):
        if not same(first[file], _examine(kind, one, file)):
            raise ConformanceError(name, Rule.REPEATED, f"{file} gave another answer the second time")


def _examine(kind: type[Analyzer], analyzer: Analyzer, file: str) -> object:
    """Examine one specimen under watch; what is comparable of the answer."""
    media = Media.open(specimens()[file], name=file)
    before = _pictures(media)
    found = guarded(kind.name, file, lambda: _answer(analyzer, media))
    if before != _pictures(media):
        raise ConformanceError(kind.name, Rule.UNTOUCHED, f"the pixels of {file} were changed")
    if not isinstance(found, list):
        check_reason(kind.name, file, found)
        return found
    if not found:
        raise ConformanceError(kind.name, Rule.SPOKEN, f"nothing is said of {file}")
    for finding in found:
        _check_finding(kind, file, media, finding)
    return [comparable(finding) for finding in found]


def _answer(analyzer: Analyzer, media: Media) -> object:
    try:
        reason = analyzer.skip_reason(media)
        return reason if reason is not None else list(analyzer.examine(media))
    except MediaError as error:
        # Broken where only this analyzer looks: allowed, and it must be broken the second time as well.
        return f"broken: {error}"


def _check_finding(kind: type[Analyzer], file: str, media: Media, finding: object) -> None:
    if not isinstance(finding, Finding):
        raise ConformanceError(kind.name, Rule.WELL_FORMED, f"{file} gave {type(finding).__name__}, not a Finding")
    if (finding.analyzer, finding.trace) != (kind.name, kind.trace):
        raise ConformanceError(kind.name, Rule.OWN, f"{file}: {finding.analyzer}, {finding.trace}")
    summary = finding.summary
    number = re.search(r"\b(nan|inf|None)\b", summary)
    if len(summary) > MAX_SUMMARY or summary[:1].islower() or number or re.search(r"</?[a-z]+>", summary):
        raise ConformanceError(kind.name, Rule.PLAIN, f"{file}: {summary!r}")
    info = media.image if media.kind is Kind.IMAGE else media.video
    for region in finding.regions:
        if region.x + region.width > info.width or region.y + region.height > info.height:
            raise ConformanceError(kind.name, Rule.INSIDE, f"{file}: {region} in {info.width} x {info.height}")
    if finding.heat is not None and not covers(finding.heat.values, info.height, info.width):
        shape = finding.heat.values.shape
        raise ConformanceError(kind.name, Rule.INSIDE, f"{file}: heat {shape}, picture {info.height} x {info.width}")
    end_s = max(frame.time_s for frame in media.frames)
    end_s = max(end_s, media.video.duration_s) if media.kind is Kind.VIDEO else end_s
    moments = (*finding.times_s, *(region.time_s or 0.0 for region in finding.regions))
    if any(not 0.0 <= moment <= end_s + TOLERANCE for moment in moments):
        raise ConformanceError(kind.name, Rule.INSIDE, f"{file}: a moment of {moments} lies outside {end_s:.2f} s")


def _pictures(media: Media) -> list[bytes]:
    planes = [frame.pixels for frame in media.frames]
    if media.kind is Kind.IMAGE:
        planes += [media.pixels, media.luma.view(np.uint8)]
    return [plane.tobytes() for plane in planes]
