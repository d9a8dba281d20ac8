"""The pictures of an examined file, newly encoded and small, in one ZIP: what may be shown once the file is gone.

They are made in the worker that decoded the file, so whoever shows them decodes nothing that somebody else encoded.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.spectrum import denoising_residual, mean_power, sample_tiles
from forensics.media import Kind, Media
from forensics.overlay import preview, to_jpeg

Pixels = NDArray[np.uint8]

PICTURES = "pictures"
"""Asked of a pool like the forms of a report."""

MAX_UNPACKED_BYTES = 64 << 20
"""A planted ZIP is unpacked no further."""

NOISE_GAIN = 16.0
"""A grey level of noise is drawn as this many: plain photos have one to five."""

SPECTRUM_SIDE_PX = 512

SPECTRUM_TILE_PX = 128
"""As the analyzer takes for small pictures: one size keeps spectra of different pictures alike."""

SPECTRUM_DECADES = 3.0
"""Power drawn from darkest to brightest, in powers of ten around the median."""


@dataclass(frozen=True)
class Pictures:
    """What can be shown of a file.

    Attributes:
        frames: time in seconds -> JPEG; an image has one, at 0.
        layers: "noise" and "spectrum" -> JPEG; a video has none.
    """

    frames: Mapping[float, bytes] = field(default_factory=dict)
    layers: Mapping[str, bytes] = field(default_factory=dict)


def layers(media: Media) -> dict[str, Pixels]:
    """Views of a whole image that no finding carries: its noise made visible, and its spectrum."""
    if media.kind is not Kind.IMAGE:
        return {}
    found = {"noise": noise_picture(media.luma)}
    if min(media.luma.shape) >= SPECTRUM_TILE_PX:
        found["spectrum"] = spectrum_picture(media.luma)
    return found


def noise_picture(luma: NDArray[np.float32]) -> Pixels:
    """What a 3 x 3 median takes away, around middle grey and strengthened NOISE_GAIN times.

    Args:
        luma: (H, W) float32 0..255.

    Returns:
        (h, w, 3) uint8, long side at most 1024 px, every n-th pixel as it is.
    """
    residual = (luma - cv2.medianBlur(luma, 3)) * NOISE_GAIN + 128.0
    height, width = residual.shape
    # Nearest neighbours keep the strength of noise where area averages would smooth it away.
    scale = min(1.0, 1024 / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(np.clip(residual, 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return np.repeat(small[..., None], 3, axis=2)


def spectrum_picture(luma: NDArray[np.float32]) -> Pixels:
    """Power spectrum of the residual, lowest frequencies in the middle, in viridis.

    Args:
        luma: (H, W) float32, at least SPECTRUM_TILE_PX a side.

    Returns:
        (SPECTRUM_SIDE_PX, SPECTRUM_SIDE_PX, 3) uint8.
    """
    half = np.log10(mean_power(denoising_residual(sample_tiles(luma, SPECTRUM_TILE_PX))) + 1e-12)
    # The other half mirrors this one: f(-y, -x) = f(y, x) for a real picture.
    left = np.roll(half[::-1, 1:-1][:, ::-1], 1, axis=0)
    whole = np.fft.fftshift(np.concatenate([half, left], axis=1))
    level = np.clip((whole - np.median(whole)) / SPECTRUM_DECADES + 0.5, 0, 1)
    grey = cv2.resize((level * 255).astype(np.uint8), (SPECTRUM_SIDE_PX,) * 2, interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)[..., ::-1], np.uint8)


def pack(frames: Mapping[float, Pixels], views: Mapping[str, Pixels]) -> bytes:
    """One ZIP with all of them as JPEG."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for time_s, pixels in frames.items():
            archive.writestr(f"frames/{float(time_s)!r}.jpg", to_jpeg(pixels))
        for name, pixels in views.items():
            archive.writestr(f"layers/{name}.jpg", to_jpeg(preview(pixels), 90))
    return packed.getvalue()


def unpack(data: bytes) -> Pictures:
    """The opposite of `pack`.

    Raises:
        ValueError: not such a ZIP, or one that holds too much.
    """
    frames: dict[float, bytes] = {}
    views: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise ValueError(f"the kept pictures hold more than {MAX_UNPACKED_BYTES >> 20} MiB")
            for item in archive.infolist():
                kind, _, name = item.filename.removesuffix(".jpg").partition("/")
                if kind == "frames":
                    frames[float(name)] = archive.read(item)
                else:
                    views[name] = archive.read(item)
    except zipfile.BadZipFile as error:
        raise ValueError(f"the kept pictures are damaged: {error}") from None
    return Pictures(dict(sorted(frames.items())), views)


def decoded(jpeg: bytes) -> Pixels:
    """Pixels of a picture from `unpack`, (H, W, 3) uint8.

    Raises:
        ValueError: it cannot be decoded.
    """
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError("a kept picture cannot be decoded")
    return np.asarray(bgr[..., ::-1], np.uint8)
