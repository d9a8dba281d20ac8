"""Findings -> one opinion: did a machine make it, was a photo altered, or does neither explain more than a plain photo?

The two are weighed apart, because a file need not be both: that no part was copied says nothing against a picture that
a machine made whole. For each, the strongest finding of each trace family counts, since error levels, ghosts and double
quantization all look at one trace and adding them up would count it three times. Ratios, because independent ones add
and keep "how strong" apart from "how likely beforehand". The better supported of the two decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from forensics.finding import Claim, Finding, SaidBy, Trace
from forensics.settings import ScanSettings

MAX_TOTAL_LLR = 4.0
"""No sum of evidence is reported as stronger than 10,000 to 1."""

SHARE_OF_KINDS = 0.25
"""A photo is altered in many ways, and each leaves only some of the traces looked for. Ratios are fitted on the kind
that leaves a trace; this share of all kinds is assumed to, so the absence of one trace counts for little."""

NEGLIGIBLE_LLR = 0.02
"""Below 1.05 times, a ratio is "1.0 times" in words: nothing."""

CONTRADICTION_LLR = 1.5
"""Two families this strong in opposite directions make the case inconclusive: somebody has to look. That a trained
detector takes a file for a photo contradicts nobody, however sure it is: each misses generators that it never saw."""

_BY_ANYBODY = "anybody can write such a statement, also into a real photo to discredit it"


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
        llr: the finding's ratio, log10; the sentence says where less of it counted.
        counted: False for findings that a stronger one of the same family outweighs, that have no ratio, or that speak
            about the other explanation.
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
        claim: the explanation that probability and llr are about, the likelier of the two; None if nothing counted.
        leading: families that speak for the opinion, strongest first.
        reasons: each step, counted ones first, strongest first.
        note: why, in one sentence.
    """

    opinion: Opinion
    probability: float
    llr: float
    claim: Claim | None
    leading: tuple[Trace, ...]
    reasons: tuple[Reason, ...]
    note: str


def weigh(findings: Iterable[Finding], settings: ScanSettings | None = None, *, missing: str = "") -> Verdict:
    """Turn findings into a verdict.

    Args:
        findings: in any order; the order does not change the result.
        settings: prior and bars; the defaults if None.
        missing: why not all of the file was looked at, "" if it was: no trace in a part is none found in a part.
    """
    settings = settings or ScanSettings()
    found = sorted(findings, key=lambda f: (-abs(f.llr or 0.0), f.analyzer, f.trace, f.summary))
    weighed = {claim: _counted(found, claim) for claim in Claim}
    # What nobody looked for is not the better explanation.
    claim, counted = max(weighed.items(), key=lambda item: (bool(item[1]), _total(item[1])))
    total = _total(counted)
    opinion, note = _opinion(claim, counted, total, settings)
    if missing and opinion is Opinion.NO_TRACE_FOUND:
        opinion, note = Opinion.INCONCLUSIVE, f"What was looked at shows no trace, but {missing}."
    sign = 1.0 if opinion.is_likely or total > 0 else -1.0
    leading = tuple(t for t, f in counted.items() if sign * (f.llr or 0.0) > 0)
    is_likelier = total > 0 and opinion is not Opinion.NO_TRACE_FOUND
    why = f"{claim} is {'the likelier explanation' if is_likelier else 'ruled out less'}"
    unheard = set(found) - set(heard(found))
    reasons = sorted((_reason(f, claim, counted, why, f in unheard) for f in found), key=lambda r: not r.counted)
    decided = claim if counted else None
    return Verdict(opinion, probability(total, settings.prior), total, decided, leading, tuple(reasons), note)


def heard(findings: Iterable[Finding]) -> list[Finding]:
    """All findings but those of trained detectors that only fail to see what a trusted signer says of the file.

    What such a detector's ratio is worth was fitted on fakes like those it knew. On a generator that it never met it
    may say what it says of photos, a ratio of 1, and the file cannot show whether it met this one. An unsigned tag, or
    a stranger's signature, has no such standing: on a real photo that somebody tagged, the detector is the one witness.
    """
    found = list(findings)
    said = {c for f in found if f.said_by is SaidBy.TRUSTED and (f.llr or 0.0) > 0 for c in (f.claim, None)}
    return [f for f in found if f.trace is not Trace.LEARNED or (f.llr or 0.0) >= 0 or f.claim not in said]


def claim_llr(findings: Iterable[Finding], claim: Claim) -> float:
    """What the rule makes of the findings about one explanation alone, log10, capped at MAX_TOTAL_LLR either way."""
    return _total(_counted(findings, claim))


def counted_llr(finding: Finding) -> float:
    """What a finding counts for: a missing trace of alteration is no proof that nothing was altered."""
    llr = finding.llr or 0.0
    if llr >= 0 or finding.claim is not Claim.MANIPULATED:
        return llr
    return math.log10(1 - SHARE_OF_KINDS + SHARE_OF_KINDS * math.pow(10.0, llr))


def _counted(found: Iterable[Finding], claim: Claim) -> dict[Trace, Finding]:
    """The strongest finding of each family about one explanation, strongest first; without a claim it is about both."""
    own = [f for f in heard(found) if f.llr is not None and f.claim in (claim, None)]
    strongest: dict[Trace, Finding] = {}
    for finding in sorted(own, key=lambda f: -abs(counted_llr(f))):
        strongest.setdefault(finding.trace, finding)
    return strongest


def _total(counted: dict[Trace, Finding]) -> float:
    total = math.fsum(counted_llr(f) for f in counted.values())
    return min(max(total, -MAX_TOTAL_LLR), MAX_TOTAL_LLR)


def probability(llr: float, prior: float) -> float:
    """Posterior probability of a log10 likelihood ratio at a prior (Bayes' rule in odds form)."""
    odds = prior / (1.0 - prior) * math.pow(10.0, llr)
    return odds / (1.0 + odds)


def times(llr: float) -> str:
    """A log10 likelihood ratio in words, without its direction: "3.2 times", "about 450 times"."""
    ratio = 10.0 ** abs(llr)
    return f"{ratio:.1f} times" if ratio < 10 else f"about {float(f'{ratio:.2g}'):,.0f} times"


def outweighed(by: str, trace: str) -> str:
    """Why a finding does not count beside a stronger one; report pages say it again with titles for names."""
    return f"{by} says more about the same trace ({trace})"


def _opinion(claim: Claim, counted: dict[Trace, Finding], total: float, settings: ScanSettings) -> tuple[Opinion, str]:
    ratios = [counted_llr(f) for f in counted.values()]
    if not ratios:
        return Opinion.INCONCLUSIVE, "No finding has a ratio, so there is nothing to weigh."
    against = [counted_llr(f) for trace, f in counted.items() if trace is not Trace.LEARNED]
    if max(ratios) >= CONTRADICTION_LLR and min(against, default=0.0) <= -CONTRADICTION_LLR:
        return Opinion.INCONCLUSIVE, "Strong findings contradict each other; a person should look."
    # What the total would be without statements that anybody could have written.
    said = math.fsum(r for f in counted.values() if f.said_by is SaidBy.ANYBODY and (r := counted_llr(f)) > 0)
    if total >= settings.likely_llr:
        opinion = Opinion.LIKELY_SYNTHETIC if claim is Claim.SYNTHETIC else Opinion.LIKELY_MANIPULATED
        note = f"The findings together are {times(total)} more usual on such files than on untouched ones"
        if said and total - said < settings.likely_llr:
            note += f", which rests on what the file says of itself: {_BY_ANYBODY}"
        return opinion, f"{note}."
    if said:
        note = f"What the file says of itself is not borne out by the other findings: {_BY_ANYBODY}."
        return Opinion.INCONCLUSIVE, note
    if total >= settings.inconclusive_llr or max(ratios) >= settings.likely_llr:
        return Opinion.INCONCLUSIVE, "There are traces, but too weak or too mixed for an opinion."
    found = "None of the traces looked for was found"
    if max(ratios) >= NEGLIGIBLE_LLR:
        found = "Nothing that was found is strong enough to be called a trace"
    return Opinion.NO_TRACE_FOUND, f"{found}; this does not show the file is authentic."


def _reason(finding: Finding, claim: Claim, counted: dict[Trace, Finding], why: str, is_unheard: bool) -> Reason:
    strongest = counted.get(finding.trace)
    if finding.llr is None:
        step = "no ratio, so it does not count"
    elif finding.claim not in (claim, None):
        step = f"not counted: it is about {finding.claim} files, and {why}"
    elif is_unheard:
        step = "not counted: a trusted signer says otherwise, and detectors miss generators that they never saw"
    elif finding is not strongest and strongest is not None:
        step = f"not counted: {outweighed(strongest.analyzer, finding.trace)}"
    elif abs(finding.llr) < NEGLIGIBLE_LLR:
        step = "says nothing either way"
    elif finding.llr > 0:
        step = f"{times(finding.llr)} more usual on {finding.claim} files than on untouched ones"
    else:
        step = f"{times(finding.llr)} more usual on untouched files"
        if (less := counted_llr(finding)) > finding.llr:
            size = "next to nothing" if less > -NEGLIGIBLE_LLR else f"only {times(less)}"
            step += f"; counted as {size}, as most alterations do not leave this trace"
    sentence = f"{finding.summary.rstrip('.')}: {step}."
    return Reason(finding.analyzer, finding.trace, finding.llr, finding is strongest, sentence)
