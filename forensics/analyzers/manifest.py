"""C2PA manifest stores read offline into plain values: who signed, which checks held, what is said. Provenance trace.

Nothing is fetched: no remote manifest, no revocation list (C2PA Technical Specification 2.1, chapters 14 and 15).
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from forensics.media import Media

MIME = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif", "tiff": "image/tiff"}
MIME |= {"heic": "image/heic", "avif": "image/avif", "mp4": "video/mp4", "mov": "video/quicktime", "avi": "video/avi"}

CONTENT_CHECKS = ("dataHash", "bmffHash", "boxesHash", "collectionHash")
_MANIFEST_CODES = ("claimSignature.mismatch", "assertion.hashedURI.mismatch", "assertion.missing", "claim.missing")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]{1,20000}-----END CERTIFICATE-----")
_MAX_PARENTS = 16


@dataclass(frozen=True)
class Action:
    """One step in the life of a file, as its signer tells it.

    Attributes:
        name: c2pa.created, c2pa.edited, ...
        software: program that did it, "" if not stated.
        source_type: last part of the IPTC digital source type, "" if not stated.
        description: free text, "" if there is none.
    """

    name: str
    software: str = ""
    source_type: str = ""
    description: str = ""


@dataclass(frozen=True)
class Manifest:
    """The active manifest of a file.

    Attributes:
        failures, successes: codes of its checks, as the specification spells them.
        ingredient_failures: codes that failed for its ingredients.
        signer, time, generator: as stated, "" if not.
        actions: steps in order.
        inherited: steps of the files it was made from (ingredients in the role of a parent, and theirs).
        ingredients: (title, role).
    """

    failures: tuple[str, ...]
    successes: tuple[str, ...]
    ingredient_failures: tuple[str, ...] = ()
    signer: str = ""
    time: str = ""
    generator: str = ""
    actions: tuple[Action, ...] = ()
    inherited: tuple[Action, ...] = ()
    ingredients: tuple[tuple[str, str], ...] = ()

    @property
    def content_changed(self) -> bool:
        """Whether pictures, sound or the bytes around them differ from what was signed."""
        return _ends(self.failures, (f"{check}.mismatch" for check in CONTENT_CHECKS))

    @property
    def statements_changed(self) -> bool:
        """Whether the signed statements differ from what was signed."""
        return _ends(self.failures, _MANIFEST_CODES)

    @property
    def standing(self) -> str:
        """How far it can be relied on: trusted, unknown (a signer nobody vouches for), unchecked or broken.

        Trust needs each check to have held: a check that could not be made reports no failure.
        """
        if self.content_changed or self.statements_changed:
            return "broken"
        signed = "claimSignature.validated" in self.successes
        bound = _ends(self.successes, (f"{check}.match" for check in CONTENT_CHECKS))
        if not signed or not bound:
            return "unchecked"
        vouched = "signingCredential.trusted" in self.successes
        return "trusted" if vouched and not _starts(self.failures, "signingCredential.") else "unknown"


def read_manifest(media: Media, context: Any) -> Manifest:
    """Read and check the active manifest of a file.

    Args:
        context: from `offline_context`.

    Raises:
        c2pa.C2paError: there is none, it lies elsewhere, or it cannot be read.
    """
    from c2pa import Reader

    with media.stream() as stream, Reader(MIME[media.format], stream, context=context) as reader:
        return parse_store(json.loads(reader.json()))


def offline_context(trust_list: Path | None) -> Any:
    """Settings of the C2PA library that fetch nothing.

    Args:
        trust_list: PEM file with the trust anchors; the shipped one if None.

    Raises:
        ValueError: a trust list was given and holds no certificate.
    """
    from c2pa import Context

    anchors = trust_anchors(trust_list or shipped_trust_list())
    if trust_list is not None and not anchors:
        raise ValueError(f"the trust list {trust_list.name} holds no PEM certificate")
    plain: dict[str, Any] = {
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
        "core": {"allowed_network_hosts": []},
    }
    if anchors:
        plain["trust"] = {"trust_anchors": "\n".join(anchors)}
    return Context.from_dict(plain)


def shipped_trust_list() -> Path:
    """The list of trust anchors that comes with this tool."""
    return Path(str(files("forensics") / "trust" / "anchors.pem"))


def trust_anchors(path: Path) -> list[str]:
    """The certificates of a PEM file, without the text around them.

    Raises:
        ValueError: the file cannot be read, or a certificate is not one.
    """
    try:
        blocks = _CERTIFICATE.findall(path.read_text(encoding="utf-8", errors="replace"))
        for block in blocks:
            if not ssl.PEM_cert_to_DER_cert(block).startswith(b"\x30"):  # an ASN.1 sequence
                raise ValueError("not ASN.1")
    except (OSError, ValueError) as error:
        raise ValueError(f"the trust list {path.name} cannot be read: {error}") from error
    return blocks


def parse_store(store: dict[str, Any]) -> Manifest:
    """The active manifest of a store in the library's JSON form."""
    manifests = store.get("manifests") or {}
    active = manifests.get(store.get("active_manifest")) or {}
    results = store.get("validation_results") or {}
    checks = results.get("activeManifest") or {}
    deltas = [d.get("validationDeltas") or {} for d in results.get("ingredientDeltas") or []]
    signature = active.get("signature_info") or {}
    names = [str(n) for n in (signature.get("common_name"), signature.get("issuer")) if n]
    generators = [str(g.get("name") or "") for g in active.get("claim_generator_info") or []]
    return Manifest(
        failures=_codes(checks, "failure"),
        successes=_codes(checks, "success"),
        ingredient_failures=tuple(code for delta in deltas for code in _codes(delta, "failure")),
        signer=", ".join(dict.fromkeys(names))[:200],
        time=str(signature.get("time") or "")[:40],
        generator=", ".join(filter(None, generators or [str(active.get("claim_generator") or "")]))[:200],
        actions=tuple(_actions(active)),
        inherited=tuple(_inherited(active, manifests)),
        ingredients=tuple(
            (str(i.get("title") or "untitled")[:120], str(i.get("relationship") or "")[:40])
            for i in (active.get("ingredients") or [])[:50]
        ),
    )


def _inherited(active: dict[str, Any], manifests: dict[str, Any]) -> Iterator[Action]:
    seen: set[str] = set()
    manifest = active
    while len(seen) < _MAX_PARENTS:
        parents = [i for i in manifest.get("ingredients") or [] if i.get("relationship") == "parentOf"]
        label = next((str(i["active_manifest"]) for i in parents if i.get("active_manifest")), "")
        if not label or label in seen or label not in manifests:
            return
        seen.add(label)
        manifest = manifests[label]
        yield from _actions(manifest)


def _actions(manifest: dict[str, Any]) -> Iterator[Action]:
    for assertion in manifest.get("assertions") or []:
        data = assertion.get("data")
        if not str(assertion.get("label", "")).startswith("c2pa.actions") or not isinstance(data, dict):
            continue
        for action in data.get("actions") or []:
            agent = action.get("softwareAgent")
            software = agent.get("name") if isinstance(agent, dict) else agent
            kind = re.split(r"[/:]", str(action.get("digitalSourceType") or "")[:300].rstrip("/"))[-1]
            yield Action(
                name=str(action.get("action") or "")[:120],
                software=str(software or "")[:120],
                source_type=kind[:120],
                description=str(action.get("description") or "")[:300],
            )


def _codes(part: dict[str, Any], kind: str) -> tuple[str, ...]:
    return tuple(str(check.get("code", ""))[:80] for check in part.get(kind) or [])


def _ends(codes: Iterable[str], endings: Iterable[str]) -> bool:
    wanted = tuple(endings)
    return any(code.endswith(wanted) for code in codes)


def _starts(codes: Iterable[str], beginning: str) -> bool:
    return any(code.startswith(beginning) for code in codes)
