"""C2PA: what a signature supports, what a change after signing does, and that nothing is fetched or taken on trust."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.analyzers.manifest import Manifest, offline_context, parse_store, trust_anchors
from forensics.analyzers.provenance import CAPTURE_LLR, CONTENT_CHANGED_LLR, DECLARED_LLR, Provenance
from forensics.finding import Claim, Finding
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_c2pa import Signer, action, sign, signer
from tests.make_media import clip, jpeg, moving_scene, photo, png

JPEG = jpeg(photo(1, width=160, height=120))
AI = action("created", "trainedAlgorithmicMedia")
CAPTURE = action("created", "digitalCapture")
Examine = Callable[[bytes], list[Finding]]


@pytest.fixture(scope="module")
def known() -> Signer:
    return signer("Known Signer")


@pytest.fixture(scope="module")
def stranger() -> Signer:
    return signer("Stranger")


@pytest.fixture
def trust_list(known: Signer, tmp_path: Path) -> Path:
    path = tmp_path / "anchors.pem"
    path.write_bytes(b"# Known Signer, kept since 2026\n" + known.anchor)
    return path


@pytest.fixture
def examine(trust_list: Path) -> Examine:
    def run(data: bytes) -> list[Finding]:
        analyzer, media = Provenance(ScanSettings(trust_list=trust_list)), Media.open(data)
        assert analyzer.skip_reason(media) is None
        return list(analyzer.examine(media))

    return run


def changed(data: bytes, at: int = -40) -> bytes:
    """One bit of the picture turned."""
    out = bytearray(data)
    out[at] ^= 1
    return bytes(out)


def test_a_trusted_word_counts_more_than_a_stranger_s(known: Signer, stranger: Signer, examine: Examine) -> None:
    (trusted,) = examine(sign(JPEG, known, AI))
    (unknown,) = examine(sign(JPEG, stranger, AI))
    assert (trusted.llr, trusted.claim) == (DECLARED_LLR["trusted"], Claim.SYNTHETIC)
    assert (unknown.llr, unknown.claim) == (DECLARED_LLR["unknown"], Claim.SYNTHETIC)
    assert "Known Signer" in trusted.summary
    assert ("trust", "the signer is on no trust list that was given") in unknown.details


def test_only_a_trusted_capture_speaks_for_a_file(known: Signer, stranger: Signer, examine: Examine) -> None:
    assert [f.llr for f in examine(sign(JPEG, known, CAPTURE))] == [CAPTURE_LLR]
    assert [f.llr for f in examine(sign(JPEG, stranger, CAPTURE))] == [None]


def test_a_capture_that_was_edited_afterwards_does_not_speak_for_the_file(known: Signer, examine: Examine) -> None:
    (found,) = examine(sign(JPEG, known, CAPTURE, action("placed"), action("filtered")))
    assert found.llr is None
    assert "placed, filtered" in found.summary


def test_a_capture_with_something_placed_in_it_does_not_speak_for_the_file(known: Signer, examine: Examine) -> None:
    assert [f.llr for f in examine(sign(JPEG, known, CAPTURE, component=JPEG))] == [None]


@pytest.mark.parametrize("by", ["known", "stranger"])
def test_one_bit_of_the_picture_changed_after_signing_is_told(
    by: str, request: pytest.FixtureRequest, examine: Examine
) -> None:
    found = examine(changed(sign(JPEG, request.getfixturevalue(by), CAPTURE)))
    assert (found[0].llr, found[0].claim) == (CONTENT_CHANGED_LLR, Claim.MANIPULATED)
    assert [f.llr for f in found[1:]] == [None]
    assert found[0].details.count(("failed check", "assertion.dataHash.mismatch")) == 1


def test_a_changed_statement_is_told(known: Signer, examine: Examine) -> None:
    signed = sign(JPEG, known, AI)
    assert signed.count(b"trainedAlgorithmicMedia") == 1
    found = examine(signed.replace(b"trainedAlgorithmicMedia", b"trainedAlgorithmicmedia"))
    assert found[0].claim is Claim.MANIPULATED
    assert "statements" in found[0].summary


def test_an_edit_of_a_signed_ai_picture_is_known_by_its_parent(known: Signer, examine: Examine) -> None:
    parent = sign(JPEG, known, AI)
    later = jpeg(photo(1, width=160, height=120), 70)
    (found,) = examine(sign(later, known, action("color_adjustments"), parent=parent))
    assert (found.llr, found.claim) == (DECLARED_LLR["unknown"], Claim.SYNTHETIC)
    assert not [f for f in examine(sign(later, known, action("color_adjustments"), parent=JPEG)) if f.llr is not None]


def test_a_trusted_editor_does_not_lend_trust_to_a_stranger_s_word(
    known: Signer, stranger: Signer, examine: Examine
) -> None:
    (found,) = examine(sign(JPEG, known, action("color_adjustments"), parent=sign(JPEG, stranger, AI)))
    assert found.llr == DECLARED_LLR["unknown"]


@pytest.mark.parametrize("kind", ["compositeWithTrainedAlgorithmicMedia", "trainedAlgorithmicMedia"])
def test_a_generated_part_is_a_manipulation_and_no_synthesis(kind: str, known: Signer, examine: Examine) -> None:
    (found,) = examine(sign(JPEG, known, action("edited", kind), parent=JPEG))
    assert found.claim is Claim.MANIPULATED


def test_actions_that_tell_nothing_are_counted_in_words(known: Signer, examine: Examine) -> None:
    (one,) = examine(sign(JPEG, known, action("opened")))
    assert "lists 1 action, which does not tell AI from a camera" in one.summary
    (two,) = examine(sign(JPEG, known, action("opened"), action("resized")))
    assert "lists 2 actions, none of which tells AI from a camera" in two.summary


def test_a_generator_that_states_no_source_type_is_known_by_name(known: Signer, examine: Examine) -> None:
    (found,) = examine(sign(JPEG, known, action("created"), generator="Bing Image Creator"))
    assert found.claim is Claim.SYNTHETIC


@pytest.mark.parametrize("fmt", ["png", "mp4"])
def test_other_containers_are_checked_alike(fmt: str, known: Signer, examine: Examine, tmp_path: Path) -> None:
    if fmt == "png":
        data, mime = png(photo(1, width=160, height=120)), "image/png"
    else:
        made = clip(tmp_path / "a.mp4", moving_scene(1, 6, width=64, height=48), gop=3)
        data, mime = made.read_bytes(), "video/mp4"
    signed = sign(data, known, AI, mime=mime)
    assert [f.llr for f in examine(signed)] == [DECLARED_LLR["trusted"]]
    in_pixels = signed.rfind(b"IDAT" if fmt == "png" else b"mdat") + 60
    touched = next(f for f in examine(changed(signed, in_pixels)) if f.claim is Claim.MANIPULATED)
    assert touched.llr == CONTENT_CHANGED_LLR


def test_a_video_that_is_cut_off_is_not_called_changed(known: Signer, examine: Examine, tmp_path: Path) -> None:
    import av

    whole = tmp_path / "whole.mp4"
    clip(whole, moving_scene(1, 24, width=64, height=48), gop=3)
    front = tmp_path / "front.mp4"
    with av.open(str(whole)) as source, av.open(str(front), "w", options={"movflags": "faststart"}) as out:
        track = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = track
                out.mux(packet)
    found = examine(sign(front.read_bytes(), known, CAPTURE, mime="video/mp4")[:-400])
    assert "cut off" in found[0].summary and "could not be checked in full" in found[1].summary
    assert [f.llr for f in found] == [None, None]


def test_no_manifest_is_said_to_be_no_information() -> None:
    reason = Provenance(ScanSettings()).skip_reason(Media.open(JPEG))
    assert reason is not None
    assert "no information" in reason


def test_a_remote_manifest_is_named_and_not_fetched(examine: Examine) -> None:
    # A real listener: the library is not written in Python, so replacing Python's sockets would not see it.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/manifest"
        (found,) = examine(_with_remote_manifest(address))
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert found.llr is None
    assert "not fetched" in found.summary
    assert ("address", address) in found.details


def _with_remote_manifest(address: str) -> bytes:
    packet = (
        b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        b'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="'
        + address.encode()
        + b'"/></rdf:RDF></x:xmpmeta>'
    )
    return JPEG[:2] + b"\xff\xe1" + (len(packet) + 2).to_bytes(2, "big") + packet + JPEG[2:]


def test_a_manifest_that_cannot_be_read_is_no_evidence(known: Signer, examine: Examine) -> None:
    signed = sign(JPEG, known, AI)
    (found,) = examine(signed.replace(b"c2pa.hash.data", b"c2pa.hash.dxta"))
    assert found.llr is None


def test_flipped_bytes_of_a_manifest_never_raise_and_never_gain_trust(known: Signer, examine: Examine) -> None:
    signed = sign(JPEG, known, AI)
    start = signed.find(b"jumb")
    for at in range(start, start + 6000, 97):
        for found in examine(changed(signed, at)):
            assert found.llr is None or found.llr > 0


@pytest.mark.parametrize(
    "text", ["", "# none\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a list"]
)
def test_a_trust_list_without_certificates_is_named_as_the_fault(text: str, tmp_path: Path) -> None:
    path = tmp_path / "list.pem"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"trust list list\.pem"):
        offline_context(path)


def test_the_shipped_trust_list_can_be_read_and_the_text_around_certificates_is_ignored(known: Signer) -> None:
    from importlib.resources import files

    assert trust_anchors(Path(str(files("forensics") / "trust" / "anchors.pem"))) == []
    assert offline_context(None) is not None


TRUSTED = ("signingCredential.trusted", "claimSignature.validated", "assertion.dataHash.match")


@pytest.mark.parametrize("missing", TRUSTED)
def test_a_check_that_was_not_made_is_not_a_check_that_held(missing: str) -> None:
    assert Manifest((), TRUSTED).standing == "trusted"
    assert Manifest((), tuple(code for code in TRUSTED if code != missing)).standing != "trusted"


@pytest.mark.parametrize("code", ["expired", "untrusted", "invalid", "ocsp.revoked"])
def test_a_weak_certificate_lowers_trust_and_is_no_sign_of_change(code: str) -> None:
    manifest = Manifest((f"signingCredential.{code}",), TRUSTED)
    assert manifest.standing == "unknown"
    assert not manifest.content_changed
    assert not manifest.statements_changed


def test_parents_that_name_each_other_come_to_an_end() -> None:
    def made_from(other: str) -> dict[str, object]:
        return {"ingredients": [{"relationship": "parentOf", "active_manifest": other}], "assertions": []}

    store = {"active_manifest": "a", "manifests": {"a": made_from("b"), "b": made_from("a")}}
    assert parse_store(store).inherited == ()
