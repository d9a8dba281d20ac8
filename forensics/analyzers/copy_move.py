"""Copy-move: a part that occurs twice, down to its noise, was copied within the picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.analyzers.base import calibration
from forensics.analyzers.compact import heat_map
from forensics.analyzers.copymove.geometry import Motion, motions
from forensics.analyzers.copymove.keypoints import match_within
from forensics.analyzers.copymove.regions import Copy, Mask, compare
from forensics.analyzers.copymove.repetition import rival_correlation
from forensics.analyzers.evenness import EVEN, is_even
from forensics.finding import Claim, Finding, Heat, Region, Trace
from forensics.media import Kind, Media
from forensics.settings import ScanSettings

MATCH_SIDE_PX = 768
"""Long side at which keypoints are matched, enlarged twice at most to get there: on planted copies of 0.3 to 3 % of
small photos, 700 found 70 %, 512 found 58 % and 1024 found 69 % in a third more time."""

COMPARE_SIDE_PX = 1024
"""Long side at which parts are compared; smaller pictures are compared as they are."""

MIN_SIDE_PX = 64
"""Below this a part and its copy do not both fit with enough keypoints."""

MAX_MOTIONS = 8
"""Maps that are looked at; repetition, such as text, brings several that no copy made."""

MAX_COPIES = 4
"""Candidates that are searched for in the rest of the picture."""

CHANCE_SHARE = 0.01
"""Keypoints that one map explains by chance, out of those alike that no copy explains: on made pages of text with 1,200
to 1,700 pairs, 6 to 20 lined up where a word recurs. Matches of a planted copy are a tenth of all and more."""

CHANCE_RANK = 3
"""Maps that may be copies; the one after them shows how many keypoints line up without one."""

SHOWN_SHARE = 0.5
"""A second copy is shown beside the best one from this share of its evidence."""

EXPLANATION = (
    "Two parts that agree point by point, also in their noise, come from one and the same pixels: something was "
    "covered or multiplied. Printed text, windows, tiles, patterns and rows of equal products repeat by themselves, "
    "though hardly ever so exactly; borders, logos and collages can be repeated without any wish to deceive."
)


class CopyMove:
    """Looks for a part that was copied within the picture, also turned or resized."""

    name: ClassVar[str] = "copy_move"
    trace: ClassVar[Trace] = Trace.GEOMETRY
    title: ClassVar[str] = "Copied parts"
    about: ClassVar[str] = (
        "Looks for parts that occur twice, shifted, turned or resized; it sees no mirrored copies, nothing smooth or "
        "smaller than about 20 pixels, and nothing pasted from another photo."
    )

    def __init__(self, settings: ScanSettings) -> None:
        self._settings = settings

    def skip_reason(self, media: Media) -> str | None:
        """Why this file cannot be examined."""
        if media.kind is Kind.VIDEO:
            return "parts are compared within single pictures, not within videos"
        if min(media.luma.shape) < MIN_SIDE_PX:
            return f"needs at least {MIN_SIDE_PX} pixels a side"
        return EVEN if is_even(media.luma) else None

    def examine(self, media: Media) -> Iterable[Finding]:
        """Yield one finding: the part and copy that agree most exactly, with others that come near."""
        copies, n_matches = find_copies(media.luma)
        measures = _measures(copies, n_matches, media.luma.shape)
        model = calibration(self.name)
        llr = model.llr(measures) if model is not None else None
        shown = [c for c in copies if c.evidence >= SHOWN_SHARE * copies[0].evidence > 0]
        marked = shown if llr is None or llr > 0 else []
        yield Finding(
            analyzer=self.name,
            trace=self.trace,
            summary=_summary(copies, llr),
            llr=llr,
            claim=Claim.MANIPULATED,
            explanation=EXPLANATION,
            measures=measures,
            details=tuple((f"Copy {i}", _describe(c)) for i, c in enumerate(marked, 1)),
            regions=tuple(r for i, c in enumerate(marked, 1) for r in _regions(c, i, media.luma.shape)),
            heat=_heat(marked),
        )


def find_copies(luma: NDArray[np.float32]) -> tuple[list[Copy], int]:
    """Find parts that occur more than once, the most exact first, and count the matched keypoints.

    Args:
        luma: (H, W) float32 0..255.

    Returns:
        Copies with masks at the size of comparison (long side COMPARE_SIDE_PX at most), and the number of matches.
    """
    compared = _shrunk(luma, COMPARE_SIDE_PX)
    enlarge = min(2.0, MATCH_SIDE_PX / max(compared.shape))
    method = cv2.INTER_AREA if enlarge < 1 else cv2.INTER_CUBIC
    matched = cv2.resize(compared, None, fx=enlarge, fy=enlarge, interpolation=method)
    matches = match_within(np.clip(np.rint(matched), 0, 255).astype(np.uint8))
    n_matches, found = len(matches.source) // 2, motions(matches, limit=MAX_MOTIONS)
    compared_copies = [compare(compared, m.scaled(1 / enlarge)) for m in found]
    counted = [replace(c, chance=_chance(c, found, n_matches)) for c in compared_copies if c is not None]
    copies = sorted(counted, key=_order)[:MAX_COPIES]
    copies = [replace(c, rival=rival_correlation(compared, c)) for c in copies]
    return sorted(copies, key=_order), n_matches


def _chance(copy: Copy, found: Sequence[Motion], n_matches: int) -> float:
    """Keypoints that would line up by chance, given the matches that a copy leaves unexplained and the other maps."""
    expected = CHANCE_SHARE * max(n_matches - copy.motion.n_inliers, 0)
    support = sorted((m.n_inliers for m in found), reverse=True)
    return min(expected, float(support[CHANCE_RANK])) if len(support) > CHANCE_RANK else 0.0


def _order(copy: Copy) -> tuple[float, float]:
    return -copy.evidence, -copy.exactness


def _shrunk(luma: NDArray[np.float32], side_px: int) -> NDArray[np.float32]:
    factor = side_px / max(luma.shape)
    if factor >= 1:
        return luma
    return np.asarray(cv2.resize(luma, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.float32)


def _measures(copies: Sequence[Copy], n_matches: int, shape: tuple[int, ...]) -> dict[str, float]:
    """The most exact copy in numbers; zeros where there is none."""
    measures = {"n_matches": float(n_matches), "n_copies": float(len(copies))}
    if not copies:
        names = (
            "evidence",
            "exactness",
            "correlation",
            "rival",
            "n_inliers",
            "area_share",
            "agreement",
            "residual",
            "fine",
            "filled",
        )
        return measures | dict.fromkeys((*names, "difference", "shift", "offset_px", "turn_deg", "scale"), 0.0)
    best = copies[0]
    shrink = max(best.source.shape) / max(shape)
    return measures | {
        "evidence": best.evidence,
        "exactness": best.exactness,
        "n_inliers": float(best.motion.n_inliers),
        "area_share": best.area,
        "agreement": best.agreement,
        "correlation": best.correlation,
        "rival": best.rival,
        "residual": best.residual,
        "fine": best.fine,
        "filled": best.filled,
        "difference": best.difference,
        "shift": best.shift,
        "offset_px": float(np.hypot(*best.motion.offset_px)) / shrink,
        "turn_deg": best.motion.turn_deg,
        "scale": best.motion.scale,
    }


def _regions(copy: Copy, group: int, shape: tuple[int, ...]) -> list[Region]:
    """Boxes around part and copy on the full-size picture; both carry the number of their group."""
    boxes = []
    for mask in (copy.source, copy.target):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            continue
        factor = np.array([shape[1] / mask.shape[1], shape[0] / mask.shape[0]])
        x, y = (np.array([columns[0], rows[0]]) * factor).astype(int)
        right, bottom = np.ceil(np.array([columns[-1] + 1, rows[-1] + 1]) * factor).astype(int)
        width, height = min(int(right), shape[1]) - int(x), min(int(bottom), shape[0]) - int(y)
        boxes.append(Region(int(x), int(y), width, height, "copied part", score=copy.exactness, group=group))
    return boxes


def _heat(copies: Sequence[Copy]) -> Heat | None:
    if not copies:
        return None
    both: Mask = np.logical_or.reduce([c.source | c.target for c in copies])
    return Heat(heat_map(both.astype(np.float32), 0.0, 1.0), "occurs twice in the picture")


def _describe(copy: Copy) -> str:
    motion: Motion = copy.motion
    return (
        f"{copy.area:.1%} of the picture, turned by {round(motion.turn_deg)} degrees, scaled by {motion.scale:.2f}, "
        f"{motion.n_inliers} matching points, noise agrees to {max(copy.fine, 0):.0%}"
    )


def _summary(copies: Sequence[Copy], llr: float | None) -> str:
    if not copies:
        return "No part of the picture occurs twice"
    if llr is None:
        return "The parts that look most alike are marked; this is for the eye"
    if llr > 0:
        turned = abs(copies[0].motion.turn_deg) > 2 or abs(copies[0].motion.scale - 1) > 0.03
        how = ", turned or resized" if turned else ""
        return f"One part occurs twice{how}, as exactly as only a copy does"
    return "Parts look alike, but not so exactly that one must be a copy of the other"
