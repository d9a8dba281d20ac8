"""Statements of a file that cannot all be true: another thumbnail, another size, impossible dates.

Each can have an innocent cause (a clock never set, an editor that keeps old blocks), so they are shown, not weighed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.analyzers.tags.exif import open_thumbnail
from forensics.analyzers.tags.fields import Tags
from forensics.media import Media

_DATE = re.compile(r"(\d{4})[:\-/](\d{1,2})[:\-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2}):(\d{2}))?")
_FIRST_CAMERAS = 1988
"""The first camera that wrote digital files (Fujix DS-1P)."""
MIN_THUMBNAIL_CORRELATION = 0.6
"""On 23 camera files of ten makers whose thumbnails are genuine none was below 0.8; another picture is around 0."""


@dataclass(frozen=True)
class Contradiction:
    """Two statements that do not fit.

    Attributes:
        what: one plain clause.
        code: stable word for counting.
    """

    what: str
    code: str


def find(media: Media, tags: Tags, now: datetime) -> tuple[list[Contradiction], dict[str, float]]:
    """Contradictions of an image and the numbers behind them.

    Args:
        now: the time of the scan, with a time zone.
    """
    found = _dates(tags, now) + _size(media, tags)
    measures: dict[str, float] = {}
    correlation = thumbnail_correlation(media, tags.thumbnail) if tags.thumbnail else None
    if correlation is not None:
        measures["thumbnail_correlation"] = round(correlation, 4)
        if correlation < MIN_THUMBNAIL_CORRELATION:
            found.append(Contradiction("the embedded thumbnail shows another picture", "thumbnail"))
    return found, measures


def thumbnail_correlation(media: Media, thumbnail: bytes) -> float | None:
    """Correlation of the thumbnail with the picture, -1..1, the best over both orientations; None if unusable.

    Cameras letterbox thumbnails to 4:3, so black bars are cut and the middle is compared.
    """
    image = open_thumbnail(thumbnail)
    if image is None:
        return None
    small = _without_bars(np.asarray(image, np.float32))
    if min(small.shape) < 16:
        return None
    best = -1.0
    for luma in (media.luma, media.stored_luma):
        height, width = luma.shape
        aspect = small.shape[1] / small.shape[0]
        crop_w, crop_h = min(width, round(height * aspect)), min(height, round(width / aspect))
        y, x = (height - crop_h) // 2, (width - crop_w) // 2
        middle = luma[y : y + crop_h, x : x + crop_w]
        size = (48, 48)
        one = cv2.resize(np.ascontiguousarray(middle), size, interpolation=cv2.INTER_AREA)
        two = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
        best = max(best, _correlation(np.asarray(one, np.float32), np.asarray(two, np.float32)))
    return best


def _without_bars(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = np.flatnonzero(luma.max(axis=1) > 24)
    columns = np.flatnonzero(luma.max(axis=0) > 24)
    if not len(rows) or not len(columns):
        return luma
    return np.ascontiguousarray(luma[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _correlation(one: NDArray[np.float32], two: NDArray[np.float32]) -> float:
    a, b = one - one.mean(), two - two.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    # Two flat pictures look alike; nothing can be said against them.
    return float((a * b).sum()) / norm if norm > 1e-6 else 1.0


def _dates(tags: Tags, now: datetime) -> list[Contradiction]:
    taken = _date(tags.first("DateTimeOriginal"))
    digitized, modified = _date(tags.first("DateTimeDigitized")), _date(tags.first("DateTime"))
    gps = _date(tags.first("GPSDateStamp"))
    found = []
    for name, date in (("taken", taken), ("digitised", digitized), ("modified", modified), ("GPS", gps)):
        if date and date > now + timedelta(days=1):
            found.append(Contradiction(f"the {name} date lies in the future ({date:%Y-%m-%d})", "future"))
        if date and date.year < _FIRST_CAMERAS and name != "taken":
            found.append(Contradiction(f"the {name} date lies before digital cameras ({date:%Y-%m-%d})", "ancient"))
    if taken and modified and modified < taken - timedelta(days=1):
        found.append(Contradiction("it was modified before it was taken", "order"))
    if taken and gps and abs(taken - gps) > timedelta(days=2):
        found.append(Contradiction("the GPS date and the date taken lie days apart", "gps"))
    return found


def _date(text: str) -> datetime | None:
    match = _DATE.match(text.strip())
    if not match:
        return None
    try:
        return datetime(*(int(part or 0) for part in match.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None


def _size(media: Media, tags: Tags) -> list[Contradiction]:
    try:
        width, height = int(tags.first("ExifImageWidth")), int(tags.first("ExifImageHeight"))
    except ValueError:
        return []
    real = media.image.width, media.image.height
    if not width or not height or sorted(real) == sorted((width, height)):
        return []
    return [Contradiction(f"EXIF records {width} x {height} pixels, the picture has {real[0]} x {real[1]}", "size")]
