"""Files that say of themselves that a machine made them, against detectors that see it, see a photo, or say nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import safe_open

from forensics.analyzers.metadata import GENERATOR_LLR, Metadata
from forensics.analyzers.provenance import DECLARED_LLR, Provenance
from forensics.finding import Claim, Finding, SaidBy, Trace
from forensics.fusion import measures, voices
from forensics.languages import codes, language
from forensics.media import Media
from forensics.settings import ScanSettings
from forensics.verdict import Opinion, Verdict, claim_llr, weigh
from tests.make_c2pa import Signer, action, sign, signer
from tests.make_media import jpeg, photo, png
from tests.upkeep.documents import ROOT

JPEG = jpeg(photo(1, width=160, height=120))
AI = action("created", "trainedAlgorithmicMedia")
ANYBODY = "anybody can write such a statement, also into a real photo to discredit it"
FOR, AGAINST, STRONGLY_AGAINST = 1.5, -1.4, -2.0
"""What `synthetic` may say at most, and what a detector from outside may (`detectors.calibration.MAX_LLR`)."""

Declared = Callable[[str], list[Finding]]


def detector(llr: float | None, claim: Claim = Claim.SYNTHETIC, name: str = "synthetic") -> Finding:
    return Finding("learned", Trace.LEARNED, f"{name} scores", llr, claim, details=(("detector", name),))


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Declared:
    """What the analyzers find in one and the same picture, by who says that AI made it."""
    trusted, stranger = signer("Maker"), signer("Stranger")
    anchors = tmp_path_factory.mktemp("trust") / "anchors.pem"
    anchors.write_bytes(trusted.anchor)
    settings = ScanSettings(trust_list=anchors)

    def signed(by: Signer, **more: bytes) -> bytes:
        return sign(JPEG, by, AI, **more)

    broken = bytearray(signed(trusted))
    broken[-40] ^= 1
    files = {
        "trusted": signed(trusted),
        "unknown": signed(stranger),
        "broken": bytes(broken),
        "inherited": sign(JPEG, trusted, action("color_adjustments"), parent=signed(trusted)),
        "tag": png(
            photo(1, width=160, height=120), text={"parameters": "a cat\nSteps: 20, Sampler: Euler, CFG scale: 7"}
        ),
    }

    def found(who: str) -> list[Finding]:
        media = Media.open(files[who])
        read = [f for f in Metadata(settings).examine(media) if f.llr is not None]
        if (signed := Provenance(settings)).skip_reason(media) is None:
            read += signed.examine(media)
        return read

    return found


def verdict(declared: Declared, who: str, llr: float | None) -> Verdict:
    return weigh([*declared(who), detector(llr)])


@pytest.mark.parametrize("llr", [FOR, AGAINST, STRONGLY_AGAINST, None])
def test_no_detector_outweighs_what_a_trusted_signer_says_of_an_unchanged_file(
    llr: float | None, declared: Declared
) -> None:
    found = verdict(declared, "trusted", llr)
    assert found.opinion is Opinion.LIKELY_SYNTHETIC
    assert found.llr == pytest.approx(min(DECLARED_LLR["trusted"] + max(llr or 0.0, 0.0), 4.0))
    assert ANYBODY not in found.note
    if (llr or 0.0) < 0:
        (passed_over,) = [r for r in found.reasons if r.trace is Trace.LEARNED]
        assert not passed_over.counted
        assert passed_over.sentence.endswith(
            "a trusted signer says otherwise, and detectors miss generators that they never saw."
        )


@pytest.mark.parametrize("who", ["unknown", "inherited", "tag"])
@pytest.mark.parametrize(
    ("llr", "opinion"),
    [
        (FOR, Opinion.LIKELY_SYNTHETIC),
        (None, Opinion.LIKELY_SYNTHETIC),
        (AGAINST, Opinion.LIKELY_SYNTHETIC),
        (STRONGLY_AGAINST, Opinion.INCONCLUSIVE),
    ],
)
def test_what_anybody_may_have_said_is_weighed_against_detectors_and_the_note_says_so(
    who: str, llr: float | None, opinion: Opinion, declared: Declared
) -> None:
    found = verdict(declared, who, llr)
    assert found.opinion is opinion and found.claim is Claim.SYNTHETIC
    assert found.llr == pytest.approx(min(GENERATOR_LLR + (llr or 0.0), 4.0))
    assert (ANYBODY in found.note) == (llr != FOR), "a detector that sees it alone reaches the bar"


@pytest.mark.parametrize(
    ("llr", "opinion"),
    [
        (FOR, Opinion.LIKELY_SYNTHETIC),
        (None, Opinion.LIKELY_MANIPULATED),
        (AGAINST, Opinion.LIKELY_MANIPULATED),
        (STRONGLY_AGAINST, Opinion.LIKELY_MANIPULATED),
    ],
)
def test_a_declaration_whose_signature_is_broken_may_belong_to_another_picture(
    llr: float | None, opinion: Opinion, declared: Declared
) -> None:
    found = verdict(declared, "broken", llr)
    assert found.opinion is opinion
    assert ANYBODY not in found.note, "that it was changed was measured"


def test_who_stands_behind_a_statement_is_told_by_the_analyzers(declared: Declared) -> None:
    said = {who: [f.said_by for f in declared(who)] for who in ("trusted", "unknown", "inherited", "tag", "broken")}
    assert said == {
        "trusted": [SaidBy.TRUSTED],
        "unknown": [SaidBy.ANYBODY],
        "inherited": [SaidBy.ANYBODY],
        "tag": [SaidBy.ANYBODY],
        "broken": [None, SaidBy.ANYBODY],
    }


def test_a_stranger_s_signature_is_worth_no_less_than_a_tag_and_less_than_a_trusted_one() -> None:
    assert GENERATOR_LLR <= DECLARED_LLR["unknown"] < DECLARED_LLR["trusted"]
    assert max(DECLARED_LLR["unchecked"], DECLARED_LLR["broken"]) < GENERATOR_LLR


def test_a_tag_outweighs_any_detector_that_ships() -> None:
    # A lower bound of a new version below this makes tagged files inconclusive: that has to be seen, not found out.
    low = [_llr_range(weights)[0] for weights in (ROOT / "detectors" / "zoo").glob("*.safetensors")]
    assert ScanSettings().likely_llr - GENERATOR_LLR <= min(low) < 0


def _llr_range(weights: Path) -> tuple[float, float]:
    with safe_open(weights, "numpy") as tensors:
        low, high = tensors.get_tensor("llr_range") if "llr_range" in tensors.keys() else (0.0, 0.0)  # noqa: SIM118
    return float(low), float(high)


def test_a_trusted_word_silences_detectors_about_its_own_claim_alone(declared: Declared) -> None:
    altered = detector(-1.0, Claim.MANIPULATED, "face")
    found = weigh([*declared("trusted"), altered, detector(AGAINST), detector(0.5, name="glance")])
    assert found.llr == pytest.approx(DECLARED_LLR["trusted"] + 0.5), "one that does see it counts"
    (of_the_face,) = [r for r in found.reasons if "face" in r.sentence]
    assert "it is about manipulated files" in of_the_face.sentence


def test_a_trusted_capture_silences_no_detector() -> None:
    captured = Finding("provenance", Trace.PROVENANCE, "captured", -1.5, said_by=SaidBy.TRUSTED)
    assert claim_llr([captured, detector(AGAINST)], Claim.SYNTHETIC) == pytest.approx(AGAINST - 1.5)
    assert weigh([captured, detector(2.0)]).opinion is Opinion.INCONCLUSIVE


@pytest.mark.parametrize("code", codes()[1:])
def test_what_is_said_of_statements_has_words_in_every_language(code: str, declared: Declared) -> None:
    saying = language(code)
    for who in ("trusted", "tag"):
        for llr in (AGAINST, STRONGLY_AGAINST):
            found = verdict(declared, who, llr)
            (step,) = [r.sentence.partition(": ")[2] for r in found.reasons if r.trace is Trace.LEARNED]
            for said in (found.note, step, *(f.explanation for f in declared(who))):
                assert saying.find(said) is not None, said


def test_a_fusion_hears_the_same_detectors_as_the_rule(declared: Declared) -> None:
    features = ("provenance", "learned synthetic", "no learned synthetic")
    assert voices([*declared("trusted"), detector(AGAINST)]) == {"provenance": DECLARED_LLR["trusted"]}
    assert measures([*declared("trusted"), detector(AGAINST)], features)["no learned synthetic"] == 1.0
    assert voices([*declared("trusted"), detector(FOR)])["learned synthetic"] == FOR
    assert voices([*declared("unknown"), detector(AGAINST)])["learned synthetic"] == AGAINST
