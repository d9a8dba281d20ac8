"""Still and animated images to upright 8-bit sRGB, through Pillow and libheif. Complaints become MediaError."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from forensics.errors import MediaError
from forensics.media.headers import check_frames, check_size, ends_early, png_pixels_only, read_claims
from forensics.media.jpeg_segments import jpeg_pixels_only
from forensics.media.tiff_directories import exif_orientation
from forensics.media.tiff_kinds import unknown_kind
from forensics.settings import Limits
from generators.colour import has_alpha, read_profile
from generators.decoding import upright_srgb
from generators.images import Pixels
from generators.opening import DECODER_ERRORS, open_as
from generators.orientation import TURNED

__all__ = [
    "DECODER_ERRORS",
    "Header",
    "n_readable_frames",
    "read_frames",
    "read_header",
    "read_pixels",
    "read_rgba_rows",
    "upright_size",
]

MAX_ANIMATION_PIXELS = 600_000_000
"""Pixels composed for the frames of one animation. Pillow composes 100 to 200 million a second, and a file has 10 s."""

_BAND_PIXELS = 2_000_000

_CUT_WORDS = ("truncated", "unexpected end", "premature", "eof", "incomplete", "no more images", "insufficient input")
_UNSUPPORTED_WORDS = ("unsupported", "not supported", "cannot handle", "not implemented", "unknown compression")
_UNSAID = ("decoder error", "broken data stream", "unrecognized data stream", "encountered error", "cannot identify")
"""Words of decoders that say no more than that they failed."""


@dataclass(frozen=True)
class Header:
    """What is known of an image before its pixels are decoded.

    Attributes:
        width, height: as stored, in pixels.
        orientation: EXIF orientation 1..8.
        mode: Pillow's word for the colour layout as stored.
        bits: bits a channel as stored.
        n_frames: number of pictures.
        has_alpha: whether there is transparency.
        icc_name: name of the colour profile, "" without one.
    """

    width: int
    height: int
    orientation: int
    mode: str
    bits: int
    n_frames: int
    has_alpha: bool
    icc_name: str


def read_header(data: bytes, fmt: str, limits: Limits) -> Header:
    """Check the claims of a file and read its header; no pixel is decoded.

    Raises:
        MediaError: broken or over a limit.
    """
    claims = read_claims(data, fmt, limits)
    with _complaints(fmt, data), _open(data, fmt) as image:
        check_size(image.width, image.height, limits)
        n_frames = claims.n_frames or int(getattr(image, "n_frames", 1))
        check_frames(n_frames, limits)
        orientation = claims.orientation or _orientation(image, fmt)
        # A TIFF opens with its sides swapped already where its orientation asks for that.
        swapped = fmt == "tiff" and orientation in TURNED
        width, height = image.size[::-1] if swapped else image.size
        return Header(
            width,
            height,
            orientation,
            image.mode,
            claims.bits,
            n_frames,
            has_alpha(image),
            read_profile(image).name,
        )


def read_pixels(data: bytes, fmt: str, header: Header) -> Pixels:
    """The first picture: (H, W, 3) uint8 sRGB, upright, alpha over white.

    Raises:
        MediaError: broken where the header looked well.
    """
    with _complaints(fmt, data), _open(data, fmt) as image:
        return _upright_pixels(image, fmt, header)


def read_rgba_rows(data: bytes, fmt: str) -> Iterator[NDArray[np.uint8]]:
    """The first picture of a file with transparency as it is stored, a band of rows after the other.

    Yields:
        (n, W, 4) uint8, colours as they are under whatever is transparent, no profile applied.

    Raises:
        MediaError: broken where the header looked well.
    """
    with _complaints(fmt, data):
        image = _open(data, fmt)
        with _silent_stderr() if fmt == "tiff" else nullcontext():
            image.load()
    with image:
        rows = max(1, _BAND_PIXELS // image.width)
        for top in range(0, image.height, rows):
            band = image.crop((0, top, image.width, min(top + rows, image.height)))
            yield np.asarray(band.convert("RGBA"))


def n_readable_frames(header: Header) -> int:
    """Pictures of an animation that can be composed within MAX_ANIMATION_PIXELS, from the first; at least 1."""
    return max(1, min(header.n_frames, MAX_ANIMATION_PIXELS // (header.width * header.height)))


def read_frames(
    data: bytes, fmt: str, header: Header, indices: list[int], side_px: int
) -> Iterator[tuple[Pixels, float]]:
    """Some pictures of an animation with their start times in seconds, in order.

    Args:
        indices: ascending numbers of the pictures wanted.
        side_px: longest side to shrink to.

    Raises:
        MediaError: not one of them can be decoded. An animation that breaks off later ends there.
    """
    with _complaints(fmt, data):
        image = _open(data, fmt)
    time_s, wanted, none = 0.0, set(indices), True
    with image:
        for index in range(max(indices) + 1):
            try:
                with _complaints(fmt, data):
                    image.seek(index)
                    pixels = _shrunk(_upright_pixels(image, fmt, header), side_px) if index in wanted else None
            except MediaError:
                if none:
                    raise
                return
            # WebP and AVIF tell when a picture starts, once it is decoded; GIF and PNG how long it stays.
            start_s = image.info["timestamp"] / 1000.0 if "timestamp" in image.info else time_s
            # Browsers show a frame without a duration for a tenth of a second; so does this time line.
            time_s = start_s + (float(image.info.get("duration") or 0) or 100.0) / 1000.0
            if pixels is not None:
                none = False
                yield pixels, start_s


def _upright_pixels(image: Image.Image, fmt: str, header: Header) -> Pixels:
    with _silent_stderr() if fmt == "tiff" else nullcontext():
        image.load()
    # libheif hands over grey of 10 and 12 bits scaled up to 16, Pillow's TIFF as it is.
    bits = 16 if fmt == "heic" else header.bits
    # Pillow turns a TIFF while loading it.
    return upright_srgb(image, bits=bits, orientation=1 if fmt == "tiff" else header.orientation)


def _shrunk(pixels: Pixels, side_px: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    if scale == 1.0:
        return np.ascontiguousarray(pixels)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA), np.uint8)


@contextmanager
def _complaints(fmt: str, data: bytes) -> Iterator[None]:
    """What a decoder raises as MediaError, what it warns of not at all."""
    try:
        with warnings.catch_warnings():
            # Pillow warns above 89 million pixels; our own limit was checked on the header already.
            warnings.simplefilter("ignore")
            yield
    except MediaError:
        raise
    except MemoryError as error:
        raise MediaError("out-of-memory", "decoding needs more memory than there is") from error
    except Image.DecompressionBombError as error:
        raise MediaError("too-many-pixels", "the picture unpacks to more pixels than the decoder allows") from error
    except DECODER_ERRORS as error:
        is_unknown = fmt == "tiff" and isinstance(error, UnidentifiedImageError)
        unknown = unknown_kind(data) if is_unknown else None
        raise unknown or _in_plain_words(error, fmt, ends_early(data, fmt)) from error


def _in_plain_words(error: Exception, fmt: str, cut: bool) -> MediaError:
    words = " ".join(str(error).split())[:200] or type(error).__name__
    lower = words.lower()
    if cut or any(hint in lower for hint in _CUT_WORDS):
        return MediaError("truncated", f"the file is cut off: the {fmt.upper()} data ends before the picture does")
    if any(hint in lower for hint in _UNSUPPORTED_WORDS):
        return MediaError("unsupported", f"this kind of {fmt.upper()} cannot be read: {words}")
    if isinstance(error, UnidentifiedImageError):
        words = "its header cannot be read"  # the message names an object in memory
    elif any(hint in lower for hint in _UNSAID):
        words = "its picture cannot be decoded"
    return MediaError("broken", f"the {fmt.upper()} file is broken: {words}")


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep libtiff, which writes to the process's standard error by itself, from doing so."""
    try:
        kept = os.dup(2)
    except OSError:
        yield  # there is no standard error
        return
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _open(data: bytes, fmt: str) -> Image.Image:
    """The image in the decoder that all readers use, handed nothing but what pixels need."""
    if fmt == "jpeg":
        data = jpeg_pixels_only(data)
    elif fmt == "png":
        data = png_pixels_only(data)
    return open_as(io.BytesIO(data), fmt)


def _orientation(image: Image.Image, fmt: str) -> int:
    if fmt == "heic":
        return 1  # libheif turned it
    exif = image.info.get("exif")
    return exif_orientation(exif) if isinstance(exif, bytes) else 1


def upright_size(header: Header) -> tuple[int, int]:
    """Width and height once the orientation is undone."""
    return (header.height, header.width) if header.orientation in TURNED else (header.width, header.height)
