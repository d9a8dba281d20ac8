"""The suspect file as analyzers see it. Decoding is lazy and done once."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.errors import MediaError
from forensics.settings import Limits


class Kind(StrEnum):
    """What a file is, by its content."""

    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True)
class ImageInfo:
    """What the header of an image says.

    Attributes:
        width, height: upright size in pixels.
        orientation: EXIF orientation 1..8 that was undone to make it upright.
        mode: colour layout as stored, in Pillow's word: RGB, L, CMYK, P, RGBA, I;16, ...
        bits: bits a channel as stored.
        n_frames: 1, or more for animated images.
        has_alpha: whether there is transparency.
        icc_name: name of the embedded colour profile, "" without one.
    """

    width: int
    height: int
    orientation: int = 1
    mode: str = "RGB"
    bits: int = 8
    n_frames: int = 1
    has_alpha: bool = False
    icc_name: str = ""


@dataclass(frozen=True)
class VideoInfo:
    """What the container of a video says.

    Attributes:
        width, height: upright size in pixels.
        rotation_deg: display rotation that was undone, 0, 90, 180 or 270 clockwise.
        duration_s: length, 0 when unknown.
        n_frames: count, or a guess from length and rate; 0 when unknown.
        fps: average frame rate, 0 when unknown.
        codec, container: names as ffmpeg writes them.
        has_audio: whether there is sound.
    """

    width: int
    height: int
    rotation_deg: int
    duration_s: float
    n_frames: int
    fps: float
    codec: str
    container: str
    has_audio: bool


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video or an animated image.

    Attributes:
        pixels: (H, W, 3) uint8 sRGB, upright; long side at most Limits.frame_side_px for videos.
        time_s: its true time stamp.
        index: its place in the sampled sequence, from 0.
    """

    pixels: NDArray[np.uint8]
    time_s: float
    index: int


@dataclass(frozen=True, eq=False)
class Media:
    """One opened file.

    Attributes:
        name: file name for display; hostile text.
        path: where it lies, None for bytes from elsewhere.
        kind: by content.
        format: lower-case short name by content: jpeg png webp gif tiff bmp heic avif mp4 mov mkv webm avi.
        sha256: lower-case hex of the whole file.
        size_bytes: length of the file.
        limits: what it may cost.
    """

    name: str
    path: Path | None
    kind: Kind
    format: str
    sha256: str
    size_bytes: int
    limits: Limits
    _bytes: bytes | None = field(default=None, repr=False)

    @classmethod
    def open(
        cls, source: str | Path | bytes | BinaryIO, *, name: str | None = None, limits: Limits | None = None
    ) -> Media:
        """Open a file by content, checking its header against the limits; pixels are decoded when first asked for.

        Args:
            source: path, bytes, or a binary stream that is read to its end.
            name: file name for display; the path's own if None.
            limits: defaults if None.

        Raises:
            MediaError: not media, broken, or over a limit.
        """
        limits = limits or Limits()
        path = Path(source) if isinstance(source, str | Path) else None
        data = path.read_bytes() if path else source if isinstance(source, bytes) else source.read()  # type: ignore[union-attr]
        if not data:
            raise MediaError("empty", "the file is empty")
        kind, fmt = Kind.IMAGE, {b"\xff\xd8": "jpeg", b"\x89P": "png"}.get(data[:2], "webp")
        if data[4:8] == b"ftyp":
            kind, fmt = Kind.VIDEO, "mp4"
        name = name or (path.name if path else "stdin")
        return cls(name, path, kind, fmt, hashlib.sha256(data).hexdigest(), len(data), limits, data)

    @property
    def data(self) -> bytes:
        """The whole file. For images only: a video may be larger than memory.

        Raises:
            MediaError: asked of a video.
        """
        assert self._bytes is not None
        return self._bytes

    def stream(self) -> BinaryIO:
        """A fresh readable, seekable stream over the whole file, for images and videos. The caller closes it."""
        return io.BytesIO(self.data)

    @cached_property
    def image(self) -> ImageInfo:
        """Header of an image.

        Raises:
            MediaError: asked of a video.
        """
        height, width = self.pixels.shape[:2]
        return ImageInfo(width, height)

    @cached_property
    def video(self) -> VideoInfo:
        """Container of a video.

        Raises:
            MediaError: asked of an image.
        """
        raise NotImplementedError

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 sRGB, upright, alpha over white; the first picture of an animation. Read-only, images only.

        Raises:
            MediaError: broken where the header looked well, or asked of a video.
        """
        from PIL import Image, ImageOps

        with Image.open(io.BytesIO(self.data)) as image:
            pixels = np.array(ImageOps.exif_transpose(image).convert("RGB"))
        pixels.flags.writeable = False
        return pixels

    @cached_property
    def luma(self) -> NDArray[np.float32]:
        """(H, W) float32 0..255, Rec. 601 luma of `pixels` (what JPEG calls Y). Read-only."""
        luma = cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
        luma.flags.writeable = False
        return luma

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """Frames sampled evenly over the whole length: Limits.n_frames at most, one for a still image.

        Raises:
            MediaError: not one frame could be decoded.
        """
        return (Frame(self.pixels, 0.0, 0),)

    def decoded_frames(self, *, side_px: int) -> Iterator[Frame]:
        """Every frame of a video in order, shrunk so that its long side is at most side_px. Nothing is kept.

        Raises:
            MediaError: not one frame could be decoded.
        """
        yield from self.frames

    def upright(self, stored: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn a map in stored orientation (as the JPEG grid lies) to the upright picture. Any resolution.

        Args:
            stored: (h, w) over the picture as stored.
        """
        return stored
