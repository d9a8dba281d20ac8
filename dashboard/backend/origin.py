"""What a file says about itself: who signed it, what they say, whether that holds, and its metadata."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from forensics.analyzers.metadata import Metadata
from forensics.analyzers.provenance import Provenance
from forensics.finding import Claim, Finding, SaidBy
from forensics.hostile_text import one_line, visible
from forensics.report import ScanReport

_SIGNER, _TIME, _WRITER = "signed by", "time", "written by"
_ACTIONS = ("action", "action of a parent")
_TRUST, _, _INGREDIENT_FAILED = _CHECKS = ("trust", "failed check", "failed check of an ingredient")

_FAILURES = {
    "dataHash.mismatch": "the content is not what was signed",
    "bmffHash.mismatch": "the content is not what was signed",
    "boxesHash.mismatch": "the content is not what was signed",
    "hashedURI.mismatch": "a signed statement was changed",
    "claimSignature.mismatch": "the signature does not fit",
    "assertion.missing": "a signed statement is missing",
    "claim.missing": "what was signed is missing",
    "ingredient.manifest.missing": "the record of an ingredient is missing",
}
"""How codes of C2PA 2.1, 15.2 end, and what they mean; others are shown as they are."""


@dataclass(frozen=True)
class Origin:
    """Statements of a file about itself; every text is hostile, and visible.

    Attributes:
        signer: who signed, "" for nobody.
        state: whether there is a signature, and whether it holds, in a sentence.
        statements: the findings about it, in sentences.
        ai: what is said of AI, in a sentence.
        actions: steps that the signer lists.
        checks: what failed or is not trusted.
        rows: whatever else stands there, label and text.
        tags: metadata, label and text.
    """

    signer: str
    state: str
    statements: tuple[str, ...]
    ai: str
    actions: tuple[str, ...]
    checks: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    tags: tuple[tuple[str, str], ...]


def origin(report: ScanReport) -> Origin:
    """Gather it from the findings."""
    signed = [f for f in report.findings if f.analyzer == Provenance.name]
    tagged = [f for f in report.findings if f.analyzer == Metadata.name]
    rows = tuple(dict.fromkeys(_rows(signed)))
    return Origin(
        signer=next((text for label, text in rows if label == _SIGNER), ""),
        state=_state(report, signed),
        statements=tuple(one_line(f.summary) for f in [*signed, *tagged]),
        ai=_ai([*signed, *tagged]),
        actions=tuple(text for label, text in rows if label in _ACTIONS),
        checks=tuple(_check(label, text) for label, text in rows if label in _CHECKS),
        rows=tuple((_capital(label), text) for label, text in rows if label not in (_SIGNER, *_ACTIONS, *_CHECKS)),
        tags=tuple(dict.fromkeys(_rows(tagged))),
    )


def failure(code: str) -> str:
    """A check that failed, in words where there are any."""
    return next((words for ending, words in _FAILURES.items() if code.endswith(ending)), code)


def _check(label: str, text: str) -> str:
    if label == _TRUST:
        return text
    words = failure(text)
    said = words if words == text else f"{words} ({text})"
    return f"an ingredient: {said}" if label == _INGREDIENT_FAILED else said


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]


def _rows(findings: Iterable[Finding]) -> Iterable[tuple[str, str]]:
    return ((one_line(label, 120), visible(text)) for finding in findings for label, text in finding.details)


def _state(report: ScanReport, signed: list[Finding]) -> str:
    if signed:
        return one_line(signed[0].summary)
    why = report.skipped.get(Provenance.name) or report.failed.get(Provenance.name)
    return f"Not signed, as far as can be told: {one_line(why, 300)}." if why else "Signatures were not looked for."


def _ai(findings: list[Finding]) -> str:
    said = [f for f in findings if (f.llr or 0.0) > 0 and f.claim is not None]
    made = [f for f in said if f.claim is Claim.SYNTHETIC]
    if any(f.said_by is SaidBy.TRUSTED for f in made):
        return "The file itself says that a machine made it, signed by somebody on the trust list."
    if made:
        return "The file itself says that a machine made it. Anybody can write that, also into a real photo."
    if said:
        return "The file itself says, or shows, that it was altered."
    return "The file says nothing of AI. Most files do not, made by AI or not."
