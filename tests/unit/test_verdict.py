"""The laws of weighing: what adds up, what does not, and what the opinion never says."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.finding import MAX_FINDING_LLR, Claim, Finding, Trace
from forensics.settings import ScanSettings
from forensics.verdict import MAX_TOTAL_LLR, Opinion, Reason, counted_llr, probability, weigh

MADE, ALTERED = Claim.SYNTHETIC, Claim.MANIPULATED


def finding(
    llr: float | None, claim: Claim | None = ALTERED, trace: Trace = Trace.GEOMETRY, name: str = "one"
) -> Finding:
    return Finding(name, trace, f"It says {llr} about {claim}", llr=llr, claim=claim)


ratios = st.floats(-MAX_FINDING_LLR, MAX_FINDING_LLR)
findings = st.lists(
    st.builds(
        finding, st.none() | ratios, st.sampled_from(Claim), st.sampled_from(Trace), st.sampled_from(["one", "two"])
    ),
    max_size=5,
)


@given(findings)
def test_the_order_of_findings_changes_nothing(found: list[Finding]) -> None:
    first = weigh(found)
    for other in itertools.islice(itertools.permutations(found), 6):
        assert weigh(other) == first


@given(findings)
def test_the_sum_is_capped_and_gives_the_probability(found: list[Finding]) -> None:
    verdict = weigh(found, ScanSettings(prior=0.01))
    assert abs(verdict.llr) <= MAX_TOTAL_LLR
    odds = verdict.probability / (1 - verdict.probability)
    assert math.log10(odds / (0.01 / 0.99)) == pytest.approx(verdict.llr, abs=1e-6)


@given(findings)
def test_there_is_one_reason_a_finding_and_the_counted_ones_come_first(found: list[Finding]) -> None:
    reasons = weigh(found).reasons
    assert len(reasons) == len(found)
    counted = [reason.counted for reason in reasons]
    assert counted == sorted(counted, reverse=True)
    traces = [reason.trace for reason in reasons if reason.counted]
    assert len(traces) == len(set(traces))


def test_findings_of_one_family_are_not_added_up() -> None:
    one, two = finding(1.2, name="one"), finding(1.1, name="two")
    assert weigh([one, two]).llr == pytest.approx(1.2)
    apart = finding(1.1, trace=Trace.SENSOR, name="two")
    assert weigh([one, apart]).llr == pytest.approx(2.3)


def test_missing_traces_of_alteration_do_not_acquit_a_made_picture() -> None:
    made = finding(2.0, MADE, Trace.LEARNED)
    quiet = [finding(-2.0, ALTERED, trace) for trace in (Trace.GEOMETRY, Trace.COMPRESSION, Trace.SENSOR)]
    verdict = weigh([made, *quiet])
    assert verdict.opinion is Opinion.LIKELY_SYNTHETIC and verdict.llr == pytest.approx(2.0)
    assert [reason.counted for reason in verdict.reasons] == [True, False, False, False]


def test_what_looks_like_a_photo_to_a_detector_does_not_acquit_an_altered_one() -> None:
    verdict = weigh([finding(-2.0, MADE, Trace.LEARNED), finding(1.5, ALTERED)])
    assert verdict.opinion is Opinion.LIKELY_MANIPULATED and verdict.llr == pytest.approx(1.5)


def test_the_absence_of_one_trace_of_alteration_counts_for_little() -> None:
    # Bayes' rule for a quarter of alterations that would leave the trace: 1 / (3/4 + 1/4 of next to nothing).
    assert -counted_llr(finding(-3.0)) == pytest.approx(math.log10(1 / 0.75025), abs=1e-9)
    assert counted_llr(finding(-1.0, MADE)) == -1.0
    assert counted_llr(finding(1.0)) == 1.0


def test_an_absence_never_outweighs_a_trace_that_was_found_in_the_family() -> None:
    found, missing = finding(1.2, name="one"), finding(-2.0, name="two")
    assert weigh([found, missing]).llr == pytest.approx(1.2)


def test_a_finding_without_a_claim_speaks_against_both() -> None:
    signed = finding(-0.8, None, Trace.PROVENANCE)
    assert weigh([signed, finding(1.5, MADE, Trace.LEARNED)]).llr == pytest.approx(0.7)
    assert weigh([signed, finding(1.5, ALTERED)]).llr == pytest.approx(0.7)


def test_strong_findings_that_contradict_each_other_are_inconclusive() -> None:
    verdict = weigh([finding(3.0, MADE, Trace.LEARNED), finding(-1.5, None, Trace.PROVENANCE)])
    assert verdict.opinion is Opinion.INCONCLUSIVE and "contradict" in verdict.note


def test_nothing_calibrated_is_inconclusive_at_the_prior() -> None:
    verdict = weigh([finding(None)], ScanSettings(prior=0.2))
    assert verdict.opinion is Opinion.INCONCLUSIVE
    assert verdict.probability == pytest.approx(0.2)


@given(findings)
def test_counted_findings_are_about_the_explanation_that_decided(found: list[Finding]) -> None:
    verdict = weigh(found)
    counted = [f for f, r in _with_reasons(found) if r.counted]
    assert (verdict.claim is None) == (not counted)
    assert all(f.claim is verdict.claim for f in counted)
    if verdict.opinion.is_likely:
        assert str(verdict.claim) in verdict.opinion


def test_a_ratio_that_is_one_in_words_is_called_nothing() -> None:
    (reason,) = weigh([finding(0.01)]).reasons
    assert reason.sentence.endswith("says nothing either way.")
    weak = weigh([finding(0.3)])
    assert weak.opinion is Opinion.NO_TRACE_FOUND and weak.note.startswith("Nothing that was found is strong enough")
    assert weigh([finding(-0.3)]).note.startswith("None of the traces looked for was found")


def _with_reasons(found: list[Finding]) -> list[tuple[Finding, Reason]]:
    reasons = {(r.analyzer, r.trace, r.llr, r.sentence.partition(": ")[0]): r for r in reversed(weigh(found).reasons)}
    return [(f, reasons[f.analyzer, f.trace, f.llr, f.summary]) for f in found]


def test_the_ladder_rises_with_the_ratio_and_never_says_authentic() -> None:
    rungs = [weigh([finding(llr, MADE, Trace.LEARNED)]).opinion for llr in (-3.0, 0.0, 0.39, 0.4, 0.99, 1.0, 3.0)]
    quiet, unsure, likely = Opinion.NO_TRACE_FOUND, Opinion.INCONCLUSIVE, Opinion.LIKELY_SYNTHETIC
    assert rungs == [quiet, quiet, quiet, unsure, unsure, likely, likely]
    assert not any("authentic" in opinion for opinion in Opinion)


def test_the_probability_is_bayes_rule() -> None:
    assert probability(1.0, 0.5) == pytest.approx(10 / 11)
    assert probability(2.0, 0.001) == pytest.approx(100 * 0.001 / (100 * 0.001 + 0.999))
