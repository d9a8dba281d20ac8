"""C2PA files with known truth: a certificate authority made at test time signs, then parts are changed."""

from __future__ import annotations

import datetime
import io
from dataclasses import dataclass
from typing import Any

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@dataclass(frozen=True)
class Signer:
    """Keys of a signer.

    Attributes:
        anchor: PEM certificate of the authority.
        chain: PEM certificates, the signer's first.
        key: PEM private key of the signer.
    """

    anchor: bytes
    chain: bytes
    key: bytes


def signer(name: str = "Test Signer", kind: str = "P-256") -> Signer:
    """A signer with an authority of their own, valid for a day (C2PA 2.1, 14.5.1: v3, key usage, e-mail protection).

    Args:
        name: of the signer.
        kind: of the signer's key: a curve, Ed25519, Ed448 or RSA with its bits, as in "RSA-2048".
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    root_key, own_key = private_key("P-256"), private_key(kind)
    now = datetime.datetime.now(datetime.UTC)

    def certificate(subject: str, public: Any, *, authority: bool) -> bytes:
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        ) | {"encipher_only": False, "decipher_only": False}
        built = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(f"{name} Root"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **usage),
                critical=True,
            )
        )
        if not authority:
            purpose = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION])
            built = built.add_extension(purpose, critical=False)
        return built.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    root = certificate(f"{name} Root", root_key.public_key(), authority=True)
    own = certificate(name, own_key.public_key(), authority=False)
    key = own_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Signer(root, own + root, key)


def private_key(kind: str) -> Any:
    """A fresh key, see `signer`."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

    curves = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1, "secp256k1": ec.SECP256K1}
    if kind in curves:
        return ec.generate_private_key(curves[kind]())
    if kind.startswith("RSA-"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))
    return {"Ed25519": ed25519.Ed25519PrivateKey, "Ed448": ed448.Ed448PrivateKey}[kind].generate()


def sign(
    data: bytes,
    by: Signer,
    *actions: dict[str, Any],
    mime: str = "image/jpeg",
    generator: str = "test",
    parent: bytes = b"",
    component: bytes = b"",
) -> bytes:
    """Embed a signed manifest that lists the actions.

    Args:
        data: an encoded image or video.
        parent: a file of the same type that it was made from.
        component: a file of the same type that was placed in it.
    """
    import c2pa

    info = c2pa.C2paSignerInfo(alg=c2pa.C2paSigningAlg.ES256, sign_cert=by.chain, private_key=by.key, ta_url=None)
    offline = {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False}
    manifest = {
        "claim_generator_info": [{"name": generator, "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": list(actions)}}],
    }
    out = io.BytesIO()
    with c2pa.Context.from_dict({"verify": offline}) as context, c2pa.Builder(manifest, context=context) as builder:
        for role, ingredient in (("parentOf", parent), ("componentOf", component)):
            if ingredient:
                builder.add_ingredient({"title": role, "relationship": role}, mime, io.BytesIO(ingredient))
        builder.sign(c2pa.Signer.from_info(info), mime, io.BytesIO(data), out)
    return out.getvalue()


def action(name: str, kind: str = "", **more: Any) -> dict[str, Any]:
    """One action, with the last part of its IPTC digital source type."""
    return {"action": f"c2pa.{name}", **({"digitalSourceType": SOURCE_TYPE + kind} if kind else {}), **more}


def _name(common: str) -> Any:
    from cryptography import x509

    parts = ((x509.oid.NameOID.ORGANIZATION_NAME, "Test"), (x509.oid.NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])
