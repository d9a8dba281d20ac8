"""What a step of the training of `residual` learns from: half fakes, aligned ones beside their photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.probe import root_weights
from detectors.residual_crops import Crops

LEAST_MADE = 0.25
"""Share of its most changed cell from which a square counts as a fake."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Squares of one step.

    Attributes:
        pixels: (N, S, S, 3) uint8, the hard views, then the mild ones of the same windows.
        made: (N, h, w) float32, share of each cell that was made.
    """

    pixels: NDArray[np.uint8]
    made: NDArray[np.float32]

    @property
    def fake(self) -> NDArray[np.float32]:
        """(N,) 1 where something was made, else 0."""
        return np.asarray(self.made.max(axis=(1, 2)) >= LEAST_MADE, np.float32)


class Draws:
    """Draws batches: the same number of a step, the same batch.

    Args:
        crops: to draw from.
        aligned: share of the fakes that are aligned ones, 0..1, each beside its photo.

    Raises:
        ValueError: a kind that is wanted is not there.
    """

    def __init__(self, crops: Crops, aligned: float) -> None:
        self._crops, self._aligned = crops, aligned
        labels = np.array([e.label for e in crops.examples])[crops.of]
        sources = np.array([e.source for e in crops.examples])[crops.of]
        kinds = {"outside": labels == 1, "aligned": crops.photo >= 0, "photos": (labels == 0) & (crops.photo < 0)}
        self._rows = {name: np.flatnonzero(chosen) for name, chosen in kinds.items()}
        self._shares = {name: _shares(sources[rows]) for name, rows in self._rows.items() if len(rows)}
        wanted = {"photos"} | ({"aligned"} if aligned > 0 else set()) | ({"outside"} if aligned < 1 else set())
        if lacking := wanted - self._shares.keys():
            raise ValueError(f"there is nothing to learn from that is {' or '.join(sorted(lacking))}")

    def __call__(self, n: int, rng: np.random.Generator) -> Batch:
        """Two views of n windows, half of them fakes, turned and mirrored at random."""
        n_aligned = round(n // 2 * self._aligned)
        aligned = self._some("aligned", n_aligned, rng)
        outside = self._some("outside", n // 2 - n_aligned, rng)
        photos = self._some("photos", n - n // 2 - n_aligned, rng)
        rows = np.concatenate([outside, photos, aligned, self._crops.photo[aligned]])
        pixels, made = self._crops.pixels[rows], self._crops.made[rows]  # (n, VIEWS, ...)
        for i, turn in enumerate(rng.integers(0, 8, len(rows))):
            pixels[i], made[i] = _turned(pixels[i], int(turn)), _turned(made[i], int(turn))
        return Batch(_views_in_turn(pixels), _views_in_turn(made))

    def _some(self, kind: str, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        if not n:
            return np.zeros(0, np.int64)
        return np.asarray(rng.choice(self._rows[kind], n, p=self._shares[kind]), np.int64)


def _shares(sources: NDArray[np.str_]) -> NDArray[np.float64]:
    """Chance of each row: a source by the root of its size."""
    weight = root_weights(np.zeros(len(sources), np.int64), sources.tolist())
    return np.asarray(weight / weight.sum())


def _turned(views: NDArray[Any], turn: int) -> NDArray[Any]:
    """One of the eight ways to lay a square."""
    turned = np.rot90(views, turn, axes=(1, 2))
    return turned[:, :, ::-1] if turn >= 4 else turned


def _views_in_turn(rows: NDArray[Any]) -> NDArray[Any]:
    """(n, VIEWS, ...) -> (VIEWS * n, ...), all first views first."""
    return np.ascontiguousarray(rows.swapaxes(0, 1)).reshape(-1, *rows.shape[2:])
