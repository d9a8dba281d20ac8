"""The picture track of a video as a sequence: what the container lists of every packet, and small grey frames in order.

Rests on PyAV. Nothing is read whole: packets are counted, frames are handed on one by one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from forensics.media.videos import decoded, failures, frame_pixels, opened

MAX_PACKETS = 1_000_000
"""Nine hours at 30 frames a second; 20 MB of numbers."""

ROW_STEP = 16
"""Every 16th row at full size shows whether two frames are the same to the last bit, at a sixteenth of the cost."""

WHOLE_SHARE = 0.98
"""Share of the packets in the index that must be there: AVI counts empty ones as well."""

SAME_MOMENT_S = 0.002
"""Time stamps closer than this are the same: no camera takes 500 frames a second for a container of milliseconds."""

_PICTURE_TYPES = {1: "I", 2: "P", 3: "B"}
"""As ffmpeg counts them (AVPictureType)."""


@dataclass(frozen=True, eq=False)
class Packets:
    """Every packet of the picture track, in the order in which the frames are shown.

    Attributes:
        times_s: (n,) float64, presentation times, rising.
        sizes_bytes: (n,) int64, coded size.
        is_key: (n,) bool, whether decoding can start there.
        is_hidden: (n,) bool, whether an edit list keeps it from being shown.
        tick_s: unit of the time stamps.
        n_untimed: packets without a time stamp, which are left out above.
        n_promised: packets that the index of the container lists; 0 when it has none.
        complete: False when the container breaks off or a limit was reached.
    """

    times_s: NDArray[np.float64]
    sizes_bytes: NDArray[np.int64]
    is_key: NDArray[np.bool_]
    is_hidden: NDArray[np.bool_]
    tick_s: float
    n_untimed: int
    n_promised: int
    complete: bool


@dataclass(frozen=True, eq=False)
class GreyFrame:
    """One decoded frame, as small as a look along the time line needs it.

    Attributes:
        luma: (h, w) uint8, shrunk, as stored (a rotation is not undone).
        rows: (m, W) uint8, every ROW_STEP-th row of the luma at full size, most significant 8 bits.
        time_s: true time stamp; None when the container has none.
        picture_type: "I", "P", "B" or "" when unknown.
        size_px: width and height as coded.
    """

    luma: NDArray[np.uint8]
    rows: NDArray[np.uint8]
    time_s: float | None
    picture_type: str
    size_px: tuple[int, int]


def read_packets(source: Path | BinaryIO, fmt: str, *, max_pixels: int, budget_s: float) -> Packets:
    """List the packets of the picture track without decoding any.

    Args:
        source: the video.
        fmt: short name of the container by content.
        max_pixels: larger frames count as broken.
        budget_s: time after which it stops and says so.

    Raises:
        MediaError: the container cannot be opened.
    """
    stop = time.monotonic() + budget_s
    rows: list[tuple[int, int, bool, bool]] = []
    n_untimed, complete = 0, False
    with opened(source, fmt, max_pixels) as (container, stream):
        tick_s, n_promised = float(stream.time_base or 0), int(stream.frames or 0)
        packets = container.demux(stream)
        while len(rows) < MAX_PACKETS and time.monotonic() < stop:
            try:
                packet = next(packets)
            except StopIteration:
                complete = True
                break
            except failures():
                break
            if packet.size == 0:
                continue  # the empty packet that flushes the decoder
            shown_at = packet.pts if packet.pts is not None else packet.dts  # AVI knows only the order of decoding
            if shown_at is None:
                n_untimed += 1
                continue
            rows.append((shown_at, packet.size, packet.is_keyframe, packet.is_discard))
    rows.sort()
    times, sizes, keys, hidden = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Packets(
        times_s=np.array(times, np.float64) * tick_s,
        sizes_bytes=np.array(sizes, np.int64),
        is_key=np.array(keys, bool),
        is_hidden=np.array(hidden, bool),
        tick_s=tick_s,
        n_untimed=n_untimed,
        n_promised=n_promised,
        # Where an index stands in front, a file that is cut off ends without an error.
        complete=complete and len(rows) + n_untimed >= WHOLE_SHARE * n_promised,
    )


def read_grey(source: Path | BinaryIO, fmt: str, *, max_pixels: int, side_px: int) -> Iterator[GreyFrame]:
    """Every frame in order, small and grey; broken packets are left out.

    Args:
        source: the video.
        fmt: short name of the container by content.
        max_pixels: larger frames count as broken.
        side_px: long side of the small frames.

    Raises:
        MediaError: the container cannot be opened.
    """
    with opened(source, fmt, max_pixels) as (container, stream):
        for frame in decoded(container, stream):
            yield _grey(frame, side_px)


def read_moments(
    source: Path | BinaryIO,
    fmt: str,
    times_s: Iterable[float],
    rotation_deg: int,
    *,
    max_pixels: int,
    side_px: int,
    budget_s: float,
) -> dict[float, NDArray[np.uint8]]:
    """The frames shown at given times, each decoded from the key frame before it.

    Args:
        source: the video.
        fmt: short name of the container by content.
        times_s: time stamps of frames.
        rotation_deg: clockwise turn that makes stored frames upright.
        max_pixels: larger frames count as broken.
        side_px: long side of the pictures at most.
        budget_s: time after which the rest is left out.

    Returns:
        Time as given -> (H, W, 3) uint8.

    Raises:
        MediaError: the container cannot be opened.
    """
    stop = time.monotonic() + budget_s
    found: dict[float, NDArray[np.uint8]] = {}
    with opened(source, fmt, max_pixels) as (container, stream):
        for wanted in sorted(set(times_s)):
            try:
                container.seek(int(wanted / stream.time_base), stream=stream, backward=True)
            except failures():
                continue
            for frame in decoded(container, stream):
                if time.monotonic() > stop:
                    return found
                if frame.time is not None and frame.time >= wanted - SAME_MOMENT_S:
                    found[wanted] = frame_pixels(frame, rotation_deg, side_px)
                    break
    return found


def _grey(frame: Any, side_px: int) -> GreyFrame:
    scale = min(1.0, side_px / max(frame.width, frame.height))
    width, height = max(8, round(frame.width * scale)), max(8, round(frame.height * scale))
    return GreyFrame(
        luma=np.ascontiguousarray(frame.reformat(width=width, height=height, format="gray").to_ndarray(), np.uint8),
        rows=_rows(frame),
        time_s=None if frame.time is None else float(frame.time),
        picture_type=_PICTURE_TYPES.get(int(frame.pict_type), ""),
        size_px=(frame.width, frame.height),
    )


def _rows(frame: Any) -> NDArray[np.uint8]:
    layout = frame.format
    plane = frame.planes[0]
    if layout.is_planar and layout.components[0].bits == 8 and not layout.is_rgb and plane.line_size >= frame.width:
        whole = np.frombuffer(plane, np.uint8, count=plane.line_size * frame.height)
        return whole.reshape(frame.height, plane.line_size)[::ROW_STEP, : frame.width].copy()
    grey: NDArray[np.uint8] = frame.reformat(format="gray").to_ndarray()
    return grey[::ROW_STEP].copy()
