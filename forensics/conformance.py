"""Checks that an analyzer or a detector keeps the rules of docs/plugins.md, on small media made for it.

The project's own pieces pass the same checks: tests/contracts walks the catalogues.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import detectors.base
import forensics.finding
from detectors.base import Detector, Scores
from forensics.analyzers.base import Analyzer
from forensics.errors import MediaError
from forensics.finding import Finding, Trace
from forensics.media import Kind, Media
from forensics.sameness import TOLERANCE, comparable, rows, same
from forensics.settings import ScanSettings
from forensics.side_effects import observe
from forensics.specimens import picture, specimens
from generators.weights import ModelCard

T = TypeVar("T")

MAX_SUMMARY = 400
"""Characters of a summary; more than a few lines is no summary."""

MAX_REASON = 200
"""Characters of the reason why a file is skipped."""

HEAT_SLACK = 2.5
"""Cells that the shape of a heat map may differ from the picture's: whole blocks never fit exactly."""


class Rule(StrEnum):
    """What is checked, in words that fit after "breaks the rule: "."""

    NAMED = "the name is lower_case, title and about are plain lines"
    FAMILY = "the trace is one of the families of Trace"
    CARD = "the card says what the detector does, what it cannot do and what a high score claims"
    REASONED = "a file is skipped with a plain clause that names the reason, or not at all (None)"
    UPRIGHT = "nothing is raised but MediaError"
    SPOKEN = "a file that was not skipped gets at least one finding"
    WELL_FORMED = "findings, regions, heat and scores are well-formed, and a positive llr says what it claims"
    OWN = "a finding carries the name and the trace of its analyzer"
    PLAIN = "a summary is one short plain sentence"
    INSIDE = "regions lie inside the picture, heat covers all of it, moments lie within the clip"
    REPEATED = "the same file gives the same answer, whatever was examined before and in whatever batch"
    UNTOUCHED = "pixels are left as they are"
    SILENT = "nothing is printed"
    UNWRITTEN = "nothing is written"
    OFFLINE = "nothing is fetched"
    CLEAN = "the process is left as it was: environment, folder, random state, threads"


class ConformanceError(AssertionError):
    """A piece breaks a rule.

    Attributes:
        rule: the rule.
        what: what was seen, in one line.
    """

    def __init__(self, name: str, rule: Rule, what: str) -> None:
        what = " ".join(what.split())
        super().__init__(f"{name} breaks the rule: {rule} ({what})")
        self.rule = rule
        self.what = what


def check_analyzer(kind: type[Analyzer], settings: ScanSettings | None = None) -> None:
    """Check an analyzer on usual, odd, hostile and broken media. Takes seconds.

    Args:
        kind: the class.
        settings: that it is made with; the defaults if None.

    Raises:
        ConformanceError: it breaks a rule.
    """
    name = _check_words(kind, str(getattr(kind, "name", kind)), ("title", "about"))
    if not isinstance(kind.trace, Trace):
        raise ConformanceError(name, Rule.FAMILY, f"trace is {kind.trace!r}")
    settings = settings or ScanSettings()
    first = {file: _examine(kind, kind(settings), file) for file in specimens()}
    # One object examines many files: what it remembers of one must not show in the next.
    one = kind(settings)
    for file in reversed(tuple(specimens())):
        if not same(first[file], _examine(kind, one, file)):
            raise ConformanceError(name, Rule.REPEATED, f"{file} gave another answer the second time")


def check_detector(kind: type[Detector]) -> None:
    """Check a detector on a few pictures, in several splits into batches.

    Args:
        kind: the class, made without arguments.

    Raises:
        ConformanceError: it breaks a rule.
        ImportError: it needs a library that is not installed.
    """
    name = _check_words(kind, str(getattr(kind, "name", kind)), ())
    detector = _guarded(name, "no picture", kind)
    _check_card(name, detector)
    pictures = [picture(seed, width=256, height=192) for seed in range(4)]
    together = _score(detector, pictures)
    splits: Mapping[str, Iterable[list[int]]] = {
        "one by one": [[0], [1], [2], [3]],
        "in two batches of another order": [[3, 1], [0, 2]],
        "as one array of the same size": [[0, 1, 2, 3]],
    }
    for how, batches in splits.items():
        for batch in batches:
            chosen: Any = [pictures[i] for i in batch]
            scores = _score(detector, np.stack(chosen) if "array" in how else chosen)
            if not same(rows(together, batch), rows(scores, range(len(batch)))):
                raise ConformanceError(name, Rule.REPEATED, f"other scores {how}")
    mixed = [*pictures[:2], picture(8, width=130, height=310), picture(9, width=64, height=64)]
    if not same(rows(_score(detector, mixed), [0, 1]), rows(together, [0, 1])):
        raise ConformanceError(name, Rule.REPEATED, "other scores beside pictures of other sizes")
    if not same(rows(_score(_guarded(name, "no picture", kind), pictures), range(4)), rows(together, range(4))):
        raise ConformanceError(name, Rule.REPEATED, "a second object gives other scores")


def _check_words(kind: type[Any], name: str, texts: tuple[str, ...]) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConformanceError(name, Rule.NAMED, f"the name is {name!r}")
    for label in texts:
        text = getattr(kind, label, None)
        if not isinstance(text, str) or not text.strip() or text != _plain(text) or len(text) > MAX_SUMMARY:
            raise ConformanceError(name, Rule.NAMED, f"{label} is {text!r}")
    return name


def _check_card(name: str, detector: Detector) -> None:
    card = getattr(detector, "card", None)
    if not isinstance(card, ModelCard):
        raise ConformanceError(name, Rule.CARD, f"card is {card!r}")
    for label in ("task", "limits", "claim"):
        if not getattr(card, label).strip():
            raise ConformanceError(name, Rule.CARD, f"the card's {label} is empty")


def _examine(kind: type[Analyzer], analyzer: Analyzer, file: str) -> object:
    """Examine one specimen under watch; what is comparable of the answer."""
    media = Media.open(specimens()[file], name=file)
    before = _pictures(media)
    found = _guarded(kind.name, file, lambda: _answer(analyzer, media))
    if before != _pictures(media):
        raise ConformanceError(kind.name, Rule.UNTOUCHED, f"the pixels of {file} were changed")
    if not isinstance(found, list):
        _check_reason(kind.name, file, found)
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


def _check_reason(name: str, file: str, reason: object) -> None:
    if not isinstance(reason, str):
        raise ConformanceError(name, Rule.REASONED, f"{file} is skipped with {reason!r}")
    first = reason.split(" ")[0]
    # "JPEG" and "16-bit" may begin a clause, "Video" begins a sentence.
    capital = first[:1].isupper() and first.upper() != first and not any(c.isdigit() for c in first)
    if not first or reason != _plain(reason) or reason.endswith(".") or capital or len(reason) > MAX_REASON:
        raise ConformanceError(name, Rule.REASONED, f"{file} is skipped with {reason!r}")


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
    if finding.heat is not None and not _covers(finding.heat.values, info.height, info.width):
        shape = finding.heat.values.shape
        raise ConformanceError(kind.name, Rule.INSIDE, f"{file}: heat {shape}, picture {info.height} x {info.width}")
    end_s = max(frame.time_s for frame in media.frames)
    end_s = max(end_s, media.video.duration_s) if media.kind is Kind.VIDEO else end_s
    moments = (*finding.times_s, *(region.time_s or 0.0 for region in finding.regions))
    if any(not 0.0 <= moment <= end_s + TOLERANCE for moment in moments):
        raise ConformanceError(kind.name, Rule.INSIDE, f"{file}: a moment of {moments} lies outside {end_s:.2f} s")


def _covers(values: NDArray[Any], height: int, width: int) -> bool:
    """Whether a map has the shape of the picture, to a cell or two."""
    h, w = values.shape
    wide, tall = width / height, height / width
    return bool(abs(w - h * wide) <= HEAT_SLACK * max(wide, 1) and abs(h - w * tall) <= HEAT_SLACK * max(tall, 1))


def _score(detector: Detector, pictures: Any) -> Scores:
    name, n = detector.name, len(pictures)
    before = [pixels.tobytes() for pixels in pictures]
    scores = _guarded(name, f"{n} pictures", lambda: detector.score(pictures))
    if before != [pixels.tobytes() for pixels in pictures]:
        raise ConformanceError(name, Rule.UNTOUCHED, "the pixels of a picture were changed")
    if not isinstance(scores, Scores) or scores.fake.shape != (n,):
        raise ConformanceError(name, Rule.WELL_FORMED, f"{n} pictures gave {scores!r}")
    for reason in scores.reasons:
        if reason is not None:
            _check_reason(name, "a picture", reason)
    for pixels, heat in zip(pictures, scores.heat if scores.heat is not None else (), strict=False):
        if not _covers(heat, *pixels.shape[:2]):
            raise ConformanceError(name, Rule.INSIDE, f"heat {heat.shape}, picture {pixels.shape[:2]}")
    return scores


def _guarded(name: str, what: str, action: Callable[[], T]) -> T:
    """Run a piece under watch, and turn what it raises or does besides into the rule it breaks."""
    try:
        result, seen = observe(action)
    except (ConformanceError, ImportError):
        raise
    except Exception as error:
        # Whatever a piece raises is the result of the check, and goes on from here.
        raise ConformanceError(name, _rule_of(error), f"{what}: {type(error).__name__}: {error}") from error
    for rule, text in (
        (Rule.SILENT, seen.printed.strip()),
        (Rule.UNWRITTEN, ", ".join(seen.written)),
        (Rule.OFFLINE, ", ".join(seen.fetched)),
        (Rule.CLEAN, ", ".join(seen.changed)),
    ):
        if text:
            raise ConformanceError(name, rule, f"{what}: {text[:MAX_REASON]}")
    return result


def _rule_of(error: Exception) -> Rule:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    raised_in = trace.tb_frame.f_code.co_filename if trace is not None else ""
    if isinstance(error, ValueError) and raised_in in (forensics.finding.__file__, detectors.base.__file__):
        return Rule.WELL_FORMED
    return Rule.UNTOUCHED if "read-only" in str(error) else Rule.UPRIGHT


def _pictures(media: Media) -> list[bytes]:
    planes = [frame.pixels for frame in media.frames]
    if media.kind is Kind.IMAGE:
        planes += [media.pixels, media.luma.view(np.uint8)]
    return [plane.tobytes() for plane in planes]


def _plain(text: str) -> str:
    """Without line breaks, control characters and markup."""
    return re.sub(r"</?[a-z]+>", "", " ".join("".join(c if c.isprintable() else " " for c in text).split()))
