"""An opened picture as everything here sees it, scans, measurements and training alike: upright 8-bit sRGB."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from generators.colour import to_srgb
from generators.images import Pixels
from generators.opening import DECODER_ERRORS, open_picture
from generators.orientation import turn_upright
from generators.tiff_samples import check_planes, is_negative, meant

MAX_PIXELS = 200_000_000
"""A header that claims more than any camera gives is not believed."""

_UPRIGHT = ("TIFF", "HEIF")
"""Formats whose decoders turn a picture themselves: Pillow as it loads, libheif by boxes of the file."""

_EXIF_ERRORS = (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error)
"""What Pillow's reader of Exif blocks raises on broken ones."""


def read_pixels(path: Path) -> Pixels:
    """A picture of any format that a scan examines, as a scan sees it: (H, W, 3) uint8 sRGB, upright, alpha over white.

    Raises:
        ValueError: it cannot be read, is no picture, a broken one or one too large; the message names the file.
    """
    try:
        with open_picture(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"its header claims {image.width:,} x {image.height:,} pixels")
            return upright_srgb(image)
    except DECODER_ERRORS as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def upright_srgb(image: Image.Image, *, bits: int | None = None, orientation: int | None = None) -> Pixels:
    """The picture that a decoder stands at: upright, alpha over white, its profile applied, wide grey scaled.

    Grey of 16 bits is scaled by its number of bits, of 32 bits and of floats by the least usual white that no value is
    above: 1 (floats only), 255 or 65535; beyond, and with values below 0, from the least to the greatest.

    Args:
        image: opened, loaded or not.
        bits: bits a channel as stored, which matters for grey of more than 8; what the file says if None.
        orientation: EXIF orientation 1..8 that is still to be undone; what the file says if None.

    Returns:
        (H, W, 3) uint8 sRGB.

    Raises:
        Exception: one of `opening.DECODER_ERRORS`, if the file is broken.
    """
    check_planes(image)
    image.load()
    pixels = to_srgb(meant(image), _bits(image) if bits is None else bits)
    if is_negative(image):
        np.subtract(255, pixels, out=pixels)
    return np.ascontiguousarray(turn_upright(pixels, _orientation(image) if orientation is None else orientation))


def _bits(image: Image.Image) -> int:
    """Bits a channel of grey: TIFF may store 10 or 12 and hands them over as they are, all others scale to 16."""
    tags = getattr(image, "tag_v2", {})
    return int(tags.get(ExifTags.Base.BitsPerSample, (16,))[0])


def _orientation(image: Image.Image) -> int:
    """By the Exif block alone, 1 where it is missing, broken or out of range, and where the decoder turns it."""
    block = image.info.get("exif")
    if image.format in _UPRIGHT or not isinstance(block, bytes):
        return 1
    exif = Image.Exif()
    try:
        exif.load(block)
        value = exif.get(ExifTags.Base.Orientation)
    except _EXIF_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
