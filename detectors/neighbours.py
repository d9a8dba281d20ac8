"""How far a picture lies from everything a detector was trained on: unlike anything seen, it is not judged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Neighbour
from detectors.data import Example

N_DIMENSIONS = 64
N_NEAREST = 5
REFUSED = 0.005
"""Share of the training pictures, each compared with other sources only, that would be refused."""


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Training pictures in few dimensions.

    Attributes:
        center: (D,) float32 mean of the features.
        axes: (D, d) float32, principal axes of the features at unit variance, for features as they are.
        bank: (N, d) float16, the training pictures.
        limit: distance from which a picture is unlike anything seen.
        origins: what the training pictures are; none of weights from before they were kept.
    """

    center: NDArray[np.float32]
    axes: NDArray[np.float32]
    bank: NDArray[np.float16]
    limit: float
    origins: Origins = field(default_factory=lambda: Origins((), np.zeros(0, np.uint8)))

    def around(self, features: NDArray[np.float32]) -> tuple[float, tuple[Neighbour, ...]]:
        """What lies around features (D,).

        Returns:
            Mean distance to the nearest rows of the bank, 0 and up; and the training pictures next to it, N_NEAREST at
            most, the nearest first: none where their origins were not kept.
        """
        here = (features - self.center) @ self.axes
        distances = np.linalg.norm(self.bank.astype(np.float32) - here, axis=1)
        mean = float(np.sort(distances)[:N_NEAREST].mean())
        n_pictures = len(self.origins.of)
        if not n_pictures:
            return mean, ()
        # The views of a picture lie side by side in the bank; the closest one stands for it.
        by_picture = distances.reshape(n_pictures, -1).min(axis=1)
        nearest = np.argsort(by_picture)[:N_NEAREST]
        return mean, tuple(self.origins.neighbour(int(i), float(by_picture[i])) for i in nearest)


@dataclass(frozen=True, eq=False)
class Origins:
    """Label, source and generator of each training picture, in a few kilobytes.

    Attributes:
        kinds: the different ones: label (1 fake), source, generator.
        of: (N,) place of each picture in `kinds`, in the smallest whole numbers that hold it.
    """

    kinds: tuple[tuple[int, str, str], ...]
    of: NDArray[Any]

    @classmethod
    def known(cls, examples: Sequence[Example]) -> Origins:
        """Of training pictures, in the order of the bank."""
        own = [(e.label, e.source, e.generator) for e in examples]
        kinds = sorted(set(own))
        places = np.array([kinds.index(kind) for kind in own])
        return cls(tuple(kinds), places.astype(np.min_scalar_type(len(kinds))))

    def neighbour(self, picture: int, distance: float) -> Neighbour:
        """One of them, at a distance."""
        label, source, generator = self.kinds[int(self.of[picture])]
        return Neighbour(bool(label), source, generator, distance)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """For a file of weights: names as UTF-8 JSON in bytes."""
        return {"origins": np.frombuffer(json.dumps(self.kinds).encode(), np.uint8), "origin_of": self.of}

    @classmethod
    def read(cls, tensors: dict[str, NDArray[Any]]) -> Origins:
        """The opposite of `tensors`; none from a file that holds none."""
        if "origins" not in tensors:
            return cls((), np.zeros(0, np.uint8))
        kinds = json.loads(tensors["origins"].tobytes().decode())
        return cls(tuple((int(label), str(a), str(b)) for label, a, b in kinds), tensors["origin_of"])


def neighbourhood(
    features: NDArray[np.float32], sources: Sequence[str], n_dimensions: int = N_DIMENSIONS
) -> Neighbourhood:
    """Fit axes and limit.

    Args:
        features: (N, D) float32 of the training pictures.
        sources: N names; the limit is set by distances to other sources.
        n_dimensions: axes to keep.

    Raises:
        ValueError: fewer pictures than dimensions.
    """
    if len(features) <= n_dimensions:
        raise ValueError(f"{len(features)} pictures are too few for {n_dimensions} dimensions")
    from sklearn.utils.extmath import randomized_svd

    center, scale = features.mean(axis=0), features.std(axis=0) + np.float32(1e-6)
    # The first axes alone, in a fiftieth of the time of all: Halko, Martinsson, Tropp, SIAM Review 2011.
    _, _, rows = randomized_svd((features - center) / scale, n_dimensions, n_iter=7, random_state=0)
    # As they are stored, so that the bank lies along the very axes that pictures are judged by.
    axes = np.asarray(rows.T / scale[:, None], np.float16).astype(np.float32)
    bank = np.asarray((features - center) @ axes, np.float16)
    nearest = _to_other_sources(bank.astype(np.float32), np.asarray(sources))
    return Neighbourhood(center, axes, bank, float(np.quantile(nearest, 1 - REFUSED)))


def _to_other_sources(held: NDArray[np.float32], names: NDArray[np.str_]) -> NDArray[np.float64]:
    """(N,) mean distance of each of held (N, D) to the nearest ones of other sources; 0 where there are none."""
    nearest = np.zeros(len(held))
    for name in np.unique(names):
        own = np.flatnonzero(names == name)
        others = held[names != name]
        if not len(others):
            continue
        squares = (held[own] ** 2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * held[own] @ others.T
        closest = np.partition(squares, min(N_NEAREST, len(others)) - 1, axis=1)[:, :N_NEAREST]
        nearest[own] = np.sqrt(np.maximum(closest, 0)).mean(axis=1)
    return nearest
