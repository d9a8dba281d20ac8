"""Findings -> one opinion: the strongest finding of each trace family, summed and capped.

Families, because error levels, ghosts and double quantization all look at one trace: adding them up would count it
three times. Ratios, because independent ones add and keep "how strong" apart from "how likely beforehand".
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from forensics.finding import Claim, Finding, Trace
from forensics.settings import ScanSettings

MAX_TOTAL_LLR = 4.0
"""No sum of evidence is reported as stronger than 10,000 to 1."""

CONTRADICTION_LLR = 1.0
"""Two families this strong in opposite directions make the case inconclusive: somebody has to look."""


class Opinion(StrEnum):
    """The ladder. There is no "authentic": a tool can fail to find a trace, never prove there is none."""

    LIKELY_SYNTHETIC = "likely synthetic"
    LIKELY_MANIPULATED = "likely manipulated"
    INCONCLUSIVE = "inconclusive"
    NO_TRACE_FOUND = "no trace found"

    @property
    def is_likely(self) -> bool:
        """Whether the opinion is at or over the bar."""
        return self in (Opinion.LIKELY_SYNTHETIC, Opinion.LIKELY_MANIPULATED)


@dataclass(frozen=True)
class Reason:
    """One finding's part in the verdict, in one sentence.

    Attributes:
        analyzer, trace: where it comes from.
        llr: what was counted, log10.
        counted: False for findings that a stronger one of the same family outweighs, or that have no ratio.
        sentence: the step in words.
    """

    analyzer: str
    trace: Trace
    llr: float | None
    counted: bool
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The opinion about one file.

    Attributes:
        opinion: a rung of the ladder.
        probability: 0..1, at the prior of the settings.
        llr: summed log10 likelihood ratio, capped at MAX_TOTAL_LLR either way.
        leading: families that speak for the opinion, strongest first.
        reasons: each step, counted ones first, strongest first.
        note: why, in one sentence.
    """

    opinion: Opinion
    probability: float
    llr: float
    leading: tuple[Trace, ...]
    reasons: tuple[Reason, ...]
    note: str


def weigh(findings: Iterable[Finding], settings: ScanSettings | None = None) -> Verdict:
    """Turn findings into a verdict.

    Args:
        findings: in any order; the order does not change the result.
        settings: prior and bars; the defaults if None.
    """
    settings = settings or ScanSettings()
    found = sorted(findings, key=lambda f: (-abs(f.llr or 0.0), f.analyzer, f.summary))
    counted: dict[Trace, Finding] = {}
    for finding in found:
        if finding.llr is not None and finding.trace not in counted:
            counted[finding.trace] = finding
    total = math.fsum(f.llr or 0.0 for f in counted.values())
    total = min(max(total, -MAX_TOTAL_LLR), MAX_TOTAL_LLR)
    opinion, note = _opinion(counted, total, settings)
    sign = 1.0 if opinion.is_likely or total > 0 else -1.0
    leading = tuple(t for t, f in counted.items() if sign * (f.llr or 0.0) > 0)
    reasons = sorted((_reason(f, counted) for f in found), key=lambda r: not r.counted)
    return Verdict(opinion, probability(total, settings.prior), total, leading, tuple(reasons), note)


def probability(llr: float, prior: float) -> float:
    """Posterior probability of a log10 likelihood ratio at a prior (Bayes' rule in odds form)."""
    odds = prior / (1.0 - prior) * math.pow(10.0, llr)
    return odds / (1.0 + odds)


def times(llr: float) -> str:
    """A log10 likelihood ratio in words, without its direction: "3.2 times", "about 450 times"."""
    ratio = 10.0 ** abs(llr)
    return f"{ratio:.1f} times" if ratio < 10 else f"about {float(f'{ratio:.2g}'):,.0f} times"


def _opinion(counted: dict[Trace, Finding], total: float, settings: ScanSettings) -> tuple[Opinion, str]:
    ratios = [f.llr or 0.0 for f in counted.values()]
    if not ratios:
        return Opinion.INCONCLUSIVE, "No calibrated analyzer could examine this file."
    if max(ratios) >= CONTRADICTION_LLR and min(ratios) <= -CONTRADICTION_LLR:
        return Opinion.INCONCLUSIVE, "Strong findings contradict each other; a person should look."
    if total >= settings.likely_llr:
        claims = {c: math.fsum(max(f.llr or 0.0, 0.0) for f in counted.values() if f.claim is c) for c in Claim}
        synthetic = claims[Claim.SYNTHETIC] >= claims[Claim.MANIPULATED]
        opinion = Opinion.LIKELY_SYNTHETIC if synthetic else Opinion.LIKELY_MANIPULATED
        return opinion, f"The findings together are {times(total)} more usual on such files than on untouched ones."
    if total >= settings.inconclusive_llr or max(ratios) >= settings.likely_llr:
        return Opinion.INCONCLUSIVE, "There are traces, but too weak or too mixed for an opinion."
    return Opinion.NO_TRACE_FOUND, "None of the traces looked for was found; this does not show the file is authentic."


def _reason(finding: Finding, counted: dict[Trace, Finding]) -> Reason:
    strongest = counted.get(finding.trace)
    if finding.llr is None:
        step = "for the eye only: not calibrated, so it does not count"
    elif finding is not strongest and strongest is not None:
        step = f"not counted: {strongest.analyzer} says more about the same trace ({finding.trace})"
    elif finding.llr > 0:
        step = f"{times(finding.llr)} more usual on {finding.claim} files than on untouched ones"
    elif finding.llr < 0:
        step = f"{times(-finding.llr)} more usual on untouched files"
    else:
        step = "says nothing either way"
    sentence = f"{finding.summary.rstrip('.')}: {step}."
    return Reason(finding.analyzer, finding.trace, finding.llr, finding is strongest, sentence)
