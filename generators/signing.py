"""Signed labels: a C2PA manifest that says who made a fake and how, when the user has a certificate to sign with.

Source: C2PA Technical Specification 2.1, 18.14 (actions). Nothing is fetched, and no time stamp is asked for.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from generators.labels import Form, Label, encode, software

MIME = {"png": "image/png", "jpeg": "image/jpeg"}

PARENT = "xmp:iid:photo"
"""Links the step "opened" to the photo that was opened."""

_ALGORITHMS = {
    "ES256": bytes.fromhex("2a8648ce3d030107"),  # the curve P-256
    "ES384": bytes.fromhex("2b81040022"),
    "ES512": bytes.fromhex("2b81040023"),
    "PS256": bytes.fromhex("2a864886f70d0101"),  # RSA, for any padding or for PSS alone
    "ED25519": bytes.fromhex("2b6570"),
}
"""Algorithm -> object identifier in a key that it fits, DER (RFC 5480, RFC 8410, RFC 8017)."""

_KINDS = "ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of 2,048 bits and more"

_OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": False},
    "core": {"allowed_network_hosts": []},
}


@dataclass(frozen=True)
class Signer:
    """Who signs.

    Attributes:
        chain: PEM certificates, the signer's own first.
        key: PEM private key of the first, not encrypted.
        algorithm: as C2PA names it, from the key.
    """

    chain: bytes
    key: bytes
    algorithm: str

    @classmethod
    def open(cls, certificate: Path, key: Path) -> Signer:
        """Read certificate and key, and sign something with them to see whether they fit.

        Raises:
            OSError: a file cannot be read.
            ValueError: they are none, do not fit each other, or C2PA does not allow them.
        """
        chain, secret = certificate.read_bytes(), key.read_bytes()
        if b"-----BEGIN CERTIFICATE-----" not in chain:
            raise ValueError(f"{certificate} holds no PEM certificate")
        signer = cls(chain, secret, _algorithm(secret, key))
        signer._try(certificate)
        return signer

    def sign(self, data: bytes, form: Form, label: Label, *, parent: bytes = b"") -> bytes:
        """Embed a signed manifest with the label.

        Args:
            data: the encoded picture.
            form: of the picture and of its parent.
            label: what is said.
            parent: the photo that was altered; b"" for what was made from nothing.

        Raises:
            ValueError: it cannot be signed.
        """
        import c2pa

        algorithm = getattr(c2pa.C2paSigningAlg, self.algorithm)
        info = c2pa.C2paSignerInfo(alg=algorithm, sign_cert=self.chain, private_key=self.key, ta_url=None)
        out, mime = io.BytesIO(), MIME[form]
        try:
            with (
                c2pa.Context.from_dict(_OFFLINE) as context,
                c2pa.Builder(_manifest(label, has_parent=bool(parent)), context=context) as builder,
            ):
                if parent:
                    ingredient = {"title": "the photo", "relationship": "parentOf", "instance_id": PARENT}
                    builder.add_ingredient(ingredient, mime, io.BytesIO(parent))
                builder.sign(c2pa.Signer.from_info(info), mime, io.BytesIO(data), out)
        except c2pa.C2paError as error:
            raise ValueError(f"cannot sign: {' '.join(str(error).split())}") from error
        return out.getvalue()

    def _try(self, certificate: Path) -> None:
        import c2pa

        label = Label("none", "made", "algorithmicMedia", 0, "a trial")
        try:
            data = self.sign(encode(np.zeros((64, 64, 3), np.uint8), "png", label), "png", label)
            with c2pa.Context.from_dict(_OFFLINE) as context:
                reader = c2pa.Reader(MIME["png"], io.BytesIO(data), context=context)
                checks: Any = json.loads(reader.json()).get("validation_results", {}).get("activeManifest", {})
        except (ValueError, c2pa.C2paError) as error:
            raise ValueError(f"{certificate} and its key: {error}") from error
        if "claimSignature.validated" not in [check["code"] for check in checks.get("success", ())]:
            codes = ", ".join(check["code"] for check in checks.get("failure", ()))
            raise ValueError(f"the key does not fit the certificate {certificate} ({codes})")


def _manifest(label: Label, *, has_parent: bool) -> dict[str, Any]:
    name, _, release = software().partition(" ")
    said = {"softwareAgent": {"name": name, "version": release}, "description": label.description}
    step = {"digitalSourceType": label.source_type_url, **said}
    if label.action == "made":
        actions = [{"action": "c2pa.created", **step}]
    else:
        opened = [{"action": "c2pa.opened", "parameters": {"ingredientIds": [PARENT]}}] if has_parent else []
        actions = [*opened, {"action": "c2pa.transcoded" if label.action == "washed" else "c2pa.edited", **step}]
    return {
        "claim_generator_info": [{"name": name, "version": release or "0"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }


def _algorithm(key: bytes, path: Path) -> str:
    blocks = re.findall(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----(.*?)-----END", key, re.DOTALL)
    if not blocks:
        raise ValueError(f"{path} holds no PEM private key")
    kind, body = blocks[0]
    if b"ENCRYPTED" in kind or b"ENCRYPTED" in body:
        raise ValueError(f"{path} is encrypted; give a key without a password")
    try:
        der = base64.b64decode(body)
    except binascii.Error as error:
        raise ValueError(f"{path} is no PEM private key: {error}") from error
    if kind != b"PRIVATE KEY":
        convert = f"openssl pkcs8 -topk8 -nocrypt -in {path.name} -out new.pem"
        raise ValueError(
            f"{path} is in an older form ({kind.decode()}); `{convert}` writes it in that of today, PKCS #8"
        )
    found = next((name for name, mark in _ALGORITHMS.items() if mark in der), None)
    if found is None:
        raise ValueError(f"{path} is of a kind that C2PA does not sign with; it takes {_KINDS}")
    return found
