"""Sizes and frames that a file claims, read from its header with little memory, before any decoder allocates."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from forensics.errors import MediaError
from forensics.media.gif_blocks import gif_canvas, gif_pictures
from forensics.media.iso_boxes import heif_bits, heif_sizes, outer_boxes
from forensics.media.jpeg_segments import jpeg_bits, jpeg_exif, jpeg_sizes
from forensics.media.png_chunks import apng_frames, png_chunks, png_exif, png_pixels_only, png_sizes
from forensics.media.tiff_directories import (
    BITS,
    exif_orientation,
    is_raw,
    tiff_directories,
    upright_orientation,
)
from forensics.settings import Limits

__all__ = ["Claims", "check_frames", "check_size", "ends_early", "png_chunks", "png_pixels_only", "read_claims"]


@dataclass(frozen=True)
class Claims:
    """What a header says, believed by nobody but checked against the limits.

    Attributes:
        width, height: as stored, in pixels.
        n_frames: number of pictures; 0 when only a decoder can tell.
        bits: bits a channel as stored.
        orientation: 1..8; 0 when only a decoder can tell.
    """

    width: int
    height: int
    bits: int
    n_frames: int = 0
    orientation: int = 0


def read_claims(data: bytes, fmt: str, limits: Limits) -> Claims:
    """Read the header of an image and check what it claims.

    Args:
        data: the whole file.
        fmt: format by content.
        limits: what the file may cost.

    Raises:
        MediaError: over a limit, or no size where one must be.
    """
    return _READERS[fmt](data, limits)


def check_size(width: int, height: int, limits: Limits) -> None:
    """Refuse a picture by its claimed size.

    Raises:
        MediaError: a side is zero, or there are too many pixels.
    """
    if width <= 0 or height <= 0:
        raise MediaError("broken", f"the header claims a picture of {width:,} x {height:,} pixels")
    if width * height > limits.max_pixels:
        raise MediaError(
            "too-many-pixels",
            f"the header claims {width:,} x {height:,} pixels; the limit is {_rounded(limits.max_pixels)}",
        )


def check_frames(n_frames: int, limits: Limits) -> None:
    """Refuse an animation by its number of frames.

    Raises:
        MediaError: too many.
    """
    if n_frames > limits.max_frames:
        raise MediaError("too-many-frames", f"the file holds more than {limits.max_frames:,} frames, the limit")


def ends_early(data: bytes, fmt: str) -> bool:
    """Whether the outermost structure claims more than the file holds; False where a format has none that tells."""
    if fmt == "webp":
        return 8 + int.from_bytes(data[4:8], "little") > len(data)
    return fmt in ("heic", "avif") and any(box.end > len(data) for box in outer_boxes(io.BytesIO(data)))


def _rounded(number: int) -> str:
    return f"{number / 1e6:g} million" if number % 100_000 == 0 else f"{number:,}"


def _checked(sizes: Iterable[tuple[int, int]], limits: Limits) -> tuple[int, int]:
    """The first size, after all of them were checked."""
    first: tuple[int, int] | None = None
    for width, height in sizes:
        check_size(width, height, limits)
        first = first or (width, height)
    if first is None:
        raise MediaError("truncated", "the file is cut off or broken before the size of the picture is told")
    return first


def _jpeg(data: bytes, limits: Limits) -> Claims:
    width, height = _checked(jpeg_sizes(data), limits)
    return Claims(width, height, jpeg_bits(data), 1, exif_orientation(jpeg_exif(data)))


def _png(data: bytes, limits: Limits) -> Claims:
    width, height = _checked(png_sizes(data), limits)
    n_frames = apng_frames(data)
    check_frames(n_frames, limits)
    return Claims(width, height, data[24] if len(data) > 24 else 8, n_frames, exif_orientation(png_exif(data)))


def _gif(data: bytes, limits: Limits) -> Claims:
    width, height = _checked(gif_canvas(data), limits)
    n_frames = 0
    for right, bottom in islice(gif_pictures(data), limits.max_frames + 1):
        # Decoders grow the canvas for a picture that reaches beyond it, and compose every picture on all of it.
        width, height, n_frames = max(width, right), max(height, bottom), n_frames + 1
    check_size(width, height, limits)
    check_frames(n_frames, limits)
    return Claims(width, height, 8, max(1, n_frames), 1)


def _tiff(data: bytes, limits: Limits) -> Claims:
    # One of several pages was refused before: behind the first come smaller versions and masks of it.
    directories = list(islice(tiff_directories(data), limits.max_frames + 1))
    if any(is_raw(data[:10], first) for first in directories[:1]):
        raise MediaError("unsupported", "this is a camera raw file: develop it to a JPEG, PNG or TIFF first")
    check_frames(len(directories), limits)
    tiles = [directory.tile_size for directory in directories if all(directory.tile_size)]
    width, height = _checked([directory.size for directory in directories], limits)
    if tiles:
        _checked(tiles, limits)
    first = directories[0]
    return Claims(width, height, first.values.get(BITS, 1), 1, upright_orientation(first))


def _bmp(data: bytes, limits: Limits) -> Claims:
    width, height = _checked(_bmp_sizes(data), limits)
    return Claims(width, height, 8, 1, 1)


def _webp(data: bytes, limits: Limits) -> Claims:
    width, height = _checked(_webp_sizes(data), limits)
    n_frames = sum(1 for _ in islice(_webp_frames(data), limits.max_frames + 1))
    check_frames(n_frames, limits)
    return Claims(width, height, 8, max(1, n_frames))


def _heif(data: bytes, limits: Limits) -> Claims:
    width, height = _checked(heif_sizes(data), limits)
    return Claims(width, height, heif_bits(data))


def _bmp_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    if data[14:18] == b"\x0c\0\0\0" and len(data) >= 22:
        yield int.from_bytes(data[18:20], "little"), int.from_bytes(data[20:22], "little")
    elif len(data) >= 26:
        width = int.from_bytes(data[18:22], "little", signed=True)
        # A negative height means that the top row comes first.
        yield width, abs(int.from_bytes(data[22:26], "little", signed=True))


def _webp_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Canvas of the extended header, or the frame of a simple file (RFC 9649)."""
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        yield int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    elif kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        yield (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and len(data) >= 30:
        width, height = (int.from_bytes(data[i : i + 2], "little") & 0x3FFF for i in (26, 28))
        yield width, height


def _webp_frames(data: bytes) -> Iterator[int]:
    """Offset of each animation frame chunk."""
    at = 12
    while at + 8 <= len(data):
        if data[at : at + 4] == b"ANMF":
            yield at
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + (size & 1)


_READERS: dict[str, Callable[[bytes, Limits], Claims]] = {
    "jpeg": _jpeg,
    "png": _png,
    "gif": _gif,
    "tiff": _tiff,
    "bmp": _bmp,
    "webp": _webp,
    "heic": _heif,
    "avif": _heif,
}
