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
        axes: (D, N_DIMENSIONS) float32, principal axes of the features at unit variance, for features as they are.
        bank: (N, N_DIMENSIONS) float16, the training pictures.
        limit: distance from which a picture is unlike anything seen.
    """

    center: NDArray[np.float32]
    axes: NDArray[np.float32]
    bank: NDArray[np.float16]
    limit: float

    def distance(self, features: NDArray[np.float32]) -> float:
        """Mean distance of features (D,) to the nearest training pictures, 0 and up."""
        here = (features - self.center) @ self.axes
        return float(np.sort(np.linalg.norm(self.bank.astype(np.float32) - here, axis=1))[:N_NEAREST].mean())


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
    center, scale = features.mean(axis=0), features.std(axis=0) + np.float32(1e-6)
    _, _, rows = np.linalg.svd((features - center) / scale, full_matrices=False)
    axes = np.asarray(rows[:N_DIMENSIONS].T / scale[:, None], np.float32)
    bank = np.asarray((features - center) @ axes, np.float16)
    names, held = np.asarray(sources), bank.astype(np.float32)
    nearest = np.zeros(len(held))
    for i, here in enumerate(held):
        others = held[names != names[i]]
        nearest[i] = np.sort(np.linalg.norm(others - here, axis=1))[:N_NEAREST].mean() if len(others) else 0.0
    return Neighbourhood(center, axes, bank, float(np.quantile(nearest, 1 - REFUSED)))
