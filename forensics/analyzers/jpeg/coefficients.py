"""Luma DCT coefficients: read from a JPEG as stored, or computed from the pixels of another file on a given grid.

Both come as whole multiples of a step per frequency, so that one set of detectors reads JPEGs and pictures that were
JPEGs once: a decoded picture is "quantized" with steps of 1.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from forensics.errors import MediaError
from forensics.settings import Limits

MAX_SCANS = 200
"""A progressive file has about ten scans; each one more costs a walk over all coefficients."""

MAX_PADDING = 4
"""A component may be stored up to this many times larger than the picture: odd sampling factors, never in photos."""

_FRAMES = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive", 0xC9: "arithmetic", 0xCA: "arithmetic"}
_SUBSAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}


@dataclass(frozen=True)
class FrameHeader:
    """The start-of-frame segment of a JPEG.

    Attributes:
        coding: baseline, extended, progressive or arithmetic.
        width, height: pixels as stored.
        sampling: (horizontal, vertical) factor of each component.
    """

    coding: str
    width: int
    height: int
    sampling: tuple[tuple[int, int], ...]

    @property
    def subsampling(self) -> str:
        """Chroma subsampling in the usual notation, "grey" without chroma."""
        if len(self.sampling) < 3:
            return "grey"
        (h, v), (ch, cv) = self.sampling[0], self.sampling[1]
        ratio = (h // ch, v // cv) if not (h % ch or v % cv) else None
        return _SUBSAMPLING.get(ratio, "unusual subsampling") if ratio else "unusual subsampling"


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Quantized luma DCT coefficients in stored orientation.

    Attributes:
        values: (h, w, 64) int16 in blocks, frequencies row by row (index 8 * vertical + horizontal).
        steps: (64,) float32 quantization steps, 1 for decoded pictures.
        noise: standard deviation of the rounding to whole pixels that happened before these steps were applied.
    """

    values: NDArray[np.int16]
    steps: NDArray[np.float32]
    noise: float


@dataclass(frozen=True, eq=False)
class Stored:
    """What a JPEG holds.

    Attributes:
        header: its start of frame.
        tables: one (64,) int array for each quantization table in use, luma first, frequencies row by row.
        luma: coefficients of the first component.
    """

    header: FrameHeader
    tables: tuple[NDArray[np.int64], ...]
    luma: Coefficients


def frame_header(data: bytes) -> FrameHeader:
    """Read the first start of frame.

    Args:
        data: the whole file.

    Raises:
        MediaError: there is none, or it cannot be meant.
    """
    for marker, start, end in segments(data):
        if marker in _FRAMES:
            return _parse_frame(marker, data[start + 4 : end])
    raise MediaError("broken", "the JPEG has no frame header that can be read")


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of every segment before the first scan, whose header is the last one yielded.

    Args:
        data: the whole file.

    Raises:
        MediaError: bytes between segments.
    """
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise MediaError("broken", "the JPEG header holds bytes that belong to no segment")
        marker = data[at + 1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        end = at + 2 + max(int.from_bytes(data[at + 2 : at + 4]), 2)
        yield marker, at, end
        if marker in (0xD9, 0xDA):
            return
        at = end


def read_coefficients(data: bytes, limits: Limits) -> Stored:
    """Read the luma coefficients and tables of a JPEG as they are stored; nothing is decoded.

    Args:
        data: the whole file.
        limits: the header is checked against max_pixels before anything is allocated.

    Raises:
        MediaError: over a limit, or not readable as a JPEG.
    """
    header = frame_header(data)
    if header.width * header.height > limits.max_pixels:
        raise MediaError("too-many-pixels", f"the JPEG claims {header.width} x {header.height} pixels")
    if data.count(b"\xff\xda") > MAX_SCANS:
        raise MediaError("unsupported", f"the JPEG has more than {MAX_SCANS} scans")
    import jpeglib

    # jpeglib reads from a path only; the scratch file keeps what was hashed, whatever happens to the original.
    with tempfile.NamedTemporaryFile(suffix=".jpeg") as scratch:
        scratch.write(_without_metadata(data))
        scratch.flush()
        try:
            jpeg = jpeglib.read_dct(scratch.name)
            luma, tables, chosen = jpeg.Y, jpeg.qt, jpeg.quant_tbl_no
        except (OSError, RuntimeError, ValueError, KeyError, IndexError, TypeError) as error:
            raise MediaError("broken", "the JPEG coefficients cannot be read") from error
    own = [int(n) for n in chosen]
    order = [own[0], *sorted({n for n in own if n != own[0]})]
    steps = np.asarray(tables[own[0]], np.float32).reshape(64)
    # Blocks beyond the edge are padding; only whole blocks inside the picture carry its statistics.
    inside = luma[: max(header.height // 8, 1), : max(header.width // 8, 1)]
    values = np.ascontiguousarray(inside).reshape(inside.shape[0], inside.shape[1], 64)
    named = tuple(np.asarray(tables[n], np.int64).reshape(64) for n in order)
    return Stored(header, named, Coefficients(values, np.maximum(steps, 1), 0.29))


def coefficients_of(luma: NDArray[np.float32], offset_px: tuple[int, int] = (0, 0)) -> Coefficients:
    """DCT of decoded luma on a grid, rounded to whole numbers.

    Args:
        luma: (H, W) float32 0..255.
        offset_px: (y, x) of the first block, 0..7 each.
    """
    dy, dx = offset_px
    height, width = (luma.shape[0] - dy) // 8, (luma.shape[1] - dx) // 8
    values = np.empty((height, width, 64), np.int16)
    basis = dct_basis()
    for row in range(0, height, 16):
        last = min(row + 16, height)
        strip = luma[dy + 8 * row : dy + 8 * last, dx : dx + 8 * width] - np.float32(128)
        blocks = strip.reshape(last - row, 8, width, 8).transpose(0, 2, 1, 3).reshape(-1, 64)
        values[row:last] = np.rint(blocks @ basis).reshape(last - row, width, 64)
    # Rounding of RGB and of luma made from it add up to about 0.4 grey levels, seen before and after.
    return Coefficients(values, np.ones(64, np.float32), 0.4)


def decode_luma(coefficients: Coefficients) -> NDArray[np.float32]:
    """Luma (H, W) float32, clipped to 0..255 and not rounded, of whole blocks in stored orientation."""
    height, width, _ = coefficients.values.shape
    luma = np.empty((8 * height, 8 * width), np.float32)
    back = (dct_basis() * coefficients.steps).T.copy()
    for row in range(0, height, 16):
        last = min(row + 16, height)
        blocks = coefficients.values[row:last].reshape(-1, 64).astype(np.float32) @ back
        strip = blocks.reshape(last - row, width, 8, 8).transpose(0, 2, 1, 3).reshape(-1, 8 * width)
        np.clip(strip + np.float32(128), 0, 255, out=luma[8 * row : 8 * last])
    return luma


@cache
def dct_basis() -> NDArray[np.float32]:
    """(64, 64) float32: pixels of a block, row by row, times this are its orthonormal DCT-II coefficients."""
    k = np.arange(8)
    cosine = np.cos((2 * k[None] + 1) * k[:, None] * np.pi / 16) * np.where(k == 0, np.sqrt(1 / 8), 0.5)[:, None]
    basis = np.kron(cosine, cosine).T.astype(np.float32)
    basis.flags.writeable = False
    return basis


def _without_metadata(data: bytes) -> bytes:
    """The same JPEG without comments and application segments: jpeglib refuses files with more than fifty."""
    kept = [b"\xff\xd8"]
    for marker, start, end in segments(data):
        if marker == 0xDA:
            kept.append(data[start:])
        elif marker != 0xFE and not (0xE1 <= marker <= 0xEF and marker != 0xEE):
            kept.append(data[start:end])
    return b"".join(kept)


def _parse_frame(marker: int, body: bytes) -> FrameHeader:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise MediaError("truncated", "the JPEG frame header is cut off")
    bits, height, width, n_components = struct.unpack(">BHHB", body[:6])
    if bits != 8 or n_components not in (1, 3, 4) or not height or not width:
        raise MediaError("unsupported", f"a JPEG of {width} x {height} pixels, {bits} bits, {n_components} channels")
    sampling = tuple((body[7 + 3 * i] >> 4, body[7 + 3 * i] & 15) for i in range(n_components))
    if any(not 1 <= factor <= 4 for pair in sampling for factor in pair):
        raise MediaError("broken", "the JPEG has impossible sampling factors")
    largest = (max(h for h, _ in sampling), max(v for _, v in sampling))
    if largest[0] > MAX_PADDING * sampling[0][0] or sampling[0] != largest:
        raise MediaError("unsupported", "the luma of this JPEG is stored smaller than its colour")
    return FrameHeader(_FRAMES[marker], width, height, sampling)
