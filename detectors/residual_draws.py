"""What a step of the training of `residual` learns from: half fakes, aligned ones beside their photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.probe import root_weights
from detectors.residual_crops import VIEWS, Crops

LEAST_MADE = 0.25
"""Share of its most changed cell from which a square counts as a fake."""

SHARE_OF_MEMORY = 0.5
"""Of what is free on a card, up to which all squares are kept there; more stay in main memory."""

N_TURNS = 8
"""Ways to lay a square: turned, and mirrored and turned."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Squares of one step.

    Attributes:
        pixels: (N, S, S, 3) uint8, the hard views, then the mild ones of the same windows.
        made: (N, h, w) float32, share of each cell that was made.
    """

    pixels: Tensor
    made: Tensor

    @property
    def fake(self) -> Tensor:
        """(N,) float32, 1 where something was made, else 0."""
        return (self.made.amax(dim=(1, 2)) >= LEAST_MADE).float()


class Draws:
    """Draws batches: the same number of a step, the same batch, on whatever device.

    Args:
        crops: to draw from.
        aligned: share of the fakes that are aligned ones, 0..1, each beside its photo.
        device: that batches lie on.

    Raises:
        ValueError: a kind that is wanted is not there.
    """

    def __init__(self, crops: Crops, aligned: float, device: torch.device | str = "cpu") -> None:
        self._aligned, self._photo = aligned, crops.photo
        self._device = torch.device(device)
        self._pixels = _kept(torch.from_numpy(crops.pixels), self._device)
        self._made = torch.from_numpy(crops.made).to(self._device)
        self._turns = [_turns(side).to(self._device) for side in (crops.pixels.shape[2], crops.made.shape[2])]
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
        rows = torch.from_numpy(np.concatenate([outside, photos, aligned, self._photo[aligned]]))
        turns = torch.from_numpy(rng.integers(0, N_TURNS, len(rows))).repeat(VIEWS).to(self._device)
        pixels, made = (
            _views_in_turn(kept[rows.to(kept.device)]).to(self._device) for kept in (self._pixels, self._made)
        )
        of_pixels, of_cells = self._turns
        return Batch(_turned(pixels, of_pixels[turns]), _turned(made[..., None], of_cells[turns])[..., 0])

    def _some(self, kind: str, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        if not n:
            return np.zeros(0, np.int64)
        return np.asarray(rng.choice(self._rows[kind], n, p=self._shares[kind]), np.int64)


def _kept(pixels: Tensor, device: torch.device) -> Tensor:
    """Squares on a card, where a step gathers its own in no time, if they fit there beside the training."""
    if device.type == "cuda" and pixels.nbytes > SHARE_OF_MEMORY * torch.cuda.mem_get_info(device)[0]:
        return pixels
    return pixels.to(device)


def _shares(sources: NDArray[np.str_]) -> NDArray[np.float64]:
    """Chance of each row: a source by the root of its size."""
    weight = root_weights(np.zeros(len(sources), np.int64), sources.tolist())
    return np.asarray(weight / weight.sum())


def _turns(side: int) -> Tensor:
    """(N_TURNS, side * side) int64: which pixel comes where in each of the ways to lay a square."""
    places = np.arange(side * side).reshape(side, side)
    ways = [np.rot90(places, turn) for turn in range(N_TURNS)]
    ways[N_TURNS // 2 :] = [way[:, ::-1] for way in ways[N_TURNS // 2 :]]
    return torch.from_numpy(np.stack(ways).reshape(N_TURNS, -1))


def _turned(squares: Tensor, places: Tensor) -> Tensor:
    """Each (S, S, C) of N squares, laid as its (S * S) places say."""
    flat = squares.flatten(1, 2)
    return flat.gather(1, places[..., None].expand_as(flat)).reshape(squares.shape)


def _views_in_turn(rows: Tensor) -> Tensor:
    """(n, VIEWS, ...) -> (VIEWS * n, ...), all first views first."""
    return rows.transpose(0, 1).flatten(0, 1)
