"""Keypoints that look alike at two places of one picture: the first hint of a copied part."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_KEYPOINTS = 5000
"""Strongest first; all pairs are compared, so the time grows with the square."""

CONTRAST = 0.004
"""A tenth of what Lowe (2004) keeps for recognition: a copied part may be smooth, and exact copies match anyway."""

EDGE = 15.0
"""Lowe's bound of 10, loosened for the same reason."""

NEIGHBOURS = 8
"""Nearest descriptors that are looked at; a keypoint, its twins at other orientations and copies take some."""

RATIO = 0.7
"""A match must be this much nearer than what comes after it (g2NN, Amerini et al. 2011, sec. III-B)."""

MIN_OFFSET_PX = 10.0
"""Nearer places overlap in their descriptors and match by themselves."""


@dataclass(frozen=True, eq=False)
class Matches:
    """Pairs of alike keypoints, n of them, in both directions.

    Attributes:
        source, target: (n, 2) float32, x and y in pixels.
        scale: (n,) float32, size at the target over size at the source.
        turn_rad: (n,) float32, orientation at the target minus that at the source, within +-pi.
        n_keypoints: how many keypoints were compared.
    """

    source: NDArray[np.float32]
    target: NDArray[np.float32]
    scale: NDArray[np.float32]
    turn_rad: NDArray[np.float32]
    n_keypoints: int

    def where(self, chosen: NDArray[np.bool_]) -> Matches:
        """The chosen pairs."""
        return Matches(
            self.source[chosen], self.target[chosen], self.scale[chosen], self.turn_rad[chosen], self.n_keypoints
        )


def match_within(luma: NDArray[np.uint8]) -> Matches:
    """Match the keypoints of a picture with each other.

    Args:
        luma: (H, W) uint8.

    Source: Lowe 2004 (SIFT); Arandjelovic and Zisserman 2012 (root of descriptors); Amerini et al. 2011 (g2NN).
    """
    sift = cv2.SIFT.create(nfeatures=MAX_KEYPOINTS, contrastThreshold=CONTRAST, edgeThreshold=EDGE)
    keypoints, descriptors = sift.detectAndCompute(luma, None)
    if descriptors is None or len(keypoints) < 2:
        none = np.zeros((0, 2), np.float32)
        return Matches(none, none, np.zeros(0, np.float32), np.zeros(0, np.float32), len(keypoints))
    # `nfeatures` keeps all that tie with the last one: pictures with repeated content can bring many more.
    keypoints, descriptors = keypoints[:MAX_KEYPOINTS], descriptors[:MAX_KEYPOINTS]
    points = np.array([k.pt for k in keypoints], np.float32)
    sizes = np.array([k.size for k in keypoints], np.float32)
    angles = np.deg2rad(np.array([k.angle for k in keypoints], np.float32))
    one, other = _alike(points, np.asarray(descriptors, np.float32))
    turn = (angles[other] - angles[one] + np.pi) % (2 * np.pi) - np.pi
    return Matches(points[one], points[other], sizes[other] / sizes[one], turn.astype(np.float32), len(points))


def _alike(points: NDArray[np.float32], descriptors: NDArray[np.float32]) -> tuple[NDArray[np.int64], ...]:
    """Indices of pairs that pass the ratio test in at least one direction; every pair is listed in both."""
    unit = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)).astype(np.float32)
    n, k = len(unit), min(NEIGHBOURS, len(unit))
    pairs = []
    for start in range(0, n, 1000):
        rows = slice(start, start + 1000)
        likeness = unit[rows] @ unit.T  # (rows, n)
        near = np.argpartition(likeness, n - k, axis=1)[:, n - k :]
        distance = np.sqrt(np.maximum(2 - 2 * np.take_along_axis(likeness, near, axis=1), 0))
        away = np.linalg.norm(points[near] - points[rows][:, None], axis=2)
        distance[away < MIN_OFFSET_PX] = np.inf
        order = distance.argsort(axis=1)
        near, distance = np.take_along_axis(near, order, axis=1), np.take_along_axis(distance, order, axis=1)
        i, rank = _clearly_nearer(distance)
        pairs.append(np.stack([i + start, near[i, rank]], axis=1))
    found = np.concatenate(pairs)
    both = np.unique(np.concatenate([found, found[:, ::-1]]), axis=0)
    return both[:, 0], both[:, 1]


def _clearly_nearer(distance: NDArray[np.float32]) -> tuple[NDArray[np.int64], ...]:
    """Rows and ranks of neighbours before the first clear gap in sorted distances, three ranks at most."""
    finite = np.isfinite(distance)
    # Where no further neighbour is known the last known one stands for it: no gap, no match.
    following = np.where(finite[:, 1:], distance[:, 1:], 0)
    gap = finite[:, :-1] & (distance[:, :-1] < RATIO * following)
    gap = gap[:, :3]
    accepted = np.flip(np.logical_or.accumulate(np.flip(gap, axis=1), axis=1), axis=1)
    rows, ranks = np.nonzero(accepted)
    return rows, ranks
