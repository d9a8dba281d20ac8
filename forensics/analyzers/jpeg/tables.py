"""Names for quantization tables: each encoder brings its own, so they tell which program saved a file last.

The standard tables and their scaling by "quality" come from ITU-T T.81 Annex K and libjpeg's `jpeg_set_quality`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.int64]

STANDARD_LUMA = np.array(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    ]
)
"""ITU-T T.81 table K.1, row by row."""

STANDARD_CHROMA = np.array(
    [
        *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
        *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
        *(99,) * 32,
    ]
)
"""ITU-T T.81 table K.2, row by row."""

MOZJPEG_LUMA = np.array(
    [
        *(16, 16, 16, 18, 25, 37, 56, 85, 16, 17, 20, 27, 34, 40, 53, 75),
        *(16, 20, 24, 31, 43, 62, 91, 135, 18, 27, 31, 40, 53, 74, 106, 156),
        *(25, 34, 43, 53, 69, 94, 131, 189, 37, 40, 62, 74, 94, 124, 169, 238),
        *(56, 53, 91, 106, 131, 169, 226, 311, 85, 75, 135, 156, 189, 238, 311, 418),
    ]
)
"""Table 3 of mozjpeg's jcparam.c, its default for both channels (after N. Robidoux)."""

_BASES = (("IJG", STANDARD_LUMA, STANDARD_CHROMA), ("mozjpeg", MOZJPEG_LUMA, MOZJPEG_LUMA))


@dataclass(frozen=True)
class TableName:
    """What a set of quantization tables is called.

    Attributes:
        family: "IJG", "mozjpeg", "flat" or "own".
        quality: 1..100 on the scale of the family; for own tables the nearest IJG quality of the luma table.
        exact: whether all tables are those of the family at this quality, entry by entry.
    """

    family: str
    quality: int
    exact: bool

    def __str__(self) -> str:
        if self.family == "own":
            return f"the encoder's own tables, near IJG quality {self.quality}"
        if self.family == "flat":
            return "one step for all frequencies"
        part = "" if self.exact else " for luma, own chroma tables"
        return f"quality {self.quality}, {self.family} tables{part}"


def name_tables(tables: tuple[Table, ...]) -> TableName:
    """Name the tables of a file.

    Args:
        tables: (64,) integer arrays, luma first, frequencies row by row.

    Raises:
        ValueError: no table.
    """
    if not tables:
        raise ValueError("a JPEG has at least one quantization table")
    luma, chroma = tables[0], tables[1] if len(tables) > 1 else None
    for family, _, base_chroma in _BASES:
        fits = np.flatnonzero((_scaled(family) == luma).all(axis=1))
        if not fits.size:
            continue
        # Low qualities saturate at 255 and high ones at 1, so several may fit; the chroma decides, then the lowest.
        exact = [q for q in fits if chroma is None or (scale_table(base_chroma, int(q) + 1) == chroma).all()]
        quality = int((exact or list(fits))[0]) + 1
        return TableName(family, quality, bool(exact))
    nearest = nearest_quality({i: int(step) for i, step in enumerate(luma)})
    return TableName("flat" if luma.min() == luma.max() else "own", nearest, False)


def scale_table(base: Table, quality: int) -> Table:
    """A base table at an IJG quality.

    Args:
        base: (64,) integers at quality 50.
        quality: 1..100.

    Raises:
        ValueError: quality out of range.

    Source:
        libjpeg jcparam.c, jpeg_quality_scaling and jpeg_add_quant_table with force_baseline.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must lie between 1 and 100, not {quality}")
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((base * percent + 50) // 100, 1, 255).astype(np.int64)


def nearest_quality(steps: dict[int, int]) -> int:
    """IJG quality 1..100 whose luma steps are nearest to some known ones.

    Args:
        steps: frequency index (8 * vertical + horizontal) -> step.

    Raises:
        ValueError: no steps.
    """
    if not steps:
        raise ValueError("at least one step is needed to name a quality")
    at = list(steps)
    own = np.log(np.maximum([steps[i] for i in at], 1))
    distance = np.abs(np.log(_scaled("IJG")[:, at]) - own).mean(axis=1)
    return int(distance.argmin()) + 1


@cache
def _scaled(family: str) -> Table:
    base = next(luma for name, luma, _ in _BASES if name == family)
    return np.stack([scale_table(base, quality) for quality in range(1, 101)])
