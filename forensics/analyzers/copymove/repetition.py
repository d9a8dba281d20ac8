"""How often a part recurs: tiles, windows and letters come in numbers, a copied part once or twice."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.analyzers.copymove.regions import MIN_DEVIATION, Copy

MAX_TEMPLATE_PX = 40
"""Shorter side that a part is shrunk to before it is searched for: enough detail to tell parts apart, and fast."""

MAX_SHARE = 0.15
"""Share of the picture's shorter side beyond which only the middle of a part is searched for: a wall of tiles agrees
with itself over half of the picture, which leaves no room for a third place."""

CORE = 0.8
"""Share of the part's box that is searched for; its corners mostly lie outside of the part."""

RIVAL = 3
"""Which further place counts: the first two may be copies as well."""


def rival_correlation(luma: NDArray[np.float32], copy: Copy) -> float:
    """Correlation of a part with the third most alike place besides itself and its copy, 0..1.

    Args:
        luma: (H, W) float32, the picture that was compared.
        copy: part and copy in it.
    """
    rows, columns = np.flatnonzero(copy.source.any(axis=1)), np.flatnonzero(copy.source.any(axis=0))
    centre = np.array([columns[0] + columns[-1] + 1, rows[0] + rows[-1] + 1]) / 2
    limit = MAX_SHARE * min(luma.shape)
    box = np.array([min(CORE * np.ptp(columns) + 1, limit), min(CORE * np.ptp(rows) + 1, limit)])
    factor = min(1.0, MAX_TEMPLATE_PX / float(box.min()))
    small = cv2.resize(luma, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else luma
    w, h = (int(side) for side in np.maximum(box * factor, 4))
    x, y = (int(corner) for corner in np.maximum(centre * factor - np.array([w, h]) / 2, 0))
    template = small[y : y + h, x : x + w]
    if float(template.std()) < MIN_DEVIATION:
        return 0.0
    likeness = np.asarray(cv2.matchTemplate(small, template, cv2.TM_CCOEFF_NORMED), np.float32)
    likeness = np.nan_to_num(likeness, posinf=0.0, neginf=0.0)
    moved = copy.motion.matrix[:, :2] @ centre + copy.motion.matrix[:, 2]
    for place in (centre, moved):
        _blank(likeness, place * factor - np.array([w / 2, h / 2]), (w, h))
    best = 0.0
    for _ in range(RIVAL):
        _, best, _, spot = cv2.minMaxLoc(likeness)
        _blank(likeness, np.array(spot, float), (w, h))
    return float(np.clip(best, 0, 1))


def _blank(likeness: NDArray[np.float32], corner: NDArray[np.float64], size: tuple[int, int]) -> None:
    """Take the places around one out of the search, in place: half a part away is another place."""
    reach = np.maximum(np.array(size) // 2, 2)
    low = np.maximum(np.rint(corner - reach).astype(int), 0)
    high = np.maximum(np.rint(corner + reach).astype(int) + 1, 0)
    likeness[low[1] : high[1], low[0] : high[0]] = -1.0
