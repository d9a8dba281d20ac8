"""Perceptual hashes of a file: one for an image, one a frame for a video."""

from __future__ import annotations

from detectors.perceptual_hash import pdq
from forensics.media import Media


def media_hashes(media: Media) -> tuple[str, ...]:
    """Hash of an image, or of each sampled frame of a video in order; pictures without structure are left out.

    Raises:
        MediaError: not one picture could be decoded.
    """
    if media.kind.value == "image":
        pictures = [media.pixels]
    else:
        pictures = [frame.pixels for frame in media.frames]
    hashes = (pdq(pixels) for pixels in pictures)
    return tuple(found for found in hashes if found is not None)
