"""Draws evidence on a picture: heat over greyed pixels, numbered rectangles. Analyzers measure, this file draws.

Heat is drawn in viridis (Smith & van der Walt 2015), which can be read with any colour vision and whose lightness
rises all the way, so that it also reads when printed in grey. Its middle is green where cividis has a grey that would
vanish on a greyed picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.finding import Heat, Region

Pixels = NDArray[np.uint8]

PREVIEW_SIDE_PX = 1024
"""Long side of a picture in a report: sharp on a desk, small in a mail."""

COLORS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233))
"""One colour a group of regions, told apart with any colour vision (Okabe & Ito 2008)."""

MAX_LABEL = 24
"""Characters of a label that are drawn; the whole label stands in the text of the report."""

PAD_PX = 4
"""Around the words at a region."""

_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
"""Rec. 601, as everywhere in this project."""


def preview(pixels: Pixels, side_px: int = PREVIEW_SIDE_PX) -> Pixels:
    """Shrink a picture for a report; a picture that is small enough is returned as it is.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        side_px: its long side at most.
    """
    height, width = pixels.shape[:2]
    scale = side_px / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def color_map() -> NDArray[np.uint8]:
    """(256, 3) uint8 RGB of the heat colours, from nothing to strongest; lightness never falls."""
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    return np.asarray(cv2.applyColorMap(ramp, cv2.COLORMAP_VIRIDIS)[:, 0, ::-1], np.uint8)


def draw_heat(pixels: Pixels, heat: Heat, alpha: float = 0.75) -> Pixels:
    """Lay a heat map over a greyed and darkened picture; where there is nothing, the grey shows through.

    Args:
        pixels: (H, W, 3) uint8 RGB, whole upright picture at any size.
        heat: over the same picture at any resolution.
        alpha: opacity of the strongest heat, 0..1.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    height, width = pixels.shape[:2]
    values = cv2.resize(heat.values, (width, height), interpolation=cv2.INTER_LINEAR)
    colors = cv2.applyColorMap(np.rint(values * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)[..., ::-1]
    # Half the lightness: yellow must stay brighter than a white wall below it.
    grey = 0.5 * (pixels.astype(np.float32) @ _LUMA)[..., None]
    # The square root keeps weak heat readable as colour instead of as slightly tinted grey.
    opacity = (alpha * np.sqrt(values))[..., None].astype(np.float32)
    return np.rint(grey * (1 - opacity) + colors * opacity).astype(np.uint8)


def draw_regions(pixels: Pixels, regions: Sequence[Region], full_size: tuple[int, int] | None = None) -> Pixels:
    """Draw numbered rectangles: group or place in the list as number, colour and thickness by group.

    Args:
        pixels: (H, W, 3) uint8 RGB, whole upright picture at any size.
        regions: in pixels of the full-size picture.
        full_size: (width, height) of the full-size picture; None when `pixels` is full size.

    Returns:
        (H, W, 3) uint8 RGB; outside the rectangles' borders and labels every pixel is as it was.
    """
    drawn = np.ascontiguousarray(pixels).copy()
    height, width = pixels.shape[:2]
    scale = (width / full_size[0], height / full_size[1]) if full_size else (1.0, 1.0)
    thickness = max(2, round(max(height, width) / 300))
    for number, region in enumerate(regions, 1):
        left, top, right, bottom = _box(region, scale, width, height)
        color = region_color(region, number)
        # A white line on both sides keeps the coloured one visible on any background.
        cv2.rectangle(drawn, (left, top), (right, bottom), (255, 255, 255), thickness + 2)
        cv2.rectangle(drawn, (left, top), (right, bottom), color, thickness)
    corners = [_box(region, scale, width, height)[:2] for region in regions]
    tags = [_tag(str(n), *corner, (height, width)) for n, corner in enumerate(corners, 1)]
    said: set[str] = set()
    for place, (region, corner) in enumerate(zip(regions, corners, strict=True)):
        # Of many alike, as faces in a crowd, the words stand once: they would cover each other and the picture. Where
        # they would cover a neighbour's tag, the text beside the picture has to say them.
        words = _tag(_label(region, place + 1), *corner, (height, width))
        others = tags[:place] + tags[place + 1 :]
        if region.label not in said and not any(words.covers(other) for other in others):
            tags[place] = words
            said.add(region.label)
    for number, (region, tag) in enumerate(zip(regions, tags, strict=True), 1):
        _draw_tag(drawn, tag, region_color(region, number))
    return drawn


def region_color(region: Region, number: int) -> tuple[int, int, int]:
    """RGB of a region that is the `number`-th of its finding, from 1; regions of a group share it."""
    return COLORS[(region.group if region.group is not None else number - 1) % len(COLORS)]


def to_png(pixels: Pixels) -> bytes:
    """Encode (H, W, 3) uint8 RGB as PNG."""
    return _encode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 6])


def to_jpeg(pixels: Pixels, quality: int = 82) -> bytes:
    """Encode (H, W, 3) uint8 RGB as JPEG, about ten times smaller than PNG."""
    return _encode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1])


def _encode(ending: str, pixels: Pixels, options: list[int]) -> bytes:
    done, packed = cv2.imencode(ending, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"cannot encode pixels of shape {pixels.shape} as {ending}")
    return bytes(packed)


def _box(region: Region, scale: tuple[float, float], width: int, height: int) -> tuple[int, int, int, int]:
    left = min(round(region.x * scale[0]), width - 1)
    top = min(round(region.y * scale[1]), height - 1)
    right = min(max(round((region.x + region.width) * scale[0]) - 1, left), width - 1)
    bottom = min(max(round((region.y + region.height) * scale[1]) - 1, top), height - 1)
    return left, top, right, bottom


def _label(region: Region, number: int) -> str:
    # OpenCV's built-in letters are ASCII; the number says which line of the text has the whole label.
    text = "".join(c if " " <= c <= "~" else "?" for c in region.label[:MAX_LABEL]).strip()
    return f"{number} {text}".strip()


@dataclass(frozen=True)
class _Tag:
    """Words at a region, and the rectangle that they take."""

    text: str
    left: int
    top: int
    right: int
    bottom: int
    base: int
    size: float

    def covers(self, other: _Tag) -> bool:
        """Whether the two share a pixel."""
        across = self.left <= other.right and other.left <= self.right
        return across and self.top <= other.bottom and other.top <= self.bottom


def _tag(text: str, left: int, top: int, shape: tuple[int, int]) -> _Tag:
    height, width = shape
    size = min(max(max(height, width) / 1050, 0.35), 1.0)
    (text_width, text_height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, _weight(size))
    x = max(0, min(left, width - text_width - 2 * PAD_PX))
    y = max(0, min(top, height - text_height - below - 2 * PAD_PX))
    ends = x + text_width + 2 * PAD_PX, y + text_height + below + PAD_PX
    return _Tag(text, x, y, *ends, y + text_height + PAD_PX, size)


def _weight(size: float) -> int:
    return 2 if size > 0.6 else 1


def _draw_tag(drawn: Pixels, tag: _Tag, color: tuple[int, int, int]) -> None:
    cv2.rectangle(drawn, (tag.left, tag.top), (tag.right, tag.bottom), color, cv2.FILLED)
    ink = (255, 255, 255) if np.dot(color, _LUMA) < 140 else (0, 0, 0)
    at = (tag.left + PAD_PX, tag.base)
    cv2.putText(drawn, tag.text, at, cv2.FONT_HERSHEY_SIMPLEX, tag.size, ink, _weight(tag.size), cv2.LINE_AA)
