"""What is known of a file before and after decoding: its kind, what its header says, one frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


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
        pixels: (H, W, 3) uint8 sRGB, upright; long side at most Limits.frame_side_px but for a still image.
        time_s: its true time stamp.
        index: its place in the sampled sequence, from 0.
    """

    pixels: NDArray[np.uint8]
    time_s: float
    index: int
