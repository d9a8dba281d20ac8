"""What tells scenes apart and not makers: axes along which a reading should not lean.

Photos of one shop, camera or game lie together, and so do pictures of food. A reading that leans on such an axis knows
the scenes of its training set: where one source holds photos and fakes of the same scenes, it is of no use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

N_LEAST = 12
"""Rows that a group has at least: three pictures in four views. The mean of fewer is mostly their own noise."""

N_MOST = 80
"""Rows from which a group weighs no more; up to there by the root of its size."""


@dataclass(frozen=True, eq=False)
class SceneAxes:
    """Axes with the variance between groups along them.

    Attributes:
        axes: (K, D) float32, orthonormal rows; K is 0 where no groups could be compared.
        variance: (K,) float32.
    """

    axes: Floats
    variance: Floats

    def shrunk(self, features: Floats, strength: float) -> Floats:
        """Features (N, D), the shorter along an axis the more groups differ there.

        For a reading with a quadratic penalty on its weights w this adds `strength * w' B w` to the penalty, where B is
        the scatter between the groups. Reading what was shrunk with w is reading what was not with `shrunk(w)`.

        Args:
            features: (N, D).
            strength: 0 changes nothing; without bound it leaves the axes out.
        """
        kept = 1 / np.sqrt(1 + np.float32(strength) * self.variance)
        return np.asarray(features - ((features @ self.axes.T) * (1 - kept)) @ self.axes, np.float32)


def scene_axes(features: Floats, labels: NDArray[np.int64], sources: Sequence[str], shown: Sequence[str]) -> SceneAxes:
    """Axes between photos of different sources, and between pictures of a class that show different things.

    Fakes of different sources differ by their generator as well, so that their sources are not compared.

    Args:
        features: (N, D) float32, standardised.
        labels: (N,) 1 fake, 0 real.
        sources: N names.
        shown: N words for the content, "" where it is unknown.

    Source:
        After nuisance attribute projection (Solomonoff, Campbell, Boardman, ICASSP 2005), with a penalty in place of
        a projection.
    """
    contents = np.asarray(shown)
    groups = [(labels == 0, np.asarray(sources)), *((labels == label, contents) for label in (0, 1))]
    offsets = np.concatenate([_offsets(features, own & (names != ""), names) for own, names in groups])
    _, sizes, axes = np.linalg.svd(offsets, full_matrices=False)
    return SceneAxes(np.asarray(axes, np.float32), np.asarray(sizes**2, np.float32))


def _offsets(features: Floats, chosen: NDArray[np.bool_], names: NDArray[np.str_]) -> Floats:
    """(G, D): from the mean of the groups to each, by the root of its weight; the products sum to their scatter."""
    kinds, counts = np.unique(names[chosen], return_counts=True)
    kinds, counts = kinds[counts >= N_LEAST], counts[counts >= N_LEAST]
    if not len(kinds):
        return np.zeros((0, features.shape[1]), np.float32)
    means = np.array([features[chosen & (names == kind)].mean(axis=0) for kind in kinds])
    weight = np.sqrt(np.minimum(counts, N_MOST))
    weight = weight / weight.sum()
    return np.asarray((means - weight @ means) * np.sqrt(weight)[:, None], np.float32)
