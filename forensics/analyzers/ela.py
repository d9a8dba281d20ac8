"""Error level analysis: what changes when the picture is saved again; rests on the quantization done before.

For the eye only: edges and textures always change more than flat parts, so brightness by itself proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.errors import MediaError
from forensics.finding import Finding, Heat, Trace
from forensics.media import Kind, Media
from forensics.settings import ScanSettings

QUALITY = 90
"""The quality of the original recipe (Krawetz); most later saves are near it."""

MAX_HEAT_SIDE = 512
"""Heat is drawn over the picture: finer than this nobody sees."""

MAX_JPEG_SIDE_PX = 65_500
"""libjpeg's JPEG_MAX_DIMENSION."""

MIN_SIDE_PX = 16
"""Two JPEG blocks."""

BRIGHT_PERCENTILE = 99.5
"""The level drawn as strongest: single edges may burn out, regions may not."""


class Ela:
    """Compresses the picture once more and shows where it changes most."""

    name: ClassVar[str] = "ela"
    trace: ClassVar[Trace] = Trace.COMPRESSION
    title: ClassVar[str] = "Error levels"
    about: ClassVar[str] = (
        "Shows where the picture changes most when it is saved again; a picture for a trained eye, it decides nothing."
    )

    def __init__(self, settings: ScanSettings) -> None:
        self._settings = settings

    def skip_reason(self, media: Media) -> str | None:
        """Why this file cannot be examined."""
        if media.kind is Kind.VIDEO:
            return "error levels of single pictures are compared, video coding leaves none"
        if min(media.image.width, media.image.height) < MIN_SIDE_PX:
            return f"needs at least {MIN_SIDE_PX} pixels a side"
        return None

    def examine(self, media: Media) -> Iterable[Finding]:
        """Yield one finding without a ratio, with the map of error levels."""
        levels = error_levels(media.pixels)
        full = max(float(np.percentile(levels, BRIGHT_PERCENTILE)), 1e-3)
        heat = np.clip(levels / full, 0, 1).astype(np.float32)
        yield Finding(
            analyzer=self.name,
            trace=self.trace,
            summary="Error levels are shown for the eye only",
            explanation=(
                "Look for a part whose brightness differs from parts with the same texture. Edges, fine texture and "
                "strong colours are always bright, sky and skin always dark; that alone means nothing."
            ),
            measures={"mean_level": float(levels.mean()), "strongest_level": full},
            heat=Heat(heat, "changes most when saved again"),
        )


def error_levels(pixels: NDArray[np.uint8], quality: int = QUALITY) -> NDArray[np.float32]:
    """Mean absolute change of each small part when the picture is saved as JPEG once more.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        quality: 1..100 of the new save.

    Returns:
        (h, w) float32 in grey levels, long side at most MAX_HEAT_SIDE.

    Raises:
        ValueError: quality out of range.
        MediaError: the picture cannot be encoded as JPEG, such as one of more than 65,500 pixels a side.

    Source:
        Krawetz, A Picture's Worth: Digital Image Analysis and Forensics, Black Hat 2007.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must lie between 1 and 100, not {quality}")
    height, width = pixels.shape[:2]
    if width > MAX_JPEG_SIDE_PX:
        raise MediaError("unsupported", f"a width of more than {MAX_JPEG_SIDE_PX} pixels does not fit into a JPEG")
    cell = -(-max(height, width) // MAX_HEAT_SIDE)
    # Bands of whole JPEG blocks and whole cells give the same result as the whole picture, at a tenth of its memory.
    bands = [_band_levels(pixels[y : y + 16 * cell], quality, cell) for y in range(0, height, 16 * cell)]
    return np.concatenate(bands)


def _band_levels(band: NDArray[np.uint8], quality: int, cell: int) -> NDArray[np.float32]:
    # The channel order does not matter to a difference as long as both sides share it; cv2 wants blue first.
    bgr = cv2.cvtColor(band, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    again = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    if again is None:
        raise MediaError("broken", "the picture cannot be saved as JPEG")
    levels = cv2.absdiff(bgr, again).astype(np.float32).mean(axis=2)
    size = (-(-band.shape[1] // cell), -(-band.shape[0] // cell))
    return np.asarray(cv2.resize(levels, size, interpolation=cv2.INTER_AREA), np.float32)
