"""How far a picture lies from everything a detector was trained on: unlike anything seen, it is not judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_DIMENSIONS = 64
N_NEAREST = 5
REFUSED = 0.005
"""Share of the training pictures, each compared with other sources only, that would be refused."""


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Training pictures in few dimensions.

    Attributes:
        center: (D,) float32 mean of the features.
        axes: (D, N_DIMENSIONS) float32, principal axes divided by their standard deviation.
        bank: (N, N_DIMENSIONS) float16, the training pictures as unit vectors.
        limit: distance from which a picture is unlike anything seen.
    """

    center: NDArray[np.float32]
    axes: NDArray[np.float32]
    bank: NDArray[np.float16]
    limit: float

    def distance(self, features: NDArray[np.float32]) -> float:
        """Mean cosine distance of features (D,) to the nearest training pictures, 0..2."""
        here = _unit(np.asarray((features - self.center)[None] @ self.axes, np.float32))[0]
        return float(1 - np.sort(self.bank.astype(np.float32) @ here)[-N_NEAREST:].mean())


def neighbourhood(features: NDArray[np.float32], sources: Sequence[str]) -> Neighbourhood:
    """Fit axes and limit.

    Args:
        features: (N, D) float32 of the training pictures.
        sources: N names; the limit is set by distances to other sources.

    Raises:
        ValueError: fewer pictures than dimensions.
    """
    if len(features) <= N_DIMENSIONS:
        raise ValueError(f"{len(features)} pictures are too few for {N_DIMENSIONS} dimensions")
    center = features.mean(axis=0)
    _, spread, rows = np.linalg.svd((features - center).astype(np.float32), full_matrices=False)
    axes = (rows[:N_DIMENSIONS] / (spread[:N_DIMENSIONS, None] / np.sqrt(len(features)))).T.astype(np.float32)
    bank = _unit((features - center) @ axes)
    names = np.asarray(sources)
    likeness = bank @ bank.T
    likeness[names[:, None] == names[None]] = -1.0
    nearest = 1 - np.sort(likeness, axis=1)[:, -N_NEAREST:].mean(axis=1)
    return Neighbourhood(center, axes, bank.astype(np.float16), float(np.quantile(nearest, 1 - REFUSED)))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)
