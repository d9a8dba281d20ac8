"""Tells a sound TIFF (TIFF 6.0) of pixels that no decoder here knows from a broken one."""

from __future__ import annotations

import io
import struct
import warnings

from PIL.TiffImagePlugin import TiffImageFile

from forensics.errors import MediaError
from forensics.media.tiff_directories import BITS, PHOTOMETRIC, SAMPLE_FORMAT, SAMPLES, tiff_directories

_MAX_BITS, _MAX_SAMPLES = 64, 1000
"""More bits a number, and more numbers a pixel, are no picture."""

_FORMATS = {1: "whole", 2: "signed", 3: "floating-point", 5: "complex", 6: "complex"}

_UNKNOWN = "unknown pixel mode"
"""Pillow's words for it."""


def unknown_kind(data: bytes) -> MediaError | None:
    """Why a TIFF that could not be opened is not broken; None if it is.

    Args:
        data: the whole file.
    """
    if data.startswith(b"MM\0+"):
        words = "it is a BigTIFF whose numbers begin with their highest byte"
    elif _complaint(data) == _UNKNOWN and (kind := _kind(data)):
        words = f"its pixels are {kind}"
    else:
        return None
    return MediaError("unsupported", f"this kind of TIFF cannot be read: {words}; convert it to PNG first")


def _complaint(data: bytes) -> str:
    try:
        with warnings.catch_warnings():
            # They were heard when it was opened first.
            warnings.simplefilter("ignore")
            TiffImageFile(io.BytesIO(data)).close()
    except (SyntaxError, IndexError, TypeError, struct.error) as error:
        return str(error)
    return ""


def _kind(data: bytes) -> str:
    try:
        first = next(tiff_directories(data), None)
    except MediaError:
        return ""
    if first is None:
        return ""
    n, bits = first.values.get(SAMPLES, 1), first.values.get(BITS, 1)
    if not (0 < bits <= _MAX_BITS and 0 < n <= _MAX_SAMPLES):
        return ""
    form = _FORMATS.get(first.values.get(SAMPLE_FORMAT, 1), "odd")
    numbers = f"a {form} number of {bits} bits" if n == 1 else f"{n} {form} numbers of {bits} bits each"
    return f"{numbers}{', zero for white' if first.values.get(PHOTOMETRIC, 1) == 0 else ''}"
