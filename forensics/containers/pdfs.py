"""PDF documents (ISO 32000-1), by pypdf: embedded pictures and attached files, also those that no page shows.

A picture that was put in as JPEG comes out byte for byte, with its tables and its metadata. Others are stored as bare
samples: they become a PNG, which has no history of its own.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from forensics.containers.account import PART
from forensics.containers.unpacking import Level
from forensics.errors import MediaError
from forensics.media.sniff import HEAD_BYTES, sniff

MAX_SAMPLES_PX = 100_000_000
"""Of a picture that is stored as samples: decoding takes four bytes a pixel or so."""


@dataclass
class _Found:
    """Streams of a document, by object number."""

    pictures: dict[int, Any] = field(default_factory=dict)
    attached: dict[int, Any] = field(default_factory=dict)
    masks: set[int] = field(default_factory=set)
    names: dict[int, str] = field(default_factory=dict)
    n_broken: int = 0


def read_pdf(file: BinaryIO, level: Level) -> None:
    """Hand over the pictures and attachments of a document.

    Raises:
        MediaError: encrypted or broken.
    """
    import pypdf

    # It warns of every oddity of a broken file.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(file)
        if reader.is_encrypted and not reader.decrypt(""):
            raise MediaError("encrypted", "the PDF document is encrypted: nothing in it could be looked at")
    except pypdf.errors.DependencyError as error:
        words = "the PDF document is encrypted by AES, which needs: pip install 'unforged[archives]'"
        raise MediaError("encrypted", words) from error
    found, share = _streams(reader), level.parted()
    level.show_hidden()
    for number, stream in sorted(found.attached.items()):
        if share.is_whole or share.holds(_mark(number, stream)):
            _take(found.names.get(number, f"object-{number}"), stream, level, is_picture=False)
        else:
            level.pass_by()
    for number, stream in sorted(found.pictures.items()):
        if not share.is_whole and not share.holds(_mark(number, stream)):
            level.pass_by()
        elif number in found.masks or stream.get("/ImageMask"):
            level.leave_out(f"object-{number}", PART)
        else:
            _take(f"object-{number}", stream, level, is_picture=True)
    if found.n_broken:
        raise MediaError("broken", f"{found.n_broken} objects of the PDF document are broken and were left out")


def _streams(reader: Any) -> _Found:
    from pypdf.generic import DictionaryObject, IndirectObject, StreamObject

    found = _Found()
    numbers = {(number, generation) for generation, offsets in reader.xref.items() for number in offsets}
    for number, generation in sorted(numbers | {(number, 0) for number in reader.xref_objStm}):
        try:
            thing = reader.get_object(IndirectObject(number, generation, reader))
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - pypdf raises anything at hostile bytes; the document says how many
            found.n_broken += number != 0
            continue
        if not isinstance(thing, DictionaryObject):
            continue
        for key in ("/SMask", "/Mask"):
            if isinstance(mask := thing.raw_get(key) if key in thing else None, IndirectObject):
                found.masks.add(mask.idnum)
        if isinstance(files := thing.get("/EF"), DictionaryObject):
            for held in files.values():
                if isinstance(held, IndirectObject):
                    found.names[held.idnum] = str(thing.get("/UF") or thing.get("/F") or f"object-{held.idnum}")
        if isinstance(thing, StreamObject):
            if thing.get("/Subtype") == "/Image":
                found.pictures[number] = thing
            elif thing.get("/Type") == "/EmbeddedFile":
                found.attached[number] = thing
    return found


def _mark(number: int, stream: Any) -> bytes:
    """What copies have in common; of a stream that cannot be unpacked, its number."""
    try:
        return bytes(stream.get_data())
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - pypdf and its filters raise anything at hostile bytes
        return b"%d" % number


def _take(name: str, stream: Any, level: Level, *, is_picture: bool) -> None:
    try:
        data = stream.get_data()
        if is_picture:
            name, data = _file(name, data, stream)
        taken = io.BytesIO(data)
    except MediaError as error:
        level.refuse(name, error.code, str(error))
        return
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - pypdf and its filters raise anything at hostile bytes
        why = " ".join(str(error).split())[:200] or "its data is damaged"
        level.refuse(name, "broken", f"it cannot be unpacked: {why}")
        return
    level.add(name, taken)


def _file(name: str, data: bytes, stream: Any) -> tuple[str, bytes]:
    """Name and bytes of a file that holds the picture."""
    try:
        return f"{name}.{sniff(data[:HEAD_BYTES])}", data
    except MediaError as error:
        if error.code == "unsupported" and _last_filter(stream) == "/JPXDecode":
            raise
    width, height = int(stream.get("/Width", 0)), int(stream.get("/Height", 0))
    if width * height > MAX_SAMPLES_PX:
        words = f"the PDF document claims a picture of {width:,} x {height:,} pixels; the limit is 100 million"
        raise MediaError("too-many-pixels", words)
    image = stream.decode_as_image()
    if image is None:
        raise MediaError("unsupported", "the picture is stored in a way that is unknown here")
    out = io.BytesIO()
    image.save(out, "PNG") if image.mode != "CMYK" else image.convert("RGB").save(out, "PNG")
    return f"{name}.png", out.getvalue()


def _last_filter(stream: Any) -> str:
    filters = stream.get("/Filter") or ""
    return str(filters[-1] if isinstance(filters, list) and filters else filters)
