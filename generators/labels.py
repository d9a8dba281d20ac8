"""Labels that machines read: every fake that is written says so in its metadata (XMP, PNG text, JPEG comment).

Source: IPTC Photo Metadata Standard 2023.1, Digital Source Type, and its NewsCodes of that name.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal
from xml.sax.saxutils import escape

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generators.base import Family, Generator
from generators.images import Pixels

Form = Literal["png", "jpeg"]

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"

TOOL = "unforged"
"""What the program calls itself in files; its release follows."""

A_WASHED = "Washed by the unforged generator "
A_FAKE = ("Made by the unforged generator ", "Altered by the unforged generator ")
A_COPY = "Copy of the photo "
"""Beginnings of descriptions: of washed photos, of fakes, and of photos that are saved as their fakes are."""

A_SHEET = "a sheet of several"
"""Recipe of many fakes in one picture."""

JPEG_QUALITY = 95

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
<xmp:CreatorTool>{software}</xmp:CreatorTool>
<Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{description}</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True)
class Label:
    """What a file says of itself.

    Attributes:
        generator: written name.
        action: what the generator did: "made" it from nothing, "altered" a photo, or "washed" one, which is no fake.
        source_type: last part of the IPTC digital source type.
        seed: of this fake.
        recipe: what was done.
    """

    generator: str
    action: Literal["made", "altered", "washed"]
    source_type: str
    seed: int
    recipe: str

    @property
    def source_type_url(self) -> str:
        """The whole IPTC term."""
        return SOURCE_TYPES + self.source_type

    @property
    def description(self) -> str:
        """One sentence for people; our own scanner knows it by its beginning."""
        return f"{self.action.capitalize()} by the unforged generator {self.generator}, seed {self.seed}: {self.recipe}"


def label(generator: Generator, *, seed: int, recipe: str) -> Label:
    """The label of one fake.

    Args:
        generator: that made it; whether it was trained, its card tells.
        seed: of this fake alone.
        recipe: as in the batch.
    """
    washed = generator.family is Family.LAUNDERING
    action: Literal["made", "altered", "washed"] = "altered" if generator.needs_sources else "made"
    return Label(generator.name, "washed" if washed else action, _source_type(generator), seed, recipe)


def _source_type(generator: Generator) -> str:
    """The IPTC term that fits; the two with "trained" are those that readers take for AI."""
    trained = generator.card is not None
    if not generator.needs_sources:
        return "trainedAlgorithmicMedia" if trained else "algorithmicMedia"
    if trained:
        return "compositeWithTrainedAlgorithmicMedia"
    return "algorithmicallyEnhanced" if generator.family is Family.LAUNDERING else "compositeCapture"


def software() -> str:
    """Name and release of this tool, as files name the program that wrote them."""
    try:
        return f"{TOOL} {version('unforged')}"
    except PackageNotFoundError:
        return TOOL


def drawn_texts(said: str) -> dict[str, str]:
    """PNG text of what this tool draws: a picture that says so is taken for no photo by it later."""
    return {"Software": software(), "Description": said}


def encode(pixels: Pixels, form: Form, said: Label | str) -> bytes:
    """A picture as a file that says what it is.

    Args:
        pixels: (H, W, 3) uint8, or (H, W) for a mask.
        form: "png" keeps every pixel, "jpeg" does not (quality 95).
        said: the label of a fake, or a sentence for what is none, such as a mask.
    """
    out, image = io.BytesIO(), Image.fromarray(pixels)
    description = said if isinstance(said, str) else said.description
    if form == "jpeg":
        told = {"xmp": xmp(said)} if isinstance(said, Label) else {}
        image.save(out, "JPEG", quality=JPEG_QUALITY, comment=description.encode(), **told)
        return out.getvalue()
    info = PngInfo()
    for key, text in {**drawn_texts(description), **_texts(said)}.items():
        info.add_text(key, text)
    if isinstance(said, Label):
        info.add_itxt("XML:com.adobe.xmp", xmp(said).decode())
    image.save(out, "PNG", pnginfo=info)
    return out.getvalue()


def xmp(said: Label) -> bytes:
    """The label as an XMP packet (ISO 16684-1)."""
    values = {"software": software(), "source_type": said.source_type_url, "description": said.description}
    return _XMP.format(**{key: escape(value) for key, value in values.items()}).encode()


def _texts(said: Label | str) -> dict[str, str]:
    if isinstance(said, str):
        return {}
    return {"Generator": said.generator, "Seed": str(said.seed), "Recipe": said.recipe}
