"""Metadata: what a file says about itself (EXIF, XMP, IPTC, PNG text, comments, video tags). Provenance trace.

Anybody can add or remove text, so a generator's tag is strong but capped evidence, and its absence is none.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forensics.analyzers import hidden_pixels
from forensics.analyzers.tags import contradictions, signatures
from forensics.analyzers.tags.fields import Field, Tags, read_tags
from forensics.finding import Claim, Finding, SaidBy, Trace
from forensics.hostile_text import clipped
from forensics.media import Kind, Media
from forensics.settings import ScanSettings

GENERATOR_LLR = 2.5
"""Assigned, not fitted: of 2,388 photos of 54 training sources none carries such a tag, so what bounds the ratio is the
chance that somebody planted it, taken as 1 in 300."""
MAX_SHOWN = 2000
MAX_ROWS = 60

_EDITORS: tuple[str, ...] = (
    "photoshop",
    "gimp",
    "lightroom",
    "affinity",
    "pixelmator",
    "snapseed",
    "facetune",
    "picsart",
    "canva",
)
_EDITORS += ("meitu", "capcut", "faceapp", "paint.net", "luminar", "capture one", "darktable", "imagemagick", "lavc")
_SOFTWARE = ("Software", "CreatorTool", "ProcessingSoftware", "OriginatingProgram", "encoder")


class Metadata:
    """Reads generator tags, editors, edit history and contradictions, and looks under transparent pixels."""

    name: ClassVar[str] = "metadata"
    trace: ClassVar[Trace] = Trace.PROVENANCE
    title: ClassVar[str] = "Metadata"
    about: ClassVar[str] = (
        "Text that the file carries: generator tags, cameras, editors, edit history, and statements that contradict "
        "each other. Anybody can change or remove it. And pictures under transparent pixels, which nobody sees."
    )

    def __init__(self, settings: ScanSettings) -> None:
        self.settings = settings

    def skip_reason(self, media: Media) -> str | None:
        """Every image and video can carry metadata."""
        return None

    def examine(self, media: Media) -> Iterable[Finding]:
        """Generator tags, contradictions, hidden pixels, and what else is said, each as a finding."""
        tags = read_tags(media)
        yield from self._generators(media, tags)
        if media.kind is Kind.IMAGE:
            yield from self._contradictions(media, tags)
        if (hidden := hidden_pixels.find(media)) is not None:
            yield self._hidden(hidden)
        yield self._overview(tags)

    def _generators(self, media: Media, tags: Tags) -> Iterable[Finding]:
        matches = signatures.find(tags)
        hidden = _stealth(media)
        if hidden:
            tool = "a generator that hides its settings in the pixels"
            matches.append(signatures.Match(tool, Field("lowest pixel bits", hidden, hidden)))
        if not matches:
            return
        edit = all(m.edit for m in matches)
        tools = ", ".join(m.tool for m in matches)
        places = ", ".join(dict.fromkeys(f"{m.field.place} {m.field.key}" for m in matches))
        what = "edited with" if edit else "made by"
        yield Finding(
            self.name,
            self.trace,
            f"The file itself says that it was {what} {tools} (in {places}).",
            llr=GENERATOR_LLR,
            claim=Claim.MANIPULATED if edit else Claim.SYNTHETIC,
            explanation="Generators write such text; cameras do not. Anybody could have added it by hand, also to a "
            "real photo to discredit it.",
            measures={"n_generators": len(matches)},
            details=tuple((f"{m.field.place}: {m.field.key}", clipped(m.field.text, MAX_SHOWN)) for m in matches),
            said_by=SaidBy.ANYBODY,
        )

    def _contradictions(self, media: Media, tags: Tags) -> Iterable[Finding]:
        found, measures = contradictions.find(media, tags, datetime.now(UTC))
        if found:
            yield Finding(
                self.name,
                self.trace,
                "The file contradicts itself: " + "; ".join(c.what for c in found) + ".",
                explanation="Editing leaves such traces, and so do clocks never set and programs that resize or crop "
                "but keep the old entries. For the eye: it does not count.",
                measures={**measures, **{f"contradiction_{c.code}": 1.0 for c in found}},
            )

    def _hidden(self, hidden: hidden_pixels.Hidden) -> Finding:
        return Finding(
            self.name,
            self.trace,
            f"Under fully transparent pixels, {hidden.share:.0%} of the picture, lie colours that vary like a picture "
            "and that no viewer shows.",
            explanation="Everything else here was found in what viewers show, with white behind it. Programs that cut "
            "out a part leave the rest like this, and so does whoever hides something. For the eye: it does not count.",
            measures={
                "hidden_share": hidden.share,
                "hidden_contrast": hidden.contrast,
                "hidden_novelty": hidden.novelty,
            },
        )

    def _overview(self, tags: Tags) -> Finding:
        camera = " ".join(dict.fromkeys(filter(None, (_camera(tags.first(k)) for k in ("Make", "Model")))))
        software = next((f.text for f in tags.fields if f.key.rpartition("/")[2] in _SOFTWARE and f.text.strip()), "")
        history = [f for f in tags.fields if f.key.startswith("History")]
        said = [f"names the camera {camera[:80]}"] if camera else []
        if software:
            editor = any(e in software.lower() for e in _EDITORS)
            said.append(f"{'was last written by the editor' if editor else 'names the software'} {software[:80]}")
        if history:
            said.append(f"lists {sum(f.key.endswith('/action') for f in history) or len(history)} steps of editing")
        if not tags.fields:
            summary = "The file carries no metadata; platforms and messengers remove it, so this means nothing."
        elif said:
            summary = "The metadata " + ", and ".join(said) + "."
        else:
            summary = f"The file carries {len(tags.fields)} metadata entries, none of which names a camera or program."
            if len(tags.fields) == 1:
                summary = "The file carries 1 metadata entry, which names no camera or program."
        rows = tuple((f"{f.place}: {f.key}", clipped(f.text, MAX_SHOWN)) for f in tags.fields[:MAX_ROWS])
        rows += tuple(("note", note) for note in tags.notes)
        if (left := len(tags.fields) - MAX_ROWS) > 0:
            rows += (("note", "1 more entry is not shown." if left == 1 else f"{left} more entries are not shown."),)
        measures = {"n_fields": float(len(tags.fields))}
        return Finding(self.name, self.trace, summary, measures=measures, details=rows)


def _camera(text: str) -> str:
    # ComfyUI keeps its whole workflow in the field Make: a make is a word or two, not a document.
    return text.strip() if 0 < len(text.strip()) <= 60 and "{" not in text else ""


def _stealth(media: Media) -> str:
    """Hidden text needs exact pixels: lossless files only. Only the first columns are looked at."""
    if media.kind is not Kind.IMAGE or media.format != "png":
        return ""
    if media.image.has_alpha and media.image.mode == "RGBA":
        start = _rgba_start(media)
        return "" if start is None else signatures.find_stealth(start)
    return signatures.find_stealth(media.pixels)


def _rgba_start(media: Media) -> NDArray[np.uint8] | None:
    from forensics.media.images import DECODER_ERRORS
    from forensics.media.png_chunks import png_pixels_only

    try:
        with Image.open(io.BytesIO(png_pixels_only(media.data)), formats=["PNG"]) as image:
            return np.asarray(image.crop((0, 0, min(image.width, 128), image.height)), np.uint8)
    except DECODER_ERRORS:
        return None  # the text that stands in the file is read all the same
