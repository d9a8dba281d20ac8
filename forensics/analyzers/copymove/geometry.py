"""Matches that one similarity or affine map explains: a copied part moves as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.analyzers.copymove.keypoints import Matches

MIN_INLIERS = 4
"""A similarity is fixed by two matches; two more must agree with it."""

MAX_SEEDS = 400
"""Matches that are tried as the start of a map."""

MAX_MATCHES = 4000
"""In both directions; a picture full of repetition brings more, and the map of a copy shows in a sample of them."""

INLIER_PX = 2.0
"""Keypoints are placed to about a pixel after JPEG and resampling."""

MIN_AFFINE_INLIERS = 8
"""An affine map has six unknowns: from twice its three matches on it is better fixed than a similarity."""

MAX_TURN_SLIP_RAD = 0.35
MAX_SCALE_SLIP = 1.5
"""Orientation and size of one keypoint are that uncertain: half a bin of 36 and half an octave, widened."""


@dataclass(frozen=True, eq=False)
class Motion:
    """A map that carries one part of the picture onto another.

    Attributes:
        matrix: (2, 3) float64, affine, source to target in pixels.
        source, target: (n, 2) float32, the keypoints it explains, each source place once.
    """

    matrix: NDArray[np.float64]
    source: NDArray[np.float32]
    target: NDArray[np.float32]

    @property
    def n_inliers(self) -> int:
        """Number of different places whose matches agree."""
        return len(self.source)

    @property
    def scale(self) -> float:
        """Size of the target over the source."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    @property
    def turn_deg(self) -> float:
        """Turn from source to target, counter-clockwise as seen."""
        a = self.matrix
        return float(-np.degrees(np.arctan2(a[1, 0] - a[0, 1], a[0, 0] + a[1, 1])))

    @property
    def offset_px(self) -> tuple[float, float]:
        """Mean displacement in x and y."""
        x, y = (self.target - self.source).mean(axis=0)
        return float(x), float(y)

    def scaled(self, factor: float) -> Motion:
        """The same map in a picture resized by a factor."""
        # Pixel centres lie half a pixel inside: x' + 0.5 = factor * (x + 0.5).
        centre = 0.5 * factor - 0.5
        matrix = self.matrix.copy()
        matrix[:, 2] = factor * self.matrix[:, 2] + centre - self.matrix[:, :2].sum(axis=1) * centre
        points = [(p * factor + centre).astype(np.float32) for p in (self.source, self.target)]
        return Motion(matrix, *points)


def motions(matches: Matches, *, limit: int) -> list[Motion]:
    """Find the maps that explain most matches, one after the other.

    Args:
        matches: pairs in both directions; each map is found in one of them.
        limit: number of maps at most.

    Source: Hough-like voting of single matches, then RANSAC, as Lowe 2004 sec. 7.3 does for recognition.
    """
    rest = matches
    if len(rest.source) > MAX_MATCHES:
        keep = np.zeros(len(rest.source), bool)
        keep[np.random.default_rng(0).permutation(len(keep))[:MAX_MATCHES]] = True
        rest = rest.where(keep)
    found: list[Motion] = []
    while len(found) < limit and len(rest.source) >= MIN_INLIERS:
        support = _best_support(rest)
        if support.sum() < MIN_INLIERS:
            break
        motion = _fit(rest, support)
        if motion is None:
            rest = rest.where(~support)
            continue
        found.append(motion)
        explained = (
            support | _near(rest.source, rest.target, motion.matrix) | _near(rest.target, rest.source, motion.matrix)
        )
        rest = rest.where(~explained)
    return found


def _best_support(matches: Matches) -> NDArray[np.bool_]:
    """(n,) bool: the matches that agree with the single match most others agree with."""
    n = len(matches.source)
    forward = np.flatnonzero(
        matches.source[:, 0] * 7 + matches.source[:, 1] < matches.target @ np.array([7.0, 1.0], np.float32)
    )
    seeds = forward[:: max(1, len(forward) // MAX_SEEDS)] if len(forward) else np.arange(min(n, MAX_SEEDS))
    cos, sin = np.cos(matches.turn_rad[seeds]), np.sin(matches.turn_rad[seeds])
    scale = matches.scale[seeds]
    step = matches.source[None] - matches.source[seeds][:, None]  # (seeds, n, 2)
    x = scale[:, None] * (cos[:, None] * step[..., 0] - sin[:, None] * step[..., 1])
    y = scale[:, None] * (sin[:, None] * step[..., 0] + cos[:, None] * step[..., 1])
    miss = np.hypot(
        x + matches.target[seeds, 0, None] - matches.target[None, :, 0],
        y + matches.target[seeds, 1, None] - matches.target[None, :, 1],
    )
    reach = np.hypot(step[..., 0], step[..., 1])
    slip = np.abs((matches.turn_rad[None] - matches.turn_rad[seeds, None] + np.pi) % (2 * np.pi) - np.pi)
    growth = np.abs(np.log(matches.scale[None] / scale[:, None]))
    agree = (miss < 2.5 + 0.12 * reach) & (slip < MAX_TURN_SLIP_RAD) & (growth < np.log(MAX_SCALE_SLIP))
    # Far matches agree by chance more easily: those close by count in full.
    weight = (agree / (1 + reach / 100)).sum(axis=1)
    return np.asarray(agree[int(weight.argmax())])


def _fit(matches: Matches, support: NDArray[np.bool_]) -> Motion | None:
    """Similarity by RANSAC on the support, then affine on all its inliers where they fix it."""
    source, target = matches.source[support], matches.target[support]
    matrix = _estimated(cv2.estimateAffinePartial2D, source, target, INLIER_PX + 1)
    if matrix is None:
        return None
    inside = _near(source, target, matrix, INLIER_PX + 1)
    if inside.sum() >= MIN_AFFINE_INLIERS:
        wider = _estimated(cv2.estimateAffine2D, source[inside], target[inside], INLIER_PX)
        if wider is not None and _plausible(wider) and _near(source, target, wider).sum() >= inside.sum():
            matrix = wider
    inside = _near(source, target, matrix)
    places, first = np.unique(np.rint(source[inside] / 2), axis=0, return_index=True)
    if len(places) < MIN_INLIERS or not _plausible(matrix):
        return None
    return Motion(matrix, source[inside][first], target[inside][first])


def _estimated(
    method: Callable[..., Any], source: NDArray[np.float32], target: NDArray[np.float32], limit_px: float
) -> NDArray[np.float64] | None:
    matrix, _ = method(source, target, method=cv2.RANSAC, ransacReprojThreshold=limit_px, maxIters=500)
    return None if matrix is None else np.asarray(matrix, np.float64)


def _near(
    source: NDArray[np.float32], target: NDArray[np.float32], matrix: NDArray[np.float64], limit_px: float = INLIER_PX
) -> NDArray[np.bool_]:
    miss = source @ matrix[:, :2].T + matrix[:, 2] - target
    return np.asarray(np.hypot(miss[:, 0], miss[:, 1]) < limit_px)


def _plausible(matrix: NDArray[np.float64]) -> bool:
    """Whether a map keeps sizes within 0.4 to 2.5, is no mirror and hardly shears."""
    stretch = np.linalg.svd(matrix[:, :2], compute_uv=False)
    return bool(
        np.linalg.det(matrix[:, :2]) > 0 and stretch[1] > 0.4 and stretch[0] < 2.5 and stretch[0] < 2 * stretch[1]
    )
