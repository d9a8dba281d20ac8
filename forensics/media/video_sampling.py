"""Frames spread evenly over a video: read through when it is short, else decoded from the key frames needed."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from forensics.media.videos import (
    Container,
    decoded,
    failures,
    frame_pixels,
    frame_time_s,
    nothing_decoded,
    opened,
    packet_time_s,
    packets,
)
from forensics.settings import Limits

Pixels = NDArray[np.uint8]

READ_THROUGH_FRAMES = 360
"""Up to so many frames reading through is cheaper than jumping about, and it takes the first and the last frame."""

MAX_DECODED_PIXELS = 2_500_000_000
"""Decoded for the frames of one video: 1,200 frames of 1920 x 1080, 5 to 10 s on two processors of 2020."""

_SAME_S = 1e-6


@dataclass(frozen=True)
class _Stretch:
    """Wanted frames that are decoded from one key frame on.

    Attributes:
        key_s: time of the key frame; None where reading begins at the start of the file.
        seek_s: what to seek to so as to come to it, or a little before.
        targets_s: when frames are wanted, ascending.
        max_frames: to decode; a stretch that needs more ends there.
    """

    key_s: float | None
    seek_s: float
    targets_s: tuple[float, ...]
    max_frames: int


def sample(source: Path | BinaryIO, fmt: str, info: Container, limits: Limits) -> list[tuple[Pixels, float]]:
    """Frames spread evenly over the whole length, with their time stamps in seconds; at most Limits.n_frames.

    Where key frames lie so far apart that reaching every frame would decode more than MAX_DECODED_PIXELS, frames are
    taken as near as that allows.

    Raises:
        MediaError: not one frame can be decoded.
    """
    plans = (_whole,) if info.n_frames <= READ_THROUGH_FRAMES else (_stretches, _whole)
    for plan in plans:
        with opened(source, fmt, limits.max_pixels) as (container, stream):
            stretches = plan(container, stream, info, limits.n_frames)
        found: dict[float, Pixels] = {}
        with opened(source, fmt, limits.max_pixels) as (container, stream):
            for stretch in stretches:
                for frame in _reached(container, stream, stretch):
                    pixels = frame_pixels(frame, info.rotation_deg, limits.frame_side_px)
                    found.setdefault(frame_time_s(frame), pixels)
        if found:
            return [(found[time_s], time_s) for time_s in sorted(found)]
    raise nothing_decoded(source, fmt)


def _whole(container: Any, stream: Any, info: Container, n: int) -> list[_Stretch]:
    """Read from the start. The frames are chosen by the time stamps of all packets, which costs no decoding."""
    times_s = np.unique([t for t in map(packet_time_s, packets(container, stream)) if t is not None])
    if times_s.size == 0:
        return []
    even_s = np.linspace(times_s[0], times_s[-1], n)
    nearest = np.abs(times_s[:, None] - even_s[None]).argmin(axis=0)  # (n,)
    targets_s = tuple(float(t) for t in times_s[np.unique(nearest)])
    return [_Stretch(None, 0.0, targets_s, MAX_DECODED_PIXELS // (info.width * info.height))]


def _stretches(container: Any, stream: Any, info: Container, n: int) -> list[_Stretch]:
    """Ask the index for the key frame before each wanted frame; those with one in common are decoded in one go."""
    find = partial(_indexed, container, stream) if info.container != "mpegts" else _Listed(container, stream).find
    found: list[_Stretch] = []
    for i in range(n):
        target_s = info.start_s + (i + 0.5) / n * info.duration_s
        place = find(target_s)
        if place is None:
            continue
        key_s, seek_s = place
        if found and found[-1].key_s is not None and key_s <= found[-1].key_s + _SAME_S:
            found[-1] = replace(found[-1], targets_s=(*found[-1].targets_s, target_s))
        else:
            found.append(_Stretch(key_s, seek_s, (target_s,), 0))
    return _affordable(found, info.n_frames / info.duration_s, MAX_DECODED_PIXELS // (info.width * info.height))


def _affordable(stretches: list[_Stretch], fps: float, max_frames: int) -> list[_Stretch]:
    """The same within a number of frames: where it does not suffice, targets move closer to their key frame."""
    # Where time stamps begin anew within a file, seeking may lead past a target.
    needed = [max(s.targets_s[-1] - (s.key_s or 0.0), 0.0) * fps + 2 for s in stretches]
    # Time stamps may run unevenly: room for twice as many frames as the average rate foretells.
    if sum(needed) <= max_frames:
        return [replace(s, max_frames=2 * math.ceil(n)) for s, n in zip(stretches, needed, strict=True)]
    share = max(max_frames // len(stretches), 1)
    moved = []
    for stretch, n in zip(stretches, needed, strict=True):
        targets_s = stretch.targets_s
        if n > share and stretch.key_s is not None:
            reach_s, n_targets = share / fps, len(targets_s)
            targets_s = tuple(stretch.key_s + reach_s * (i + 0.5) / n_targets for i in range(n_targets))
        moved.append(replace(stretch, targets_s=targets_s, max_frames=share))
    return moved


def _indexed(container: Any, stream: Any, target_s: float) -> tuple[float, float] | None:
    """Time stamp of the last key frame before a time, and what to seek to; None where the index leads nowhere."""
    if not _seek(container, stream, target_s):
        return None
    key_s = next((t for t in map(packet_time_s, packets(container, stream)) if t is not None), None)
    return None if key_s is None else (key_s, target_s)


class _Listed:
    """The same where nothing knows where key frames lie: seeking leads between them. All packets are read once."""

    def __init__(self, container: Any, stream: Any) -> None:
        keys = [p for p in packets(container, stream) if p.is_keyframe and None not in (p.pts, p.dts)]
        # Seeking goes by when packets are decoded, frames by when they are shown.
        self._places = sorted((float(p.pts * p.time_base), float(p.dts * p.time_base)) for p in keys)

    def find(self, target_s: float) -> tuple[float, float] | None:
        at = bisect_right(self._places, (target_s, math.inf))
        return self._places[max(at - 1, 0)] if self._places else None


def _seek(container: Any, stream: Any, target_s: float) -> bool:
    try:
        container.seek(int(target_s / stream.time_base), stream=stream, backward=True)
    except failures():
        return False
    return True


def _reached(container: Any, stream: Any, stretch: _Stretch) -> Iterator[Any]:
    """The first frame at or after each target; the last there is for those that are never reached."""
    targets_s = list(stretch.targets_s)
    if stretch.key_s is not None and not _seek(container, stream, stretch.seek_s):
        return
    last = None
    for last in islice(decoded(container, stream), stretch.max_frames):
        time_s = frame_time_s(last)
        if time_s >= targets_s[0] - _SAME_S:
            targets_s = [t for t in targets_s if t - _SAME_S > time_s]
            yield last
        if not targets_s:
            return
    if last is not None:
        yield last
