"""Any colour layout a decoder hands over to 8-bit sRGB, in bands of rows so that no second full-size copy is made."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from generators.images import Pixels

MAX_ICC_BYTES = 4 << 20
"""Largest profiles seen are press profiles of 2 MB."""

_BAND_PIXELS = 2_000_000
_LEAST_CONTRAST = 64
"""Grey steps, of 255, that black and white must keep through a colour profile: less is no profile of a picture."""

_ICC_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
_PROFILE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True, eq=False)
class Profile:
    """The colour profile of a picture.

    Attributes:
        name: its description, hostile text of at most 100 characters, with a note when it is ignored; "" without one.
        transform: to sRGB; None when there is nothing to do or it is ignored.
    """

    name: str
    transform: ImageCms.ImageCmsTransform | None = None


def is_wide(mode: str) -> bool:
    """Whether Pillow's mode holds grey of more than 8 bits."""
    return mode.startswith("I") or mode == "F"


def has_alpha(image: Image.Image) -> bool:
    """Whether there is transparency, as a channel or as a transparent colour."""
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def read_profile(image: Image.Image) -> Profile:
    """The profile that goes with a picture, checked for sense."""
    data = image.info.get("icc_profile")
    if not isinstance(data, bytes) or not data:
        return Profile("")
    if len(data) > MAX_ICC_BYTES:
        return Profile("a profile of more than 4 MB, ignored")
    mode = _flat_mode(image)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(data))
        name = ImageCms.getProfileDescription(source).strip()[:100] or "a profile without a name"
        if mode == "RGB" and "srgb" in name.lower():
            return Profile(name)  # already there: a no-op transform would only round the pixels
        if source.profile.xcolor_space.strip() != _ICC_SPACES.get(mode):
            return Profile(f"{name} (for another colour layout, ignored)")
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        if not _plausible(transform, mode):
            return Profile(f"{name} (leaves no picture, ignored)")
    except _PROFILE_ERRORS:
        return Profile("a broken profile, ignored")
    return Profile(name, transform)


def to_srgb(image: Image.Image, bits: int) -> Pixels:
    """A decoded picture as 8-bit sRGB, alpha over white.

    Args:
        image: loaded; any mode.
        bits: bits a channel as stored, for grey of more than 8 bits.

    Returns:
        (H, W, 3) uint8.
    """
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _BAND_PIXELS // max(1, width))
    bands = [(top, min(top + rows, height)) for top in range(0, height, rows)]
    convert = _wide_converter(image, bits, bands) if is_wide(image.mode) else _converter(image)
    for top, bottom in bands:
        pixels[top:bottom] = convert(image.crop((0, top, width, bottom)))
    return pixels


def _flat_mode(image: Image.Image) -> str:
    """Mode after palette and alpha are gone."""
    if image.mode in ("L", "LA", "La"):
        return "L"
    if image.mode in ("P", "PA") or has_alpha(image):
        return "RGB"
    return image.mode


def _converter(image: Image.Image) -> Callable[[Image.Image], NDArray[np.uint8]]:
    transform = read_profile(image).transform
    flatten, flat_mode = has_alpha(image), _flat_mode(image)
    if image.mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")

    def convert(band: Image.Image) -> NDArray[np.uint8]:
        if flatten:
            rgba = band.convert("RGBA")
            band = Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba).convert("RGB")
            band = band.convert(flat_mode)  # grey stays grey, for its profile
        elif band.mode in ("P", "PA"):
            band = band.convert("RGB")
        if transform is not None:
            band = ImageCms.applyTransform(band, transform) or band
        return np.asarray(band if band.mode == "RGB" else band.convert("RGB"))

    return convert


def _plausible(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    ends = Image.merge(mode, [ramp] * len(mode)) if mode != "CMYK" else Image.merge("CMYK", [ramp] * 4)
    grey = ImageCms.applyTransform(ends, transform)
    if grey is None:
        return False
    low, high = grey.convert("L").getextrema()
    return float(high) - float(low) >= _LEAST_CONTRAST  # type: ignore[arg-type]


def _wide_converter(
    image: Image.Image, bits: int, bands: list[tuple[int, int]]
) -> Callable[[Image.Image], NDArray[np.uint8]]:
    """16-bit, 32-bit and float grey: scaled, not clipped."""
    low, high = _value_range(image, bits, bands)
    scale = 255.0 / max(high - low, 1e-12)

    def convert(band: Image.Image) -> NDArray[np.uint8]:
        grey = (_finite(band) - low) * scale
        return np.rint(np.clip(grey, 0, 255)).astype(np.uint8)[..., None]

    return convert


def _value_range(image: Image.Image, bits: int, bands: list[tuple[int, int]]) -> tuple[float, float]:
    """Black and white: by the number of bits, or for floats and 32 bits the usual range that holds all values."""
    if image.mode.startswith("I;16"):
        return 0.0, float((1 << bits) - 1) if 8 < bits < 16 else 65535.0
    low, high = np.inf, -np.inf
    for top, bottom in bands:
        values = _finite(image.crop((0, top, image.width, bottom)))
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low < 0:
        return low, high
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    return 0.0, next((white for white in usual if high <= white), high)


def _finite(band: Image.Image) -> NDArray[np.float64]:
    return np.nan_to_num(np.asarray(band, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
