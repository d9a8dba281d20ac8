"""What a training run of the detector `residual` is told. Needs no extra."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.data import EDIT
from detectors.probe import N_FOLDS
from detectors.recipe import Recipe
from detectors.residual_graph import CELL_PX
from generators.trainers import RunSettings

MAKERS = ("reconstruct-f4", "reconstruct-f8", "superres-x2", "superres-x4", "inpaint", "selfblend")
"""Generators of our own whose fakes show what their photos show."""


@dataclass(frozen=True)
class ResidualSettings(RunSettings, Recipe):
    """What a run is told besides.

    Attributes:
        n_images: windows to show in all, repeats counted, each in two views.
        side_px: of the squares that are learned from, a multiple of 16.
        n_views: washed views of each picture, two of each window.
        left_out: families that are no examples of a whole synthetic picture.
        most: pictures of one source and class; so many of the first by the hash of their names.
        makers: generators of the catalogue that photos are dealt out to.
        aligned: share of the fakes shown that are made by them, 0..1, each beside its own photo.
        consistency: weight of the squared difference between the readings of the two views of a window.
        width: of the network, times that of `detectors.residual_graph`.
        n_workers: processes that cut squares; 0 for one a processor.
        held_out: numbers of the folds of sources, of five, that are judged and calibrated on and not learned from.
        learning_rate, weight_decay: of AdamW.
    """

    n_images: int = 96_000
    batch_size: int = 24
    side_px: int = 128
    precision: str = "32-true"
    n_between_saves: int = 5_000
    n_views: int = 8
    left_out: tuple[str, ...] = (EDIT, "faceswap")
    most: int = 60
    makers: tuple[str, ...] = MAKERS
    aligned: float = 0.5
    consistency: float = 0.1
    width: float = 1.0
    n_workers: int = 1
    held_out: tuple[int, ...] = (0, 2)
    learning_rate: float = 5e-3
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_views < 2 or self.n_views % 2:
            raise ValueError(f"views come in pairs of a hard and a mild one, so not {self.n_views}")
        if self.n_workers < 0 or self.width <= 0:
            raise ValueError(f"{self.n_workers} processes, or a width of {self.width}, make no sense")
        if self.side_px % CELL_PX:
            raise ValueError(f"side_px must be a multiple of {CELL_PX}, not {self.side_px}")
        if not 0 <= self.aligned <= 1 or self.consistency < 0 or (self.aligned and not self.makers):
            raise ValueError("the share of aligned fakes lies within 0 and 1 and wants makers; weights are 0 or more")
        if not self.held_out or not set(self.held_out) < set(range(N_FOLDS)):
            raise ValueError(f"some of the folds 0 to {N_FOLDS - 1} are held out, not {self.held_out}")
