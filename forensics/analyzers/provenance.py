"""C2PA manifests: who signed the file, what they say of it, and whether it was changed since. Provenance trace.

Decided by the code of each check, never by the one-word state: "Invalid" also covers genuine files whose certificate
has expired (C2PA Technical Specification 2.1, chapter 15).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any, ClassVar

from forensics.analyzers.manifest import MIME, Action, Manifest, offline_context, read_manifest
from forensics.analyzers.metadata import GENERATOR_LLR
from forensics.analyzers.tags import signatures
from forensics.analyzers.tags.fields import Field, Tags
from forensics.finding import Claim, Finding, SaidBy, Trace
from forensics.media import Kind, Media
from forensics.settings import ScanSettings

CONTENT_CHANGED_LLR = 2.0
"""Assigned: a signed hash that no longer fits is certain; what is not is that the change was meant to mislead."""
STATEMENTS_CHANGED_LLR = 1.5
"""Assigned: statements about the file were altered after signing; the pictures may be as they were."""
DECLARED_LLR = {"trusted": 3.0, "unknown": GENERATOR_LLR, "unchecked": 1.5, "broken": 1.5}
"""Assigned, capped: makers gain nothing by signing a camera picture as AI-made, but keys get stolen. A stranger's word
is worth what a tag is, no less: anybody can sign, and to do so takes more than to write a tag. Of 2,530 training photos
none carries a signed word on AI, of 1,487 fakes 89 do, 21 of them with a signature that no longer fits."""
CAPTURE_LLR = -1.5
"""Assigned, capped: a trusted signer says it is a capture; scenes can be staged and screens photographed."""

_TRUST_CODES = {
    "signingCredential.untrusted": "the signer is on no trust list that was given",
    "signingCredential.expired": "the signer's certificate had expired",
    "signingCredential.invalid": "the signer's certificate is not fit for signing",
    "signingCredential.ocsp.revoked": "the signer's certificate was revoked",
    "timeStamp.mismatch": "the time stamp does not fit",
    "timeStamp.untrusted": "the time stamp's signer is not trusted",
}
_SYNTHETIC = {"trainedAlgorithmicMedia": "made by AI", "algorithmicMedia": "drawn by an algorithm"}
_COMPOSITE = ("compositeWithTrainedAlgorithmicMedia", "compositeSynthetic")
_CAPTURE = ("digitalCapture", "computationalCapture")
_BEGINNINGS = ("c2pa.created", "c2pa.opened")
_KEEPS_THE_PICTURE = (
    "c2pa.created",
    "c2pa.converted",
    "c2pa.edited.metadata",
    "c2pa.orientation",
    "c2pa.published",
    "c2pa.repackaged",
    "c2pa.transcoded",
)
"""Actions of the specification (18.14) that leave a picture what it was."""
_HOW = {
    "trusted": "the signature holds and the signer is on the trust list",
    "unknown": "the signature holds, but nobody vouches for the signer",
    "unchecked": "but the signature could not be checked in full",
    "broken": "but the signature no longer fits",
}
_ADDRESS = re.compile(r"https?://\S{1,500}")


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
        if media.format not in MIME:
            return f"C2PA manifests in {media.format.upper()} files are not read"
        if not _has_mark(media):
            return "it carries no C2PA manifest, which is no information either way"
        return None

    def examine(self, media: Media) -> Iterable[Finding]:
        """What the manifest says, and whether it holds."""
        from c2pa import C2paError

        try:
            manifest = read_manifest(media, self._context)
        except C2paError as error:
            yield self._unreadable(str(error))
            return
        details = _details(manifest)
        cut_off = manifest.content_changed and not manifest.statements_changed and _is_cut_off(media)
        if cut_off:
            yield self._cut_off(manifest, details)
        elif manifest.content_changed or manifest.statements_changed:
            yield self._changed(manifest, details)
        yield self._statement(manifest, details, "unchecked" if cut_off else manifest.standing)

    def _cut_off(self, manifest: Manifest, details: tuple[tuple[str, str], ...]) -> Finding:
        return Finding(
            self.name,
            self.trace,
            f"The file is cut off, so what {manifest.signer or 'somebody'} signed cannot be checked (C2PA).",
            explanation="A broken download does this; get the whole file.",
            details=details,
        )

    def _changed(self, manifest: Manifest, details: tuple[tuple[str, str], ...]) -> Finding:
        signer = manifest.signer or "somebody"
        content = manifest.content_changed
        what = "The content was changed" if content else "The signed statements about the file were changed"
        return Finding(
            self.name,
            self.trace,
            f"{what} after {signer} had signed it (C2PA).",
            llr=CONTENT_CHANGED_LLR if content else STATEMENTS_CHANGED_LLR,
            claim=Claim.MANIPULATED,
            explanation="The signed hash does not fit any more. A program that re-encodes the file or adds a caption "
            "but keeps the manifest does this as well.",
            details=details,
        )

    def _statement(self, manifest: Manifest, details: tuple[tuple[str, str], ...], standing: str) -> Finding:
        said, llr, claim, said_by = _judge(manifest, standing)
        signer = manifest.signer or "an unnamed signer"
        return Finding(
            self.name,
            self.trace,
            f"The C2PA manifest, signed by {signer}, {said}; {_HOW[standing]}.",
            llr=llr,
            claim=claim,
            explanation="A signature shows who vouches for the file and that it has not changed since; it does not "
            "show that what they say is true. Anybody can make a key and sign under any name.",
            details=details,
            said_by=said_by,
        )

    def _unreadable(self, words: str) -> Finding:
        words = " ".join(words.split())[:600]
        rows: tuple[tuple[str, str], ...] = (("library", words[:300]),)
        if "ManifestNotFound" in words:
            summary = "It carries no C2PA manifest, which is no information either way."
        elif "remote manifest" in words.lower():
            summary = "The C2PA manifest lies on a server; it was not fetched, because nothing is."
            rows += tuple(("address", address) for address in _ADDRESS.findall(words))
        else:
            summary = "The C2PA data in the file is broken and could not be read."
        return Finding(self.name, self.trace, summary, details=rows)

    @cached_property
    def _context(self) -> Any:
        return offline_context(self.settings.trust_list)


def _judge(manifest: Manifest, standing: str) -> tuple[str, float | None, Claim | None, SaidBy]:
    """What is said, in words, with its ratio and claim, and who stands behind it."""
    declared, said_by = DECLARED_LLR[standing], SaidBy.TRUSTED if standing == "trusted" else SaidBy.ANYBODY
    own, parents = _declared(manifest.actions), _declared(manifest.inherited)
    if own is not None:
        return f"says {own[0]}", declared, own[1], said_by
    if parents is not None:
        # The library lists what changed since a parent was taken in: one never trusted looks like one always trusted.
        llr = min(declared, DECLARED_LLR["unknown"])
        return f"says it was made from a file of which is said: {parents[0]}", llr, parents[1], SaidBy.ANYBODY
    generator = _named_generator(manifest)
    if generator:
        return f"says it was made with {generator}", declared, Claim.SYNTHETIC, said_by
    captures = [a for a in manifest.actions if a.source_type in _CAPTURE]
    if not captures:
        one = len(manifest.actions) == 1
        listed = "1 action, which does not tell" if one else f"{len(manifest.actions)} actions, none of which tells"
        return f"lists {listed} AI from a camera", None, None, said_by
    said = f"says it was captured by a camera ({captures[0].source_type})"
    edits = [a.name.removeprefix("c2pa.") for a in manifest.actions if a.name not in _KEEPS_THE_PICTURE]
    if edits:
        return f"{said} and edited afterwards ({', '.join(dict.fromkeys(edits))[:200]})", None, None, said_by
    clear = standing == "trusted" and not manifest.failures and not manifest.ingredients
    return said, CAPTURE_LLR if clear else None, None, said_by


def _declared(actions: Iterable[Action]) -> tuple[str, Claim] | None:
    """The strongest word on artificial origin among the steps; None if there is none."""
    found = list(actions)
    whole = next((a.source_type for a in found if a.source_type in _SYNTHETIC and a.name in _BEGINNINGS), "")
    if whole:
        return f"it was {_SYNTHETIC[whole]} ({whole})", Claim.SYNTHETIC
    # An editor's fill carries the source type of the fill: the rest of the picture is not said to be made by AI.
    part = next((a.source_type for a in found if a.source_type in (*_COMPOSITE, "trainedAlgorithmicMedia")), "")
    return (f"parts of it are AI-made ({part})", Claim.MANIPULATED) if part else None


def _named_generator(manifest: Manifest) -> str:
    """Generators that sign without a source type are known by the name of their program or their description."""
    made = [a for a in manifest.actions if a.name == "c2pa.created"]
    fields = [Field("C2PA", "software", text) for text in (manifest.generator, *(a.software for a in made))]
    fields += [Field("C2PA", "title", a.description) for a in made]
    matches = signatures.find(Tags(tuple(fields), b"", ()))
    return matches[0].tool if matches else ""


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


def _is_cut_off(media: Media) -> bool:
    """Whether the last top-level box of an ISO media file (ISO 14496-12, 4.2) reaches beyond the end of the file."""
    if media.format not in ("mp4", "mov"):
        return False
    at = 0
    with media.stream() as stream:
        for _ in range(100_000):
            stream.seek(at)
            head = stream.read(16)
            if len(head) < 8:
                return False
            size = int.from_bytes(head[:4], "big")
            size = int.from_bytes(head[8:16], "big") if size == 1 else size
            if size < 8:  # 0: up to the end of the file
                return False
            at += size
            if at > media.size_bytes:
                return True
    return False


def _details(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    rows = [("signed by", manifest.signer), ("time", manifest.time), ("written by", manifest.generator)]
    rows += [("action", _in_words(action)) for action in manifest.actions[:50]]
    rows += [("action of a parent", _in_words(action)) for action in manifest.inherited[:50]]
    rows += [(f"ingredient {role}".strip(), title) for title, role in manifest.ingredients]
    words = {code: text for code, text in _TRUST_CODES.items() if code in manifest.failures}
    rows += [("trust", text) for text in words.values()]
    # The content and the place it lies in fail apart, under one code.
    rows += [("failed check", code) for code in list(dict.fromkeys(manifest.failures))[:50] if code not in words]
    rows += [("failed check of an ingredient", code) for code in list(dict.fromkeys(manifest.ingredient_failures))[:50]]
    return tuple((label, text) for label, text in rows if text)


def _in_words(action: Action) -> str:
    parts = (action.name.removeprefix("c2pa."), action.software, action.source_type, action.description)
    return " - ".join(filter(None, parts))
