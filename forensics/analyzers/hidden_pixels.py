"""Colours under pixels that are fully transparent: no viewer shows them, and a whole picture may lie there.

Most programs leave one colour where nothing is to be seen, even areas, or, as WebP does to save bytes, what follows
from the pixels before. In a picture each pixel is something new.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.errors import MediaError
from forensics.media import Kind, Media
from forensics.media.images import read_rgba_rows
from generators.colour import is_wide

MIN_SHARE, MIN_PIXELS = 0.05, 1000
"""Less is an edge or a corner."""

MIN_CONTRAST = 10.0
"""Of 168 training pictures none has less."""

MIN_NOVELTY = 0.05
"""Of the same, 3 in 100 have less; of 5,147 icons and drawings with transparency none has more than 0.002."""

MIN_NOVELTY_WEBP = 0.2
"""Of the same, 7 in 100 have less. Encoders that tidy up what is hidden leave of them at most 0.26, of 99 in 100 less
than this."""


@dataclass(frozen=True)
class Hidden:
    """What lies under pixels that are fully transparent.

    Attributes:
        share: of all pixels, 0..1.
        n_pixels: how many.
        contrast: standard deviation of their luma, in levels of 255.
        novelty: share of them, among hidden neighbours, whose luma none of four predictions of it meets, 0..1.
    """

    share: float
    n_pixels: int
    contrast: float
    novelty: float

    def is_picture(self, fmt: str) -> bool:
        """Whether that varies like a picture, in a file of this format."""
        least = MIN_NOVELTY_WEBP if fmt == "webp" else MIN_NOVELTY
        is_large = self.share >= MIN_SHARE and self.n_pixels >= MIN_PIXELS
        return is_large and self.contrast >= MIN_CONTRAST and self.novelty >= least


def find(media: Media) -> Hidden | None:
    """What a file hides, if it looks like a picture; of an animation the first picture is looked at."""
    if media.kind is not Kind.IMAGE or not media.image.has_alpha or is_wide(media.image.mode):
        return None
    try:
        hidden = measure(read_rgba_rows(media.data, media.format))
    except MediaError:
        # Whoever looks at pixels says so.
        return None
    return hidden if hidden.is_picture(media.format) else None


def measure(bands: Iterable[NDArray[np.uint8]]) -> Hidden:
    """Measure hidden colours.

    Args:
        bands: (n, W, 4) uint8 RGBA, rows from the top of a picture on.
    """
    n_all = n_hidden = n_told = n_new = 0
    total = squares = 0.0
    above: tuple[NDArray[np.int16], NDArray[np.bool_]] | None = None
    for band in bands:
        hidden = band[..., 3] == 0
        n_all += hidden.size
        if not hidden.any():
            above = None
            continue
        luma = cv2.cvtColor(np.ascontiguousarray(band[..., :3]), cv2.COLOR_RGB2GRAY).astype(np.int16)
        values = luma[hidden].astype(np.float64)
        n_hidden += values.size
        total, squares = total + float(values.sum()), squares + float(np.square(values).sum())
        if above is not None:
            luma, hidden = np.vstack([above[0], luma]), np.vstack([above[1], hidden])
        above = luma[-1:], hidden[-1:]
        is_told = hidden[1:, 1:] & hidden[1:, :-1] & hidden[:-1, 1:] & hidden[:-1, :-1]
        n_told += int(is_told.sum())
        n_new += int((is_told & _is_new(luma)).sum())
    mean = total / max(n_hidden, 1)
    contrast = float(np.sqrt(max(squares / max(n_hidden, 1) - mean * mean, 0.0)))
    return Hidden(n_hidden / max(n_all, 1), n_hidden, contrast, n_new / max(n_told, 1))


def _is_new(luma: NDArray[np.int16]) -> NDArray[np.bool_]:
    """(H-1, W-1) whether a pixel is neither its left nor its upper neighbour nor what both lead one to expect."""
    pixel, left, top, corner = luma[1:, 1:], luma[1:, :-1], luma[:-1, 1:], luma[:-1, :-1]
    # Four of the predictors of WebP (RFC 9649, section 4.1); PNG has three of them.
    new: NDArray[np.bool_] = pixel != left
    for expected in (top, (left + top) >> 1, np.clip(left + top - corner, 0, 255)):
        new &= pixel != expected
    return new
