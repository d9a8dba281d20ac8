"""Still and animated images to upright 8-bit sRGB, through Pillow and libheif; complaints become MediaError."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from forensics.errors import MediaError
from forensics.media.headers import apng_frames, check_frames, check_header, check_size, png_pixels_only
from forensics.settings import Limits

Pixels = NDArray[np.uint8]

ORIENTATION_TAG = 0x0112
_MAX_ICC_BYTES = 4 << 20
_BITS = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}

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


@dataclass(frozen=True)
class Header:
    """What is known of an image before its pixels are decoded.

    Attributes:
        width, height: as stored, in pixels.
        orientation: EXIF orientation 1..8.
        mode: Pillow's word for the colour layout as stored.
        bits: bits a channel.
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
    check_header(data, fmt, limits)
    with _opened(data, fmt) as image:
        check_size(image.width, image.height, limits)
        n_frames = apng_frames(data) if fmt == "png" else int(getattr(image, "n_frames", 1)) if fmt != "jpeg" else 1
        check_frames(n_frames, limits)
        return Header(
            image.width,
            image.height,
            _orientation(image),
            image.mode,
            16 if fmt == "png" and data[24] == 16 else _BITS.get(image.mode, 8),
            n_frames,
            image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info,
            _icc_name(image),
        )


def read_pixels(data: bytes, fmt: str, header: Header) -> Pixels:
    """The first picture: (H, W, 3) uint8 sRGB, upright, alpha over white.

    Raises:
        MediaError: broken where the header looked well.
    """
    with _opened(data, fmt) as image:
        return turn_upright(_to_srgb(image), header.orientation)


def read_frames(data: bytes, fmt: str, header: Header, indices: list[int]) -> Iterator[tuple[Pixels, float]]:
    """Some pictures of an animation with their start times in seconds, in order.

    Args:
        indices: ascending numbers of the pictures wanted.

    Raises:
        MediaError: a picture cannot be decoded.
    """
    with _opened(data, fmt) as image:
        time_s, wanted = 0.0, set(indices)
        for index in range(max(indices) + 1):
            image.seek(index)
            if index in wanted:
                yield turn_upright(_to_srgb(image), header.orientation), time_s
            # Browsers show a frame without a duration for a tenth of a second; so does this time line.
            time_s += (float(image.info.get("duration") or 0) or 100.0) / 1000.0


def turn_upright(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo an EXIF orientation (Exif 2.32, tag 0x0112); a view where that is possible. (H, W, ...) any type."""
    if orientation in (5, 6, 7, 8):
        stored = np.swapaxes(stored, 0, 1)
    if orientation in (2, 3, 6, 7):
        stored = stored[:, ::-1]
    if orientation in (3, 4, 7, 8):
        stored = stored[::-1]
    return stored


@contextmanager
def _opened(data: bytes, fmt: str) -> Iterator[Image.Image]:
    """The image with the one decoder its content asks for; complaints become MediaError."""
    try:
        with warnings.catch_warnings():
            # Pillow warns above 89 million pixels; our own limit was checked on the header already.
            warnings.simplefilter("ignore")
            with _open(data, fmt) as image:
                yield image
    except MediaError:
        raise
    except MemoryError as error:
        raise MediaError("out-of-memory", "decoding needs more memory than there is") from error
    except Image.DecompressionBombError as error:
        raise MediaError("too-many-pixels", "the picture unpacks to more pixels than the decoder allows") from error
    except DECODER_ERRORS as error:
        words = _words(error)
        cut = any(hint in words.lower() for hint in ("truncated", "unexpected end", "premature", "eof", "incomplete"))
        what = "the file is cut off" if cut else f"the {fmt.upper()} data is broken"
        raise MediaError("truncated" if cut else "broken", f"{what}: {words[:200]}") from error


def _words(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    # Pillow names the in-memory stream by its address, which tells a reader nothing.
    return "its header cannot be read" if words.startswith("cannot identify") else words


def _open(data: bytes, fmt: str) -> Image.Image:
    if fmt == "heic":
        import pillow_heif

        return pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True).to_pillow()
    source = png_pixels_only(data) if fmt == "png" else data
    formats = {"jpeg": ["JPEG", "MPO"]}.get(fmt, [fmt.upper()])
    return Image.open(io.BytesIO(source), formats=formats)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except DECODER_ERRORS:
        return 1  # broken metadata is the metadata analyzer's matter; the pixels are still there
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _icc_name(image: Image.Image) -> str:
    profile = image.info.get("icc_profile")
    if not profile:
        return ""
    try:
        return str(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))).strip()[:100]
    except (*DECODER_ERRORS, ImageCms.PyCMSError):
        return "broken profile, ignored"


def _to_srgb(image: Image.Image) -> Pixels:
    image.load()
    if image.mode.startswith("I") or image.mode == "F":
        return _wide_to_rgb(image)
    profile = image.info.get("icc_profile")
    if image.mode in ("P", "PA") or (image.mode in ("1", "L", "RGB") and "transparency" in image.info):
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "RGBa", "La"):
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, rgba).convert("RGB")
    if profile and len(profile) <= _MAX_ICC_BYTES and image.mode in ("RGB", "CMYK", "L"):
        image = _apply_profile(image, profile)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(source)
        if image.mode == "RGB" and "srgb" in name.lower():
            return image  # already there: a no-op transform would only round the pixels
        target = ImageCms.createProfile("sRGB")
        turned = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (*DECODER_ERRORS, ImageCms.PyCMSError):
        return image  # a broken or ill-fitting profile: the pixels as stored are the best there is
    return turned if turned is not None else image


def _wide_to_rgb(image: Image.Image) -> Pixels:
    """16-bit, 32-bit and float grey, scaled and not clipped."""
    values = np.asarray(image, np.float32)
    if image.mode.startswith("I;16") or (image.mode == "I" and values.size and 255 < values.max() <= 65535):
        low, high = 0.0, 65535.0
    else:
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
        if low >= 0 and high <= 1:
            low, high = 0.0, 1.0
        elif low >= 0 and high <= 255:
            low, high = 0.0, 255.0
    grey = np.rint((values - low) * (255.0 / max(high - low, 1e-12))).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
