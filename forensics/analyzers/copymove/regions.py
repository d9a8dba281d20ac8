"""How exactly two parts of a picture agree under a map: a copy repeats even the noise, a second object does not."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.analyzers.copymove.geometry import Motion

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

WINDOW_PX = 7
"""Side of the window in which source and target are compared."""

MIN_AGREEMENT = 0.75
"""Local correlation from which a place belongs to the copy."""

MIN_DEVIATION = 1.5
"""Standard deviation in 8-bit steps below which a window has nothing to correlate."""

MIN_FINE_DEVIATION = 0.4
"""The same for the high-pass residual, which rounding to 8 bits alone gives 0.2 to 0.3."""

MAX_OVERLAP = 0.3
"""A part that lies on its own copy by more than this share is symmetric or striped, not copied."""

MAX_EVIDENCE = 0.5
"""Untouched training photos reach 0.35, most planted copies pass 0.5; without a bound the clearest copies would set the
slope of the fitted ratio (planted copies flagged fell from 69 to 58 %, sources kept apart)."""

ROUNDING = 0.01
"""Lack of correlation that rounding and shrinking alone bring: below it nobody agrees better than others."""

MARGIN_PX = 64
"""How far around the matched keypoints the copy may reach."""


@dataclass(frozen=True, eq=False)
class Copy:
    """A part and its copy; which of the two is the original is not known.

    Attributes:
        motion: the map from one to the other.
        source, target: (H, W) bool, where they lie.
        agreement: median over the source of the local correlation, -1..1.
        correlation: over the whole part, -1..1.
        residual: correlation of the high-pass residuals over the source, -1..1.
        fine: median over the source of the local correlation of the residuals, -1..1.
        difference: root mean square difference over the standard deviation, 0 for equal parts.
        shift: absolute difference of the mean brightness, in 8-bit steps.
        filled: share of the matched keypoints' hull that agrees, 0..1.
        rival: correlation of the part with places that are neither it nor its copy, 0..1; 0 before it was looked at.
        chance: matched keypoints that would line up by chance, 0 before other matches were counted.
    """

    motion: Motion
    source: Mask
    target: Mask
    agreement: float
    correlation: float
    residual: float
    fine: float
    difference: float
    shift: float
    filled: float
    rival: float = 0.0
    chance: float = 0.0

    @property
    def exactness(self) -> float:
        """One figure 0..1 for how exactly and how completely the parts agree."""
        return self.filled * max(self.fine, 0.0) * max(1.0 - self.difference, 0.0) ** 2

    @property
    def evidence(self) -> float:
        """Exactness, counting more the more keypoints agree beyond chance, up to a bound."""
        strength = self.exactness * float(np.log10(1 + self.motion.n_inliers / (1 + self.chance)))
        return min(strength, MAX_EVIDENCE) * self.distinctness

    @property
    def distinctness(self) -> float:
        """1 where the copy agrees far better than any other place, 0 where other places agree about as well."""
        ratio = (1 - self.correlation + ROUNDING) / (1 - self.rival + ROUNDING)
        return min(max(2 - 3 * ratio, 0.0), 1.0)

    @property
    def area(self) -> float:
        """Share of the picture that the source covers."""
        return float(self.source.mean())


def compare(luma: Plane, motion: Motion) -> Copy | None:
    """Grow the part that agrees under a map and say how exactly it does; None where nothing agrees.

    Args:
        luma: (H, W) float32 0..255.
        motion: from source to target.
    """
    best: Copy | None = None
    for matrix in _variants(motion):
        copy = _compare(luma, Motion(matrix, motion.source, motion.target))
        if copy is not None and (best is None or copy.exactness > best.exactness):
            best = copy
    return best


def _variants(motion: Motion) -> list[NDArray[np.float64]]:
    """The fitted map, and the whole-pixel shift it may stand for: most copies are neither turned nor resized."""
    variants = [motion.matrix]
    if abs(motion.scale - 1) < 0.03 and abs(motion.turn_deg) < 2.0:
        x, y = np.rint(np.median(motion.target - motion.source, axis=0))
        variants.append(np.array([[1.0, 0.0, x], [0.0, 1.0, y]]))
    return variants


def _compare(luma: Plane, motion: Motion) -> Copy | None:
    height, width = luma.shape
    left, top = np.maximum(motion.source.min(axis=0).astype(int) - MARGIN_PX, 0)
    right, bottom = np.minimum(motion.source.max(axis=0).astype(int) + MARGIN_PX + 1, (width, height))
    here = np.ascontiguousarray(luma[top:bottom, left:right])
    size = (int(right - left), int(bottom - top))
    shifted = motion.matrix.copy()
    shifted[:, 2] += motion.matrix[:, :2] @ np.array([left, top], float)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    there = np.asarray(cv2.warpAffine(luma, shifted, size, flags=flags, borderMode=cv2.BORDER_REFLECT_101), np.float32)
    inside = _inside(shifted, size, (height, width)) & _apart(motion.matrix, (left, top), size)
    seeds = np.clip(np.rint(motion.source - np.array([left, top])).astype(int), 0, np.array(size) - 1)
    pair = _Pair.of(here, there)
    core = _grow(inside & pair.agrees(), seeds)
    if core.sum() < WINDOW_PX**2:
        return None
    region = _reach_edge(core, inside, np.abs(here - there))
    source = np.zeros(luma.shape, bool)
    source[top:bottom, left:right] = region
    target = cv2.warpAffine(source.astype(np.uint8), motion.matrix, (width, height), flags=cv2.INTER_NEAREST) > 0
    if (source & target).sum() > MAX_OVERLAP * source.sum():
        return None
    return _measured(pair, motion, core, _filled(region, seeds), source, np.asarray(target))


@dataclass(frozen=True, eq=False)
class _Pair:
    """A crop and what a map puts on it, with their residuals and local correlations."""

    here: Plane
    there: Plane
    residuals: tuple[Plane, Plane]
    local: Plane
    deviation: Plane
    fine: Plane
    fine_deviation: Plane

    @classmethod
    def of(cls, here: Plane, there: Plane) -> _Pair:
        residuals = _high_pass(here), _high_pass(there)
        return cls(here, there, residuals, *_local_correlation(here, there), *_local_correlation(*residuals))

    def agrees(self) -> Mask:
        textured = (self.local > MIN_AGREEMENT) & (self.deviation > MIN_DEVIATION)
        # Smooth parts agree by their gradient alone: there the noise has to agree too.
        smooth = (self.fine > MIN_AGREEMENT) & (self.fine_deviation > MIN_FINE_DEVIATION) & (self.local > 0.5)
        return textured | smooth


def _measured(pair: _Pair, motion: Motion, core: Mask, filled: float, source: Mask, target: Mask) -> Copy:
    inner = cv2.erode(core.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    # The rim of a copy is mixed with its surroundings; a thin part is all rim.
    core = inner if 2 * inner.sum() > core.sum() else core.copy()
    # Where something else covers a copy nothing agrees; that much is told by `filled`.
    core &= pair.local > 0
    a, b = pair.here[core], pair.there[core]
    return Copy(
        motion=motion,
        source=source,
        target=target,
        agreement=float(np.median(pair.local[core])),
        correlation=_correlation(a, b),
        residual=_correlation(pair.residuals[0][core], pair.residuals[1][core]),
        fine=float(np.median(pair.fine[core])),
        difference=float(np.sqrt(np.mean((a - b) ** 2)) / max(float(a.std()), 1.0)),
        shift=float(abs(a.mean() - b.mean())),
        filled=filled,
    )


def _filled(region: Mask, seeds: NDArray[np.int64]) -> float:
    """Share of the hull of the matched keypoints that a region covers."""
    hull = np.zeros(region.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(seeds.astype(np.int32)), 1)
    return float(region[hull > 0].mean())


def _grow(agrees: Mask, seeds: NDArray[np.int64]) -> Mask:
    """Agreeing places connected to matched keypoints, small gaps closed and specks removed."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (WINDOW_PX, WINDOW_PX))
    closed = cv2.morphologyEx(agrees.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    _, labels = cv2.connectedComponents(opened)
    hit = np.unique(labels[seeds[:, 1], seeds[:, 0]])
    chosen = np.isin(labels, hit[hit > 0]).astype(np.uint8)
    outlines, _ = cv2.findContours(chosen, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros_like(chosen), outlines, -1, 1, -1) > 0)


def _reach_edge(region: Mask, inside: Mask, difference: Plane) -> Mask:
    """Give back the rim that a window could not reach, as far as single pixels agree as well as inside."""
    limit = 2.0 + 2.5 * float(difference[region].mean())
    rim = cv2.dilate(region.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (WINDOW_PX, WINDOW_PX)))
    alike = (cv2.blur(difference, (3, 3)) < limit) & inside & (rim > 0)
    closed = cv2.morphologyEx((alike | region).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return np.asarray(closed > 0)


def _inside(matrix: NDArray[np.float64], size: tuple[int, int], bounds: tuple[int, int]) -> Mask:
    """Places of the crop whose counterpart lies in the picture."""
    there_x, there_y = _mapped(matrix, size)
    return np.asarray((there_x >= 1) & (there_y >= 1) & (there_x <= bounds[1] - 2) & (there_y <= bounds[0] - 2))


def _apart(matrix: NDArray[np.float64], corner: tuple[int, int], size: tuple[int, int]) -> Mask:
    """Places that the map moves far enough not to be compared with themselves."""
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ np.array(corner, float) - np.array(corner, float)
    there_x, there_y = _mapped(shifted, size)
    moved = np.hypot(there_x - np.arange(size[0])[None], there_y - np.arange(size[1])[:, None])
    return np.asarray(moved > WINDOW_PX + 2)


def _mapped(matrix: NDArray[np.float64], size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.arange(size[0])[None], np.arange(size[1])[:, None]
    return (
        matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2],
        matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2],
    )


def _local_correlation(one: Plane, other: Plane) -> tuple[Plane, Plane]:
    """Correlation in the window around each place, and the smaller of both standard deviations."""
    window = (WINDOW_PX, WINDOW_PX)
    means = cv2.blur(one, window), cv2.blur(other, window)
    variance = cv2.blur(one * one, window) - means[0] ** 2, cv2.blur(other * other, window) - means[1] ** 2
    shared = cv2.blur(one * other, window) - means[0] * means[1]
    product = np.sqrt(np.maximum(variance[0], 0) * np.maximum(variance[1], 0))
    correlation = np.clip(shared / np.maximum(product, 1e-3), -1, 1)
    return correlation.astype(np.float32), np.sqrt(np.maximum(np.minimum(*variance), 0)).astype(np.float32)


def _high_pass(plane: Plane) -> Plane:
    return np.asarray(plane - cv2.GaussianBlur(plane, (0, 0), 1.0), np.float32)


def _correlation(one: Plane, other: Plane) -> float:
    if one.size < 2 or one.std() < 1e-3 or other.std() < 1e-3:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
