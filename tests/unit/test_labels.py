"""Labels of fakes: our own scanner reads them back, in each container, unsigned and signed."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from forensics.analyzers.metadata import GENERATOR_LLR, Metadata
from forensics.analyzers.provenance import DECLARED_LLR, Provenance
from forensics.analyzers.tags.fields import read_tags
from forensics.finding import Claim, Finding
from forensics.media import Media
from forensics.settings import ScanSettings
from generators.catalog import GENERATORS
from generators.labels import SOURCE_TYPES, Form, Label, encode, label, software
from generators.signing import Signer
from tests.contracts.broken_generators import CARD, Maker, Sound
from tests.make_c2pa import Signer as Keys
from tests.make_c2pa import signer
from tests.make_media import decode, photo

PICTURE = photo(1, width=96, height=64)


class Trained(Maker):
    card = CARD


MADE = label(Trained(), seed=3, recipe="a <face> & more")
EDITED = label(Sound(), seed=4, recipe="one eye")
SPLICED = label(GENERATORS.load("splice")(), seed=5, recipe="a part of another photo")
WASHED = label(GENERATORS.load("launder")(), seed=6, recipe="q90")
CLAIMS = {
    "made": (MADE, Claim.SYNTHETIC),
    "edited": (EDITED, Claim.MANIPULATED),
    "spliced": (SPLICED, Claim.MANIPULATED),
}

forms = pytest.mark.parametrize("form", get_args(Form))


@pytest.fixture(scope="module")
def keys() -> Keys:
    return signer("Fake Maker")


@pytest.fixture(scope="module")
def own(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer.open(*written(keys, tmp_path_factory.mktemp("keys")))


def written(keys: Keys, folder: Path, *, key: bytes = b"") -> tuple[Path, Path]:
    (folder / "certificate.pem").write_bytes(keys.chain)
    (folder / "key.pem").write_bytes(key or keys.key)
    return folder / "certificate.pem", folder / "key.pem"


def said(data: bytes) -> list[Finding]:
    return [found for found in Metadata(ScanSettings()).examine(Media.open(data)) if found.llr is not None]


@forms
@pytest.mark.parametrize("case", CLAIMS)
def test_the_scanner_reads_what_the_label_claims(case: str, form: Form) -> None:
    made, claim = CLAIMS[case]
    (found,) = said(encode(PICTURE, form, made))
    assert (found.llr, found.claim) == (GENERATOR_LLR, claim)


@forms
def test_a_wash_a_mask_and_a_photo_are_not_called_fakes(form: Form) -> None:
    assert said(encode(PICTURE, form, WASHED)) == []
    assert said(encode(PICTURE, form, "The photo that 0001.png was made from")) == []
    assert said(encode(PICTURE[..., 0], "png", "Mask of 0001.png")) == []


@forms
def test_the_label_holds_the_iptc_term_the_program_and_the_recipe(form: Form) -> None:
    tags = read_tags(Media.open(encode(PICTURE, form, MADE)))
    texts = {field.key: field.text for field in tags.fields}
    assert tags.notes == (), "the packet is well-formed whatever the recipe holds"
    assert texts["DigitalSourceType"] == f"{SOURCE_TYPES}trainedAlgorithmicMedia"
    assert texts["CreatorTool"] == software()
    assert texts["description"] == "Made by the unforged generator sound, seed 3: a <face> & more"


def test_png_text_names_generator_seed_and_recipe_and_keeps_every_pixel() -> None:
    data = encode(PICTURE, "png", EDITED)
    texts = {field.key: field.text for field in read_tags(Media.open(data)).fields if field.place == "PNG text"}
    assert texts.items() >= {"Software": software(), "Generator": "sound", "Seed": "4", "Recipe": "one eye"}.items()
    assert np.array_equal(decode(data), PICTURE)


@pytest.mark.parametrize(
    ("made", "term"),
    [
        (MADE, "trainedAlgorithmicMedia"),
        (label(Maker(), seed=1, recipe="noise"), "algorithmicMedia"),
        (EDITED, "compositeWithTrainedAlgorithmicMedia"),
        (SPLICED, "compositeCapture"),
        (WASHED, "algorithmicallyEnhanced"),
    ],
)
def test_the_iptc_term_follows_from_how_a_fake_was_made(made: Label, term: str) -> None:
    assert made.source_type == term


@forms
def test_a_signed_label_is_read_and_its_signature_holds(form: Form, own: Signer, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "anchors.pem").write_bytes(keys.anchor)
    settings = ScanSettings(trust_list=tmp_path / "anchors.pem")
    original = encode(PICTURE, form, "A photo")
    for made, parent, claim in ((MADE, b"", Claim.SYNTHETIC), (EDITED, original, Claim.MANIPULATED)):
        data = own.sign(encode(PICTURE, form, made), form, made, parent=parent)
        (found,) = Provenance(settings).examine(Media.open(data))
        assert (found.llr, found.claim) == (DECLARED_LLR["trusted"], claim)
        assert not [row for row in found.details if row[0] == "failed check"]
        assert any(made.description in text for _, text in found.details)
        assert [f.claim for f in said(data)] == [claim], "the unsigned label is still there"


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("P-384", "ES384"), ("P-521", "ES512"), ("Ed25519", "ED25519"), ("RSA-2048", "PS256")],
)
def test_signatures_hold_with_every_kind_of_key(kind: str, algorithm: str, tmp_path: Path) -> None:
    keys = signer("Fake Maker", kind)
    own = Signer.open(*written(keys, tmp_path))
    assert own.algorithm == algorithm
    (tmp_path / "anchors.pem").write_bytes(keys.anchor)
    data = own.sign(encode(PICTURE, "png", MADE), "png", MADE)
    (found,) = Provenance(ScanSettings(trust_list=tmp_path / "anchors.pem")).examine(Media.open(data))
    assert (found.llr, found.claim) == (DECLARED_LLR["trusted"], Claim.SYNTHETIC)
    assert not [row for row in found.details if row[0] == "failed check"]


@pytest.mark.parametrize("kind", ["secp256k1", "Ed448"])
def test_a_key_that_c2pa_does_not_allow_is_refused_with_the_kinds_it_does(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="of a kind that C2PA does not sign with; it takes ECDSA on P-256"):
        Signer.open(*written(signer("Fake Maker", kind), tmp_path))


def test_a_signed_forgery_without_ai_lists_its_photo_and_claims_no_ai(own: Signer) -> None:
    data = own.sign(encode(PICTURE, "png", SPLICED), "png", SPLICED, parent=encode(PICTURE, "png", "A photo"))
    (found,) = Provenance(ScanSettings()).examine(Media.open(data))
    assert found.llr is None
    assert ("ingredient parentOf", "the photo") in found.details


def test_a_key_of_somebody_else_is_refused_before_anything_is_made(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"certificate\.pem"):
        Signer.open(*written(keys, tmp_path, key=signer("Somebody Else").key))


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (b"no key", "holds no PEM private key"),
        (b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", "is encrypted"),
        (b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----", "older form.*openssl pkcs8 -topk8"),
        (b"-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----", "is no PEM private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "of a kind that C2PA does not sign with"),
    ],
)
def test_what_is_no_key_is_named_as_such(key: bytes, reason: str, keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=reason):
        Signer.open(*written(keys, tmp_path, key=key))


def test_what_is_no_certificate_is_named_as_such(tmp_path: Path, keys: Keys) -> None:
    certificate, key = written(keys, tmp_path)
    certificate.write_bytes(keys.key)
    with pytest.raises(ValueError, match="holds no PEM certificate"):
        Signer.open(certificate, key)
    with pytest.raises(FileNotFoundError):
        Signer.open(tmp_path / "none.pem", key)
