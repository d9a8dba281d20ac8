"""The suspect file as analyzers see it. Decoding is lazy and done once."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.errors import MediaError
from forensics.media import images, tracks, videos
from forensics.media.facts import Frame, ImageInfo, Kind, VideoInfo
from forensics.media.foreign import disk_image
from forensics.media.sniff import HEAD_BYTES, VIDEO_FORMATS, sniff
from forensics.media.tiff_directories import check_one_page
from forensics.media.video_sampling import sample
from forensics.settings import Limits
from generators.orientation import turn_back, turn_upright

__all__ = ["Frame", "ImageInfo", "Kind", "Media", "VideoInfo"]


@dataclass(frozen=True, eq=False)
class Media:
    """One opened file.

    Attributes:
        name: file name for display; hostile text.
        path: where it lies, None for bytes from elsewhere.
        kind: by content.
        format: lower-case short name by content: jpeg png webp gif tiff bmp heic avif mp4 mov mkv webm avi
            mpg ts flv wmv.
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
        try:
            if path is not None:
                return cls._from_path(path, name or path.name, limits)
            data = source if isinstance(source, bytes) else source.read(limits.max_bytes + 1)  # type: ignore[union-attr]
        except OSError as error:
            raise MediaError("unreadable", f"the file cannot be read: {error.strerror or error}") from error
        _check_bytes(len(data), limits.max_bytes)
        fmt = sniff(data[:HEAD_BYTES])
        if fmt == "tiff":
            check_one_page(io.BytesIO(data))
        return cls._of(name or "stdin", None, fmt, hashlib.sha256(data).hexdigest(), len(data), limits, data)

    @classmethod
    def _from_path(cls, path: Path, name: str, limits: Limits) -> Media:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise MediaError("unreadable", "this is not a regular file")
            _check_bytes(size, limits.max_bytes)
            try:
                fmt = sniff(file.read(HEAD_BYTES))
            except MediaError as error:
                raise (disk_image(file, size) if error.code == "not-media" else None) or error from None
            if fmt in VIDEO_FORMATS:
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                return cls._of(name, path, fmt, digest, size, limits, None)
            _check_bytes(size, limits.max_image_bytes)
            if fmt == "tiff":
                check_one_page(file)
            file.seek(0)
            data = file.read(limits.max_image_bytes + 1)
        return cls._of(name, path, fmt, hashlib.sha256(data).hexdigest(), len(data), limits, data)

    @classmethod
    def _of(
        cls, name: str, path: Path | None, fmt: str, sha256: str, size: int, limits: Limits, data: bytes | None
    ) -> Media:
        kind = Kind.VIDEO if fmt in VIDEO_FORMATS else Kind.IMAGE
        media = cls(name, path, kind, fmt, sha256, size, limits, data)
        if kind is Kind.VIDEO:
            _ = media.video
        else:
            _check_bytes(size, limits.max_image_bytes)
            _ = media.image
        return media

    @property
    def data(self) -> bytes:
        """The whole file. For images only: a video may be larger than memory.

        Raises:
            MediaError: asked of a video.
        """
        if self.kind is not Kind.IMAGE or self._bytes is None:
            raise MediaError("unsupported", "the bytes of a video are read as a stream")
        return self._bytes

    def stream(self) -> BinaryIO:
        """A fresh readable, seekable stream over the whole file, for images and videos. The caller closes it."""
        if self._bytes is not None:
            return io.BytesIO(self._bytes)
        assert self.path is not None
        return self.path.open("rb")

    @cached_property
    def _header(self) -> images.Header:
        return images.read_header(self.data, self.format, self.limits)

    @cached_property
    def _container(self) -> videos.Container:
        with self._picture_track() as source:
            return videos.read_container(source, self.format, self.limits)

    @contextmanager
    def _video_source(self) -> Iterator[Path | BinaryIO]:
        if self.path is not None and self._bytes is None:
            yield self.path
        else:
            with self.stream() as stream:
                yield stream

    @cached_property
    def image(self) -> ImageInfo:
        """Header of an image.

        Raises:
            MediaError: asked of a video.
        """
        plain = {f.name: getattr(self._header, f.name) for f in fields(ImageInfo)}
        plain["width"], plain["height"] = images.upright_size(self._header)
        return ImageInfo(**plain)

    @cached_property
    def video(self) -> VideoInfo:
        """Container of a video.

        Raises:
            MediaError: asked of an image.
        """
        return VideoInfo(**{f.name: getattr(self._container, f.name) for f in fields(VideoInfo)})

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 sRGB, upright, alpha over white; the first picture of an animation. Read-only, images only.

        Raises:
            MediaError: broken where the header looked well, or asked of a video.
        """
        pixels = np.ascontiguousarray(images.read_pixels(self.data, self.format, self._header))
        pixels.flags.writeable = False
        return pixels

    @cached_property
    def luma(self) -> NDArray[np.float32]:
        """(H, W) float32 0..255, Rec. 601 luma of `pixels` (what JPEG calls Y). Read-only."""
        luma = cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
        luma.flags.writeable = False
        return luma

    @property
    def is_animation(self) -> bool:
        """Whether it is an image of several pictures that follow each other in time.

        Those behind the first of a JPEG are its preview, depth or brightness.
        """
        return self.kind is Kind.IMAGE and self.image.n_frames > 1 and self.format != "jpeg"

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """Frames sampled evenly over the whole length: Limits.n_frames at most, one for a still image.

        An animation of very many pixels is sampled from its first pictures, as many as a few seconds compose.

        Raises:
            MediaError: not one frame could be decoded.
        """
        if self.kind is Kind.VIDEO:
            with self._video_source() as source:
                found = sample(source, self.format, self._container, self.limits)
            return tuple(Frame(pixels, time_s, i) for i, (pixels, time_s) in enumerate(found))
        if not self.is_animation:
            return (Frame(self.pixels, 0.0, 0),)
        n = images.n_readable_frames(self._header)
        chosen = np.unique(np.linspace(0, n - 1, min(n, self.limits.n_frames)).round().astype(int)).tolist()
        side_px = self.limits.frame_side_px
        return tuple(self._animation(chosen, side_px))

    def decoded_frames(self, *, side_px: int) -> Iterator[Frame]:
        """Every frame of a video or an animation in order, its long side shrunk to at most side_px. Nothing is kept.

        An animation of very many pixels ends early, as for `frames`.

        Raises:
            MediaError: not one frame could be decoded.
        """
        if self.kind is Kind.VIDEO:
            with self._video_source() as source:
                found = videos.read_all(source, self.format, self._container, self.limits, side_px)
                for i, (pixels, time_s) in enumerate(found):
                    yield Frame(pixels, time_s, i)
            return
        yield from self._animation(list(range(images.n_readable_frames(self._header))), side_px)

    def packets(self, *, budget_s: float) -> tracks.Packets:
        """What the container of a video lists of every frame, without decoding any.

        Args:
            budget_s: time after which it stops and says so.

        Raises:
            MediaError: asked of an image.
        """
        with self._picture_track() as source:
            return tracks.read_packets(source, self.format, max_pixels=self.limits.max_pixels, budget_s=budget_s)

    def grey_frames(self, *, side_px: int) -> Iterator[tracks.GreyFrame]:
        """Every frame of a video in order, small and grey, as the time line needs it. Nothing is kept.

        Args:
            side_px: long side of the small frames.

        Raises:
            MediaError: asked of an image.
        """
        with self._picture_track() as source:
            yield from tracks.read_grey(source, self.format, max_pixels=self.limits.max_pixels, side_px=side_px)

    def moments(self, times_s: Iterable[float], *, side_px: int, budget_s: float) -> dict[float, NDArray[np.uint8]]:
        """Frames of a video at given times.

        Args:
            times_s: their time stamps.
            side_px: long side of the pictures at most.
            budget_s: time after which the rest is left out.

        Returns:
            Time as given -> (H, W, 3) uint8 sRGB, upright.

        Raises:
            MediaError: asked of an image.
        """
        turn, most = self._container.rotation_deg, self.limits.max_pixels
        with self._picture_track() as source:
            return tracks.read_moments(
                source, self.format, times_s, turn, max_pixels=most, side_px=side_px, budget_s=budget_s
            )

    @contextmanager
    def _picture_track(self) -> Iterator[Path | BinaryIO]:
        if self.kind is not Kind.VIDEO:
            raise MediaError("unsupported", "this is an image, not a video")
        with self._video_source() as source:
            yield source

    def _animation(self, chosen: list[int], side_px: int) -> Iterator[Frame]:
        found = images.read_frames(self.data, self.format, self._header, chosen, side_px)
        for i, (pixels, time_s) in enumerate(found):
            pixels.flags.writeable = False
            yield Frame(pixels, time_s, i)

    def upright(self, stored: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn a map in stored orientation (as the JPEG grid lies) to the upright picture. Any resolution.

        Args:
            stored: (h, w) over the picture as stored.
        """
        return turn_upright(stored, self.image.orientation)

    @property
    def stored_luma(self) -> NDArray[np.float32]:
        """`luma` as stored, before the orientation was undone: a JPEG grid starts at its top left. A view."""
        return turn_back(self.luma, self.image.orientation)


def _check_bytes(size: int, limit: int) -> None:
    if size > limit:
        raise MediaError("too-many-bytes", f"the file holds more than {limit:,} bytes, the limit")
