"""Videos through PyAV: what the container says, and frames with their true time stamps. Nothing is read whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.errors import MediaError
from forensics.media.headers import check_size
from forensics.settings import Limits

Pixels = NDArray[np.uint8]

DEMUXERS = {"mp4": "mov", "mov": "mov", "mkv": "matroska", "webm": "matroska", "avi": "avi"}
"""The demuxer is named by content, so that no play list or script in disguise makes ffmpeg open something else."""

DECODE_ALL_FRAMES = 360
"""Up to so many frames reading through is cheaper than seeking, and exact."""

SEEK_BUDGET_FRAMES = 48
"""Frames decoded after a jump before the nearest one seen is taken: key frames may lie minutes apart."""


@dataclass(frozen=True)
class Container:
    """What the container says.

    Attributes:
        width, height: upright size in pixels.
        rotation_deg: clockwise turn that makes stored frames upright.
        duration_s, fps: 0 when unknown.
        n_frames: count, or a guess; 0 when unknown.
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


def read_container(source: Path | BinaryIO, fmt: str, limits: Limits) -> Container:
    """Open a video, check its claims, decode one frame for its rotation.

    Raises:
        MediaError: broken, without a picture track, or over a limit.
    """
    with opened(source, fmt) as (container, stream):
        width, height = stream.codec_context.width, stream.codec_context.height
        check_size(width, height, limits)
        duration = _duration_s(container, stream)
        if duration > limits.max_duration_s:
            raise MediaError("too-long", f"the video claims {duration:.0f} s; the limit is {limits.max_duration_s:g} s")
        first = next(decoded(container, stream), None)
        if first is None:
            raise MediaError("broken", "not one frame of the video can be decoded")
        check_size(first.width, first.height, limits)
        turn = _rotation(first)
        if turn in (90, 270):
            width, height = height, width
        fps = float(stream.average_rate or stream.guessed_rate or 0)
        n_frames = int(stream.frames or round(duration * fps))
        audio = bool(container.streams.audio)
        codec = stream.codec_context.name
        return Container(width, height, turn, duration, n_frames, fps, codec, container.format.name, audio)


def sample(source: Path | BinaryIO, fmt: str, info: Container, limits: Limits) -> list[tuple[Pixels, float]]:
    """Frames spread evenly over the whole length, with their time stamps in seconds.

    Raises:
        MediaError: not one frame can be decoded.
    """
    wanted = limits.n_frames
    if 0 < info.n_frames <= DECODE_ALL_FRAMES or info.duration_s <= 0:
        return _sample_by_reading(source, fmt, info, wanted, limits.frame_side_px)
    found: dict[float, Pixels] = {}
    with opened(source, fmt) as (container, stream):
        for i in range(wanted):
            target_s = (i + 0.5) / wanted * info.duration_s
            frame = _seek(container, stream, target_s)
            if frame is not None:
                found.setdefault(_time_s(frame), _pixels(frame, info.rotation_deg, limits.frame_side_px))
    if not found:
        return _sample_by_reading(source, fmt, info, wanted, limits.frame_side_px)
    return [(found[time_s], time_s) for time_s in sorted(found)]


def read_all(source: Path | BinaryIO, fmt: str, info: Container, side_px: int) -> Iterator[tuple[Pixels, float]]:
    """Every frame in order with its time stamp in seconds; broken packets are left out.

    Raises:
        MediaError: not one frame can be decoded.
    """
    with opened(source, fmt) as (container, stream):
        none = True
        for frame in decoded(container, stream):
            none = False
            yield _pixels(frame, info.rotation_deg, side_px), _time_s(frame)
        if none:
            raise MediaError("broken", "not one frame of the video can be decoded")


def _sample_by_reading(
    source: Path | BinaryIO, fmt: str, info: Container, wanted: int, side_px: int
) -> list[tuple[Pixels, float]]:
    # Times first, pixels second: keeping every frame's pixels to choose from would cost memory by the length.
    with opened(source, fmt) as (container, stream):
        times = [_time_s(frame) for frame in decoded(container, stream)]
    if not times:
        raise MediaError("broken", "not one frame of the video can be decoded")
    chosen = set(np.unique(np.linspace(0, len(times) - 1, min(wanted, len(times))).round().astype(int)).tolist())
    with opened(source, fmt) as (container, stream):
        frames = enumerate(decoded(container, stream))
        return [(_pixels(f, info.rotation_deg, side_px), _time_s(f)) for i, f in frames if i in chosen]


def _seek(container: Any, stream: Any, target_s: float) -> Any | None:
    start = stream.start_time or 0
    try:
        container.seek(start + int(target_s / stream.time_base), stream=stream, backward=True)
    except failures():
        return None
    best = None
    for n, frame in enumerate(decoded(container, stream)):
        best = frame
        if _time_s(frame) >= target_s or n >= SEEK_BUDGET_FRAMES:
            break
    return best


def decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Frames of a stream; packets that cannot be decoded are left out, as players do."""
    errors = failures()
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except errors:
            return  # the container is cut off here; what came before stands
        try:
            yield from packet.decode()
        except errors:
            continue


@contextmanager
def opened(source: Path | BinaryIO, fmt: str) -> Iterator[tuple[Any, Any]]:
    """Container and its first picture track."""
    import av

    if not isinstance(source, Path):
        source.seek(0, os.SEEK_SET)
    try:
        name = source if not isinstance(source, Path) else str(source)
        container = av.open(name, mode="r", format=DEMUXERS[fmt], metadata_errors="replace")
    except failures() as error:
        words = " ".join(str(getattr(error, "strerror", "") or error).split())
        cut = "moov" in words or "End of file" in words or "Invalid data" in words
        code = "truncated" if cut else "broken"
        raise MediaError(code, f"the {fmt.upper()} container is broken or cut off: {words[:200]}") from error
    with container:
        streams = [s for s in container.streams.video if s.codec_context is not None]
        if not streams:
            raise MediaError("broken", "the container holds no picture track that can be decoded")
        stream = streams[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 2
        yield container, stream


def failures() -> tuple[type[Exception], ...]:
    """What reading a broken stream may raise."""
    import av

    return (av.error.FFmpegError, OSError, ValueError, EOFError, MemoryError, OverflowError)


def _duration_s(container: Any, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    return max(0.0, (container.duration or 0) / 1e6)


def _time_s(frame: Any) -> float:
    return float(frame.time) if frame.time is not None else 0.0


def _rotation(frame: Any) -> int:
    """Clockwise degrees to upright; ffmpeg's display matrix counts counter-clockwise."""
    return int(round(-float(getattr(frame, "rotation", 0) or 0) / 90.0) * 90) % 360


def _pixels(frame: Any, rotation_deg: int, side_px: int) -> Pixels:
    scale = min(1.0, side_px / max(frame.width, frame.height))
    width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
    pixels = frame.to_ndarray(format="rgb24", width=width, height=height)
    turns = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    if rotation_deg in turns:
        pixels = cv2.rotate(pixels, turns[rotation_deg])
    upright = np.ascontiguousarray(pixels, dtype=np.uint8)
    upright.flags.writeable = False
    return upright
