"""Videos through PyAV: what the container says, and frames with their true time stamps. Nothing is read whole."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.errors import MediaError
from forensics.media.headers import check_size
from forensics.media.iso_boxes import outer_boxes
from forensics.settings import Limits

Pixels = NDArray[np.uint8]

DEMUXERS = {"mp4": "mov", "mov": "mov", "mkv": "matroska", "webm": "matroska", "avi": "avi"}
DEMUXERS |= {"mpg": "mpeg", "ts": "mpegts", "flv": "flv", "wmv": "asf"}
"""The demuxer is named by content, so that no play list or script in disguise makes ffmpeg open something else."""

_GUESSED = frozenset({"mpg", "ts"})
"""Formats without a length, for which ffmpeg offers a guess."""


@dataclass(frozen=True)
class Container:
    """What the container says.

    Attributes:
        width, height: upright size in pixels.
        rotation_deg: clockwise turn that makes stored frames upright.
        start_s: time stamp of the first frame, as the container says.
        duration_s: from the first frame to the end; 0 for a single frame without a length.
        fps: 0 when unknown.
        n_frames: count, or a guess.
        codec, container: names as ffmpeg writes them.
        has_audio: whether there is sound.
    """

    width: int
    height: int
    rotation_deg: int
    start_s: float
    duration_s: float
    n_frames: int
    fps: float
    codec: str
    container: str
    has_audio: bool


def read_container(source: Path | BinaryIO, fmt: str, limits: Limits) -> Container:
    """Open a video, check its claims, decode one frame for its size and rotation.

    Raises:
        MediaError: broken, without a picture track, or over a limit.
    """
    with opened(source, fmt, limits.max_pixels) as (container, stream):
        check_size(stream.codec_context.width, stream.codec_context.height, limits)
        start, duration = _span_s(container, stream)
        _check_duration(duration, limits)
        first = next(decoded(container, stream), None)
        if first is None:
            raise nothing_decoded(source, fmt)
        check_size(first.width, first.height, limits)
        width, height, turn = first.width, first.height, _rotation(first)
        if turn in (90, 270):
            width, height = height, width
        fps = float(stream.average_rate or stream.guessed_rate or 0)
        n_frames = int(stream.frames or round(duration * fps))
        codec = stream.codec_context.codec
        name = str(getattr(codec, "canonical_name", codec.name))
        has_audio = bool(container.streams.audio)
    if duration == 0 or fmt in _GUESSED:
        # Streamed recordings (MediaRecorder, cut-off Matroska) never learn their length.
        start, duration, n_frames = _measured(source, fmt, limits)
        fps = fps or (n_frames / duration if duration else 0.0)
    return Container(width, height, turn, start, duration, n_frames, fps, name, DEMUXERS[fmt], has_audio)


def read_all(
    source: Path | BinaryIO, fmt: str, info: Container, limits: Limits, side_px: int
) -> Iterator[tuple[Pixels, float]]:
    """Every frame in order with its time stamp in seconds; broken packets are left out.

    Raises:
        MediaError: not one frame can be decoded.
    """
    with opened(source, fmt, limits.max_pixels) as (container, stream):
        none = True
        for frame in decoded(container, stream):
            none = False
            yield frame_pixels(frame, info.rotation_deg, side_px), frame_time_s(frame)
        if none:
            raise nothing_decoded(source, fmt)


def decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Frames of a stream from where it stands; packets that cannot be decoded are left out, as players do."""
    errors = failures()
    for packet in packets(container, stream):
        try:
            yield from packet.decode()
        except errors:
            continue


def packets(container: Any, stream: Any) -> Iterator[Any]:
    """Coded packets of a stream from where it stands to its end, or to where the file breaks off."""
    found = container.demux(stream)
    while True:
        try:
            packet = next(found)
        except StopIteration:
            return
        except failures():
            return  # the container is cut off here; what came before stands
        yield packet


def packet_time_s(packet: Any) -> float | None:
    """When a packet's frame is shown; AVI knows only when it is decoded. None for the empty packet at the end."""
    ticks = packet.pts if packet.pts is not None else packet.dts
    return None if ticks is None else float(ticks * packet.time_base)


def frame_time_s(frame: Any) -> float:
    """Time stamp of a frame; 0 for one without."""
    return float(frame.time) if frame.time is not None else 0.0


def frame_pixels(frame: Any, rotation_deg: int, side_px: int) -> Pixels:
    """(H, W, 3) uint8 RGB, upright, read-only, the long side at most side_px."""
    scale = min(1.0, side_px / max(frame.width, frame.height))
    width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
    pixels = frame.to_ndarray(format="rgb24", width=width, height=height)
    turns = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    if rotation_deg in turns:
        pixels = cv2.rotate(pixels, turns[rotation_deg])
    upright = np.ascontiguousarray(pixels, dtype=np.uint8)
    upright.flags.writeable = False
    return upright


def nothing_decoded(source: Path | BinaryIO, fmt: str) -> MediaError:
    """Why there is not one frame: cut off, as far as the boxes of the file tell, or broken."""
    if fmt in ("mp4", "mov") and _ends_early(source):
        return MediaError("truncated", "the file is cut off before the first frame of the video")
    return MediaError("broken", "not one frame of the video can be decoded")


@contextmanager
def opened(source: Path | BinaryIO, fmt: str, max_pixels: int) -> Iterator[tuple[Any, Any]]:
    """Container and its first picture track; frames of more than max_pixels count as broken before they allocate."""
    import av

    if not isinstance(source, Path):
        source.seek(0, os.SEEK_SET)
    try:
        name = source if not isinstance(source, Path) else str(source)
        container = av.open(name, mode="r", format=DEMUXERS[fmt], metadata_errors="replace")
    except failures() as error:
        words = " ".join(str(getattr(error, "strerror", "") or error).split())
        code = "truncated" if "End of file" in words or "Invalid data" in words else "broken"
        raise MediaError(
            code, f"the {fmt.upper()} file is broken or cut off: it cannot be opened as a video"
        ) from error
    with container:
        covers = av.stream.Disposition.attached_pic
        streams = [s for s in container.streams.video if not s.disposition & covers]
        if not streams and container.streams.audio:
            raise MediaError("not-media", f"the {fmt.upper()} file holds sound and no video")
        if not streams:
            raise MediaError("broken", f"the {fmt.upper()} file holds no video track")
        stream = streams[0]
        if stream.codec_context is None:
            raise MediaError("unsupported", "the video is coded in a way that cannot be decoded here")
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 2
        stream.codec_context.options = {"max_pixels": str(max_pixels)}
        yield container, stream


def failures() -> tuple[type[Exception], ...]:
    """What reading a broken stream may raise."""
    import av

    return (av.error.FFmpegError, OSError, ValueError, EOFError, MemoryError, OverflowError)


def _check_duration(duration_s: float, limits: Limits) -> None:
    if duration_s > limits.max_duration_s:
        limit = f"the limit is {limits.max_duration_s:,g} s"
        raise MediaError("too-long", f"the video is {duration_s:,.0f} s long by its header; {limit}")


def _span_s(container: Any, stream: Any) -> tuple[float, float]:
    """Time stamp of the start, and seconds from there to the end; 0 when unknown."""
    start = float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0
    if stream.duration and stream.time_base:
        return start, max(0.0, float(stream.duration * stream.time_base))
    # Matroska notes when the last frame ends, counted from 0 and not from the first frame.
    end = (container.duration or 0) / 1e6
    return start, end - start if end > start > 0 else max(0.0, end)


def _measured(source: Path | BinaryIO, fmt: str, limits: Limits) -> tuple[float, float, int]:
    """Start, length and number of frames, by the packets alone; nothing is decoded."""
    first, last, n = math.inf, 0.0, 0
    with opened(source, fmt, limits.max_pixels) as (container, stream):
        for packet in packets(container, stream):
            time_s = packet_time_s(packet)
            if time_s is None:
                continue
            first, last, n = min(first, time_s), max(last, time_s), n + 1
            _check_duration(last - first, limits)
    if n == 0:
        return 0.0, 0.0, 0
    return first, (last - first) * n / max(n - 1, 1), n


def _ends_early(source: Path | BinaryIO) -> bool:
    """Whether an outermost box claims to reach beyond the end of the file."""
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        size = file.seek(0, os.SEEK_END)
        return any(box.end > size for box in outer_boxes(file))


def _rotation(frame: Any) -> int:
    """Clockwise degrees to upright; ffmpeg's display matrix counts counter-clockwise."""
    return int(round(-float(getattr(frame, "rotation", 0) or 0) / 90.0) * 90) % 360
