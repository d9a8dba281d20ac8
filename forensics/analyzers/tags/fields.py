"""Every text field of a file, whatever its container, as (place, key, text). All of it is hostile and bounded."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from forensics.analyzers.tags import exif, iptc, xmp
from forensics.media import Kind, Media
from forensics.media.png_chunks import png_chunks

MAX_FIELDS = 500
MAX_KEY = 200
"""Characters kept of a name: PNG allows 79, nested XMP names are joined."""
MAX_TEXT = 1 << 18
"""Characters kept of one field: a ComfyUI workflow of 200 nodes has about 150,000."""
MAX_TEXT_TOTAL = 1 << 21
"""Characters kept of a whole file: each is searched for some twenty generators, half a second in all."""
MAX_UNPACKED = 4 << 20
"""Bytes one compressed text may unpack to; the rest is left packed."""
MAX_UNPACKED_TOTAL = 16 << 20
"""Bytes all compressed texts of a file may unpack to."""


@dataclass(frozen=True)
class Field:
    """One piece of text.

    Attributes:
        place: container part: EXIF, XMP, IPTC, PNG text, JPEG comment, GIF comment, video tag.
        key: name of the field there.
        text: content, cut to MAX_TEXT characters.
    """

    place: str
    key: str
    text: str


@dataclass(frozen=True)
class Tags:
    """All that a file says about itself.

    Attributes:
        fields: in the order found, at most MAX_FIELDS.
        thumbnail: bytes of the JPEG embedded in the EXIF block, b"" without one.
        notes: what could not be read, in plain words.
    """

    fields: tuple[Field, ...]
    thumbnail: bytes
    notes: tuple[str, ...]

    def first(self, *keys: str) -> str:
        """Text of the first field with one of the keys, "" if there is none."""
        return next((f.text for f in self.fields if f.key in keys), "")


@dataclass(frozen=True)
class Blocks:
    """Raw metadata blocks of a container."""

    exif: tuple[bytes, ...] = ()
    xmp: tuple[bytes, ...] = ()
    iptc: tuple[bytes, ...] = ()
    texts: tuple[Field, ...] = ()


def read_tags(media: Media) -> Tags:
    """Collect the text fields of a file; broken parts are noted, never raised."""
    if media.kind is Kind.VIDEO:
        return Tags(_within_budget(_video_fields(media)), b"", ())
    blocks = _BLOCKS.get(media.format, _pillow_blocks)(media.data)
    fields, notes, thumbnail = list(blocks.texts), [], b""
    for block in blocks.exif:
        found = exif.read(block)
        fields += [Field("EXIF", key, text[:MAX_TEXT]) for key, text in found.texts]
        thumbnail = thumbnail or found.thumbnail
        notes += [found.note] if found.note else []
    for block in blocks.xmp:
        pairs, note = xmp.read(block)
        fields += [Field("XMP", key, text[:MAX_TEXT]) for key, text in pairs]
        notes += [note] if note else []
    for block in blocks.iptc:
        fields += [Field("IPTC", key, text[:MAX_TEXT]) for key, text in iptc.read(block)]
    kept = _within_budget(fields)
    if sum(len(f.text) for f in kept) < sum(len(f.text) for f in fields):
        notes.append("The file holds more metadata than is read; the rest was left out.")
    return Tags(kept, thumbnail, tuple(dict.fromkeys(notes)))


def _within_budget(fields: Iterable[Field]) -> tuple[Field, ...]:
    kept: list[Field] = []
    left = MAX_TEXT_TOTAL
    for field in islice(fields, MAX_FIELDS):
        kept.append(Field(field.place, field.key[:MAX_KEY], field.text[:left]))
        left -= len(kept[-1].text)
        if left <= 0:
            break
    return tuple(kept)


def _jpeg_blocks(data: bytes) -> Blocks:
    exifs, xmps, iptcs = [], [], []
    texts: list[Field] = []
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] not in (0xDA, 0xD9) and len(texts) < MAX_FIELDS:
        if data[at + 1] == 0xFF:
            at += 1  # fill byte: any number may stand before a marker (T.81, B.1.1.2)
            continue
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            exifs.append(body[6:])
        elif marker == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            xmps.append(body[29:])
        elif marker == 0xED and body.startswith(b"Photoshop 3.0\0"):
            iptcs.append(body[14:])
        elif marker == 0xFE:
            texts.append(Field("JPEG comment", "comment", _decode(body)))
        at += 2 + max(2, length)
    return Blocks(tuple(exifs[:4]), tuple(xmps[:4]), tuple(iptcs[:4]), tuple(texts))


def _png_blocks(data: bytes) -> Blocks:
    exifs, xmps = [], []
    texts: list[Field] = []
    left = MAX_UNPACKED_TOTAL
    for kind, at, length in png_chunks(data):
        if kind not in (b"tEXt", b"zTXt", b"iTXt", b"eXIf") or len(texts) >= MAX_FIELDS:
            continue
        body = data[at : at + length]
        if kind == b"eXIf":
            exifs.append(body.removeprefix(b"Exif\0\0"))
            continue
        key, text, unpacked = _png_text(kind, body, left)
        left -= unpacked
        if key == "XML:com.adobe.xmp":
            xmps.append(text.encode())
        elif key in ("Raw profile type exif", "Raw profile type APP1"):
            exifs.append(_raw_profile(text))
        else:
            texts.append(Field("PNG text", key, text[:MAX_TEXT]))
    return Blocks(tuple(exifs[:4]), tuple(xmps[:4]), (), tuple(texts))


def _png_text(kind: bytes, body: bytes, left: int) -> tuple[str, str, int]:
    """Key, text, and the bytes that were unpacked for it; at most `left`."""
    key, _, rest = body.partition(b"\0")
    packed = kind == b"zTXt"
    if packed:
        rest = rest[1:]
    elif kind == b"iTXt" and len(rest) >= 2:
        packed, rest = rest[0] == 1, rest[2:]
        _language, _, rest = rest.partition(b"\0")
        _translated, _, rest = rest.partition(b"\0")
    if packed:
        rest = _unpack(rest, min(left, MAX_UNPACKED))
    return _decode(key[:79]), _decode(rest), len(rest) if packed else 0


def _raw_profile(text: str) -> bytes:
    """ImageMagick's way to keep EXIF in a text chunk: name, length, then hexadecimal digits."""
    digits = "".join(text.split("\n", 3)[-1].split())
    try:
        return bytes.fromhex(digits[: len(digits) // 2 * 2]).removeprefix(b"Exif\0\0")
    except ValueError:
        return b""


def _webp_blocks(data: bytes) -> Blocks:
    exifs, xmps = [], []
    at = 12
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + length]
        if kind == b"EXIF":
            exifs.append(body.removeprefix(b"Exif\0\0"))
        elif kind == b"XMP ":
            xmps.append(body)
        at += 8 + length + (length & 1)
    return Blocks(tuple(exifs[:4]), tuple(xmps[:4]))


def _heic_blocks(data: bytes) -> Blocks:
    import pillow_heif

    try:
        info = pillow_heif.open_heif(io.BytesIO(data)).info
    except (OSError, ValueError, RuntimeError, SyntaxError, EOFError):
        return Blocks()
    return _info_blocks(info)


def _pillow_blocks(data: bytes) -> Blocks:
    """TIFF, AVIF, GIF and BMP: what Pillow reads from the header."""
    from PIL import Image

    from forensics.media.images import DECODER_ERRORS

    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=["TIFF", "AVIF", "GIF", "BMP"]) as image:
            warnings.simplefilter("ignore")  # Pillow warns of each broken entry; the ones that can be read are taken
            tags = getattr(image, "tag_v2", {})
            info: dict[str, object] = {str(key): value for key, value in image.info.items()}
            if tags:
                info["exif"] = image.getexif().tobytes()
                info["xmp"] = tags.get(700, b"")
                info["iptc"] = tags.get(33723, b"")
    except (*DECODER_ERRORS, struct.error):
        return Blocks()
    return _info_blocks(info)


def _info_blocks(info: dict[str, object]) -> Blocks:
    raw = {key: value for key, value in info.items() if isinstance(value, bytes) and value}
    comment = raw.get("comment", b"")
    texts = (Field("GIF comment", "comment", _decode(comment)),) if comment else ()
    return Blocks(
        tuple(block.removeprefix(b"Exif\0\0") for key, block in raw.items() if key == "exif"),
        tuple(block for key, block in raw.items() if key == "xmp"),
        tuple(block for key, block in raw.items() if key == "iptc"),
        texts,
    )


def _video_fields(media: Media) -> Iterator[Field]:
    import av

    from forensics.media.videos import DEMUXERS

    try:
        # The demuxer is fixed by content: left to guess, ffmpeg also takes playlists that name other files.
        with (
            media.stream() as stream,
            av.open(stream, format=DEMUXERS[media.format], metadata_errors="replace") as container,
        ):
            for key, text in container.metadata.items():
                yield Field("video tag", str(key), str(text)[:MAX_TEXT])
            for track in container.streams:
                for key, text in track.metadata.items():
                    yield Field("video tag", f"track {track.index} {key}", str(text)[:MAX_TEXT])
    except (av.error.FFmpegError, OSError, ValueError):
        return


def _unpack(packed: bytes, limit: int) -> bytes:
    if limit <= 0:
        return b""  # to zlib, 0 means no limit
    unpacker = zlib.decompressobj()
    try:
        return unpacker.decompress(packed, limit)
    except zlib.error:
        return b""


def _decode(raw: bytes) -> str:
    text = raw[: 4 * MAX_TEXT]
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


_BLOCKS = {"jpeg": _jpeg_blocks, "png": _png_blocks, "webp": _webp_blocks, "heic": _heic_blocks}
