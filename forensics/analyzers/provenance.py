"""C2PA manifests: who signed the file, what they say of it, and whether it was changed since. Provenance trace.

Decided by failure code, never by the one-word state: "Invalid" also covers genuine files whose certificate has expired.
Nothing is fetched: no remote manifest, no revocation list (C2PA Technical Specification 2.1, chapters 14 and 15).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from forensics.errors import MediaError
from forensics.finding import Claim, Finding, Trace
from forensics.media import Kind, Media
from forensics.settings import ScanSettings

CONTENT_CHANGED_LLR = 2.0
"""Assigned: a signed hash that no longer fits is certain; what is not is that the change was meant to mislead."""
MANIFEST_CHANGED_LLR = 1.5
"""Assigned: statements about the file were altered after signing; the pictures may be as they were."""
DECLARED_LLR = {"trusted": 3.0, "unknown": 2.0, "broken": 1.5}
"""Assigned, capped: nobody gains by signing a camera picture as AI-made, but keys get stolen and anybody can sign."""
CAPTURE_LLR = -1.5
"""Assigned, capped: a trusted signer says it is a capture; scenes can be staged and screens photographed."""

_CONTENT_CODES = ("dataHash.mismatch", "bmffHash.mismatch", "boxesHash.mismatch", "collectionHash.mismatch")
_MANIFEST_CODES = ("claimSignature.mismatch", "assertion.hashedURI.mismatch", "assertion.missing", "claim.missing")
_TRUST_CODES = {
    "signingCredential.untrusted": "the signer is on no trust list that was given",
    "signingCredential.expired": "the signer's certificate had expired",
    "signingCredential.invalid": "the signer's certificate is not fit for signing",
    "signingCredential.ocsp.revoked": "the signer's certificate was revoked",
    "timeStamp.mismatch": "the time stamp does not fit",
    "timeStamp.untrusted": "the time stamp's signer is not trusted",
}
_SYNTHETIC = ("trainedAlgorithmicMedia", "algorithmicMedia")
_COMPOSITE = ("compositeWithTrainedAlgorithmicMedia", "compositeSynthetic")
_CAPTURE = ("digitalCapture", "computationalCapture")
_MIME = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif", "tiff": "image/tiff"}
_MIME |= {"heic": "image/heic", "avif": "image/avif", "mp4": "video/mp4", "mov": "video/quicktime", "avi": "video/avi"}


@dataclass(frozen=True)
class Manifest:
    """The active manifest in plain values.

    Attributes:
        failures: failure codes of the active manifest.
        ingredient_failures: those of its ingredients.
        signer, time, generator: as stated, "" if not.
        actions: (action, software, source type) in order.
        ingredients: titles.
    """

    failures: tuple[str, ...]
    ingredient_failures: tuple[str, ...]
    signer: str
    time: str
    generator: str
    actions: tuple[tuple[str, str, str], ...]
    ingredients: tuple[str, ...]

    def has(self, codes: Iterable[str]) -> bool:
        """Whether a failure ends in one of the codes."""
        return any(failure.endswith(code) for failure in self.failures for code in codes)

    @property
    def changed(self) -> bool:
        """Whether content or manifest was changed after signing."""
        return self.has(_CONTENT_CODES) or self.has(_MANIFEST_CODES)

    @property
    def standing(self) -> str:
        """How far the signature can be relied on: trusted, unknown or broken."""
        if self.changed:
            return "broken"
        return "unknown" if any(f.startswith("signingCredential") for f in self.failures) else "trusted"

    def source_type(self, codes: Iterable[str]) -> str:
        """The first stated digital source type among the codes, "" if there is none."""
        wanted = set(codes)
        return next((kind for _, _, kind in self.actions if kind in wanted), "")


class Provenance:
    """Checks C2PA manifests offline."""

    name: ClassVar[str] = "provenance"
    trace: ClassVar[Trace] = Trace.PROVENANCE
    title: ClassVar[str] = "C2PA provenance"
    about: ClassVar[str] = (
        "Signed statements on where a file comes from, checked against a trust list you can replace. Most files carry "
        "none, and that is no information."
    )

    def __init__(self, settings: ScanSettings) -> None:
        self.settings = settings

    def skip_reason(self, media: Media) -> str | None:
        """A quick look for the mark of a manifest, before the library is loaded."""
        if media.format not in _MIME:
            return f"C2PA manifests in {media.format.upper()} files are not read"
        if not _has_mark(media):
            return "it carries no C2PA manifest, which is no information either way"
        return None

    def examine(self, media: Media) -> Iterable[Finding]:
        """What the manifest says, and whether it holds."""
        from c2pa import C2paError, Reader

        try:
            with media.stream() as stream, Reader(_MIME[media.format], stream, context=self._context) as reader:
                manifest = _read(json.loads(reader.json()), reader.get_validation_results() or {})
        except C2paError as error:
            yield from self._unreadable(str(error))
            return
        yield from self._findings(manifest)

    def _findings(self, manifest: Manifest) -> Iterator[Finding]:
        details = _details(manifest)
        if manifest.changed:
            content = manifest.has(_CONTENT_CODES)
            what = "The content was changed" if content else "The signed statements about the file were changed"
            yield Finding(
                self.name,
                self.trace,
                f"{what} after {manifest.signer or 'somebody'} had signed it (C2PA).",
                llr=CONTENT_CHANGED_LLR if content else MANIFEST_CHANGED_LLR,
                claim=Claim.MANIPULATED,
                explanation="The signed hash does not fit any more. A program that re-encodes the file but keeps the "
                "manifest does this as well.",
                details=details,
            )
        yield self._statement(manifest, details)

    def _statement(self, manifest: Manifest, details: tuple[tuple[str, str], ...]) -> Finding:
        signer, standing = manifest.signer or "an unnamed signer", manifest.standing
        how = {"trusted": "and the signature holds", "unknown": "the signature holds, but the signer is not known"}
        how["broken"] = "but the signature is broken"
        synthetic, composite = manifest.source_type(_SYNTHETIC), manifest.source_type(_COMPOSITE)
        llr: float | None = None
        claim: Claim | None = None
        if synthetic or composite:
            said = (
                f"says it was made by AI ({synthetic})" if synthetic else f"says parts of it are AI-made ({composite})"
            )
            llr, claim = DECLARED_LLR[standing], Claim.SYNTHETIC if synthetic else Claim.MANIPULATED
        elif manifest.source_type(_CAPTURE):
            said = f"says it was captured by a camera ({manifest.source_type(_CAPTURE)})"
            llr = CAPTURE_LLR if standing == "trusted" else None
        else:
            said = f"lists {len(manifest.actions)} actions, none of which tells AI from a camera"
        return Finding(
            self.name,
            self.trace,
            f"The C2PA manifest, signed by {signer}, {said}; {how[standing]}.",
            llr=llr,
            claim=claim,
            explanation="A signature shows who vouches for the file and that it has not changed since; it does not "
            "show that what they say is true.",
            details=details,
        )

    def _unreadable(self, words: str) -> Iterator[Finding]:
        words = " ".join(words.split())[:300]
        if "ManifestNotFound" in words:
            summary = "It carries no C2PA manifest, which is no information either way."
        elif "remote" in words.lower():
            summary = "The C2PA manifest lies on a server; it was not fetched, because nothing is."
        else:
            summary = "The C2PA data in the file is broken and could not be read."
        yield Finding(self.name, self.trace, summary, details=(("library", words),))

    @cached_property
    def _context(self) -> Any:
        from c2pa import Context, Settings

        settings: dict[str, Any] = {
            "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
        }
        if self.settings.trust_list is not None:
            try:
                anchors = self.settings.trust_list.read_text(encoding="ascii")
            except (OSError, UnicodeDecodeError) as error:
                raise MediaError("unreadable", f"the trust list {self.settings.trust_list} cannot be read") from error
            settings["trust"] = {"trust_anchors": anchors}
        return Context(Settings.from_dict(settings))


def _has_mark(media: Media) -> bool:
    """Whether the bytes hold a JUMBF label or a link to a remote manifest."""
    marks = (b"c2pa", b"dcterms:provenance")
    if media.kind is Kind.IMAGE:
        return any(mark in media.data for mark in marks)
    with media.stream() as stream:
        # In videos the manifest is a box before or after the sound and pictures, within reach of either end.
        head = stream.read(1 << 22)
        stream.seek(max(0, media.size_bytes - (1 << 20)), io.SEEK_SET)
        return any(mark in part for part in (head, stream.read(1 << 20)) for mark in marks)


def _read(store: dict[str, Any], results: dict[str, Any]) -> Manifest:
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    signature = active.get("signature_info") or {}
    names = [n for n in (signature.get("common_name"), signature.get("issuer")) if n]
    generators = [g.get("name", "") for g in active.get("claim_generator_info") or []]
    deltas = [d.get("validationDeltas", {}) for d in results.get("ingredientDeltas") or []]
    return Manifest(
        failures=_codes(results.get("activeManifest") or {}),
        ingredient_failures=tuple(code for delta in deltas for code in _codes(delta)),
        signer=", ".join(dict.fromkeys(names))[:200],
        time=str(signature.get("time") or "")[:40],
        generator=", ".join(filter(None, generators or [str(active.get("claim_generator") or "")]))[:200],
        actions=tuple(_actions(active)),
        ingredients=tuple(str(i.get("title") or "untitled")[:120] for i in (active.get("ingredients") or [])[:50]),
    )


def _codes(part: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(failure.get("code", "")) for failure in part.get("failure") or [])


def _actions(manifest: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for assertion in manifest.get("assertions") or []:
        if not str(assertion.get("label", "")).startswith("c2pa.actions"):
            continue
        for action in (assertion.get("data") or {}).get("actions") or []:
            agent = action.get("softwareAgent")
            name = agent.get("name", "") if isinstance(agent, dict) else str(agent or "")
            kind = str(action.get("digitalSourceType") or "").rstrip("/").rpartition("/")[2]
            yield str(action.get("action", ""))[:80], name[:80], kind[:80]


def _details(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    rows = [("signed by", manifest.signer), ("time", manifest.time), ("written by", manifest.generator)]
    rows += [
        ("action", " - ".join(filter(None, (action.removeprefix("c2pa."), software, kind))))
        for action, software, kind in manifest.actions[:50]
    ]
    rows += [("ingredient", title) for title in manifest.ingredients]
    words = {code: text for code, text in _TRUST_CODES.items() if manifest.has((code,))}
    rows += [("trust", text) for text in words.values()]
    rows += [("failed check", code) for code in manifest.failures if code not in words]
    rows += [("failed check of an ingredient", code) for code in dict.fromkeys(manifest.ingredient_failures)]
    return tuple((label, text) for label, text in rows if text)
