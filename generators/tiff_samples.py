"""Numbers of a TIFF that Pillow hands over otherwise than they are meant (TIFF 6.0): byte order, sign, white as zero.

8-bit samples come out right, and so does most grey of more bits.
"""

from __future__ import annotations

import sys

import numpy as np
from PIL import Image, TiffTags

from generators.colour import is_wide

_TAGS = {tag.name: number for number, tag in TiffTags.TAGS_V2.items()}
_BITS, _PHOTOMETRIC = _TAGS["BitsPerSample"], _TAGS["PhotometricInterpretation"]
_PLANAR, _FORMAT = _TAGS["PlanarConfiguration"], _TAGS["SampleFormat"]

_WHITE_IS_ZERO, _SEPARATE, _UNSIGNED = 0, 2, 1


def check_planes(image: Image.Image) -> None:
    """Refuse what comes out as noise.

    Args:
        image: opened, of any format.

    Raises:
        ValueError: channels of more than 8 bits, each in a plane of its own, that libtiff does not unpack.
    """
    if image.format != "TIFF" or _is_packed(image) or is_wide(image.mode):
        return
    if _first(image, _PLANAR) == _SEPARATE and (bits := _first(image, _BITS)) > 8:
        raise ValueError(f"channels of {bits} bits that lie apart and are not packed are not supported")


def meant(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits as the file means it; any other picture as it is.

    Args:
        image: loaded, of any format.

    Returns:
        The same size; I or F for what had to be put right.
    """
    if image.format != "TIFF" or image.mode not in ("I", "F"):
        return image
    values, bits = np.asarray(image), _first(image, _BITS)
    is_swapped = _is_big_endian(image) and _is_packed(image) and sys.byteorder == "little"
    if is_swapped:
        # What libtiff unpacks has the order of this machine already, and Pillow turns it once more.
        values = values.astype(np.int16).byteswap().astype(np.int32) if bits == 16 else values.byteswap()
    is_unsigned = image.mode == "I" and bits == 32 and _first(image, _FORMAT) == _UNSIGNED
    if is_unsigned and values.min() < 0:
        return Image.fromarray(values.view(np.uint32).astype(np.float32))
    return Image.fromarray(values) if is_swapped else image


def is_negative(image: Image.Image) -> bool:
    """Whether zero stands for white and the decoder has not turned that, as it does for 8 bits."""
    return image.format == "TIFF" and is_wide(image.mode) and _first(image, _PHOTOMETRIC) == _WHITE_IS_ZERO


def _first(image: Image.Image, tag: int) -> int:
    """The first number of a tag, or what the standard says where it is missing."""
    value = image.tag_v2.get(tag, 1)  # type: ignore[attr-defined]
    return int(value[0] if isinstance(value, tuple) else value)


def _is_packed(image: Image.Image) -> bool:
    """Whether libtiff decodes it; what is not packed Pillow reads itself."""
    return bool(image.info.get("compression") != "raw")


def _is_big_endian(image: Image.Image) -> bool:
    return bool(image.tag_v2.prefix == b"MM")  # type: ignore[attr-defined]
