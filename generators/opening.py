"""Opens a picture in the one decoder that its content asks for; a scan, a measurement and a training alike do so here.

Names and endings say nothing of the content: they are the sender's choice.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from PIL import Image

HEAD_BYTES = 4096
"""Enough for every signature below, and for those of all else that a scan knows."""

PICTURE_FORMATS = frozenset({"jpeg", "png", "webp", "gif", "tiff", "bmp", "heic", "avif"})
"""Of these there are decoders here. Pillow has more, one of which (EPS) starts another program."""

ENDINGS = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".hif"}
)
"""Of files that are looked at in folders of pictures, in small letters; cameras write `.HIF`."""

DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    AttributeError,
    RuntimeError,
    AssertionError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow's plug-ins were seen to raise on broken files; `fuzzed` files raise most of them sooner or later."""

_SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
)

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def picture_format(head: bytes) -> str | None:
    """One of PICTURE_FORMATS by the first bytes of a file; None for anything else.

    Args:
        head: the first HEAD_BYTES of the file, or all of it.
    """
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF":
        return "webp" if head[8:12] == b"WEBP" else None
    # "BM" alone also begins words: a real header has one of the known sizes of the second header after it.
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    return _iso(head)


def iso_brands(head: bytes) -> list[bytes]:
    """What a file of ISO base media (ISO 14496-12) says it is, the major brand first; nothing for any other file."""
    if head[4:8] != b"ftyp":
        return []
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return [head[8:12]] + [head[i : i + 4] for i in range(16, size - 3, 4)]


def open_picture(path: Path) -> Image.Image:
    """Open a file; no pixel is decoded yet, and the caller closes it.

    Raises:
        ValueError: it is no picture of PICTURE_FORMATS.
        Exception: one of DECODER_ERRORS, if it cannot be read or its header is broken.
    """
    with path.open("rb") as file:
        fmt = picture_format(file.read(HEAD_BYTES))
    if fmt is None:
        raise ValueError(f"its content is of none of the formats {', '.join(sorted(PICTURE_FORMATS))}")
    return open_as(path, fmt)


def open_as(source: Path | BinaryIO, fmt: str) -> Image.Image:
    """The same of a file or stream whose format is known.

    Args:
        source: at its beginning.
        fmt: one of PICTURE_FORMATS.
    """
    if fmt == "heic":
        import pillow_heif

        return pillow_heif.HeifImageFile(source)  # type: ignore[no-untyped-call]
    return Image.open(source, formats=[fmt.upper()])


def _iso(head: bytes) -> str | None:
    brands = iso_brands(head)
    if not brands or brands[0] == b"qt  ":
        return None
    if _AVIF_BRANDS.intersection(brands):
        return "avif"
    return "heic" if _HEIC_BRANDS.intersection(brands) or brands[0] in (b"mif1", b"msf1") else None
