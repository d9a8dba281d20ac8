"""The rules that a plug-in keeps, and how one that is broken is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from numpy.typing import NDArray

import detectors.base
import forensics.finding
import generators.base
from forensics.side_effects import observe

T = TypeVar("T")

MAX_SUMMARY = 400
"""Characters of a summary; more than a few lines is no summary."""

MAX_REASON = 200
"""Characters of the reason why a file is skipped."""

_CORE = (forensics.finding.__file__, detectors.base.__file__, generators.base.__file__)
"""Where what is handed back refuses to be malformed."""

HEAT_SLACK = 2.5
"""Cells that the shape of a heat map may differ from the picture's: whole blocks never fit exactly."""


class Rule(StrEnum):
    """What is checked, in words that fit after "breaks the rule: "."""

    NAMED = "the name is lower_case, title and about are plain lines"
    FAMILY = "the trace is one of those of Trace, the family one of Family"
    CARD = "the card says what the piece does, what it cannot do, and what a detector's high score claims"
    REASONED = "a file is skipped with a plain clause that names the reason, or not at all (None)"
    UPRIGHT = "nothing is raised but MediaError"
    REFUSED = "sources that are too small or no batch are refused with a ValueError"
    SPOKEN = "a file that was not skipped gets at least one finding"
    WELL_FORMED = "what is handed back is well-formed, and a positive llr says what it claims"
    OWN = "what is handed back carries the name, and a finding the trace, of who made it"
    PLAIN = "a summary is one short plain sentence, a recipe one short plain line"
    INSIDE = "regions lie inside the picture, heat covers all of it, moments lie within the clip"
    REPEATED = "the same input gives the same answer, whatever came before and in whatever batch"
    SEEDED = "fake i of a batch is the one that source i alone gives with seed + i"
    VARIED = "another seed gives another fake, but where all of a photo is rebuilt"
    OUTSIDE = "pixels outside of a mask are those of the source, bit for bit"
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


def check_words(kind: type[Any], texts: tuple[str, ...], *, allowed: str = "a-z0-9_") -> str:
    """Check the written name and plain texts of a class.

    Args:
        kind: the class.
        texts: names of its attributes that hold plain lines.
        allowed: characters of a name after its first letter.

    Returns:
        The name.
    """
    name = str(getattr(kind, "name", kind))
    if not re.fullmatch(f"[a-z][{allowed}]*", name):
        raise ConformanceError(name, Rule.NAMED, f"the name is {name!r}")
    for label in texts:
        text = getattr(kind, label, None)
        if not isinstance(text, str) or not text.strip() or text != plain(text) or len(text) > MAX_SUMMARY:
            raise ConformanceError(name, Rule.NAMED, f"{label} is {text!r}")
    return name


def check_reason(name: str, file: str, reason: object) -> None:
    """Check the clause that says why something is left out."""
    if not isinstance(reason, str):
        raise ConformanceError(name, Rule.REASONED, f"{file} is skipped with {reason!r}")
    first = reason.split(" ")[0]
    # "JPEG" and "16-bit" may begin a clause, "Video" begins a sentence.
    capital = first[:1].isupper() and first.upper() != first and not any(c.isdigit() for c in first)
    if not first or reason != plain(reason) or reason.endswith(".") or capital or len(reason) > MAX_REASON:
        raise ConformanceError(name, Rule.REASONED, f"{file} is skipped with {reason!r}")


def covers(values: NDArray[Any], height: int, width: int) -> bool:
    """Whether a map has the shape of the picture, to a cell or two."""
    h, w = values.shape
    wide, tall = width / height, height / width
    return bool(abs(w - h * wide) <= HEAT_SLACK * max(wide, 1) and abs(h - w * tall) <= HEAT_SLACK * max(tall, 1))


def guarded(name: str, what: str, action: Callable[[], T]) -> T:
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


def plain(text: str) -> str:
    """Without line breaks, control characters and markup."""
    return re.sub(r"</?[a-z]+>", "", " ".join("".join(c if c.isprintable() else " " for c in text).split()))


def _rule_of(error: Exception) -> Rule:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    raised_in = trace.tb_frame.f_code.co_filename if trace is not None else ""
    if isinstance(error, ValueError) and raised_in in _CORE:
        return Rule.WELL_FORMED
    return Rule.UNTOUCHED if "read-only" in str(error) else Rule.UPRIGHT
