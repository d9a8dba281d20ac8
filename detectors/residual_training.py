"""Trains the detector `residual`: squares of photos and fakes, a network, calibrated on pictures of other sources."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.data import Example, Reader, first_by_hash, matched_sources, read_picture
from detectors.held_out import figures
from detectors.linear_reading import calibrated
from detectors.metrics import auroc
from detectors.probe import fold_of
from detectors.residual import MIN_SIDE_PX, READING, Cells, cells_of, pooled
from detectors.residual_crops import VIEWS, Crops, cut_crops
from detectors.residual_graph import ResidualRuntime, Tensors
from detectors.residual_settings import ResidualSettings
from detectors.training import HEAT_SHARES, LICENCE
from detectors.washed_views import MAX_SIDE_PX, chain
from generators.extras import needs
from generators.launder import Fit
from generators.processor import usable_processors
from generators.trainers import CHECKPOINT
from generators.weights import ModelCard, save

TASK = "A picture in, the probability that a machine made all of it out (at equal odds beforehand)."

LIMITS = (
    "Looks at the finest grain alone, at the picture's own resolution: what was shrunk, blurred or compressed hard on "
    "its way has little of it left, and generators whose decoder or up-sampler is unlike those it learned from may "
    "pass. Pictures under 96 pixels are not judged."
)


@dataclass(frozen=True, eq=False)
class Judged:
    """What a network says of pictures.

    Attributes:
        cells: N maps.
        examples: those that could be read and are large enough.
    """

    cells: tuple[Cells, ...]
    examples: tuple[Example, ...]

    @property
    def readings(self) -> NDArray[np.float64]:
        """(N,) of whole pictures."""
        return np.array([pooled(cells) for cells in self.cells], np.float64)


def usable_residuals(examples: Sequence[Example], settings: ResidualSettings) -> tuple[Example, ...]:
    """Pictures that a run learns from or is judged on.

    Raises:
        ValueError: one class is missing on either side.
    """
    chosen = [e for e in examples if not e.is_video and e.family not in settings.left_out]
    few = first_by_hash(chosen, settings.most)
    for side, part in zip(("to learn from", "held out"), split(few, settings), strict=True):
        if {e.label for e in part} != {0, 1}:
            raise ValueError(f"{len(few)} usable pictures: what is {side} lacks fakes or reals")
    return few


def split(examples: Sequence[Example], settings: ResidualSettings) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Those to learn from, and those of the folds of sources that are held out."""
    matched = matched_sources(examples)
    is_out = [fold_of(e.source, matched) in settings.held_out for e in examples]
    learned = tuple(e for e, out in zip(examples, is_out, strict=True) if not out)
    return learned, tuple(e for e, out in zip(examples, is_out, strict=True) if out)


def amount(n_examples: int, settings: ResidualSettings) -> int:
    """Views to cut, or to judge, and windows to show."""
    return n_examples * settings.n_views + settings.n_images


def train_residual(
    examples: Sequence[Example],
    out: Path,
    settings: ResidualSettings | None = None,
    *,
    cache: Path | None = None,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
) -> ModelCard:
    """Train, calibrate and write a network.

    Args:
        examples: pictures of many sources; clips and left-out families are ignored.
        out: folder for weights and card.
        settings: defaults if None.
        cache: folder that keeps squares and the checkpoint; a stopped run goes on from there.
        reader: of examples.
        progress: called with the number of views cut and windows shown since the last call.

    Returns:
        The card that was written, with the figures on held-out sources.

    Raises:
        ImportError: torch, which trains, is not installed.
        ValueError: too few pictures or sources.
    """
    settings = settings or ResidualSettings()
    with needs("learned"):
        from detectors.residual_run import train
    learned, held_out = split(usable_residuals(examples, settings), settings)
    crops = cut(learned, settings, cache=cache, reader=reader, progress=progress)
    checkpoint = None if cache is None else cache / _digest(crops, settings) / CHECKPOINT
    tensors = train(crops, settings, checkpoint=checkpoint, progress=progress).plain()
    judged = judge(ResidualRuntime(tensors), held_out, seed=settings.seed, reader=reader)
    if progress is not None:
        progress(len(held_out) * settings.n_views)
    return _written(tensors, judged, crops, settings, out)


def cut(
    examples: Sequence[Example],
    settings: ResidualSettings,
    *,
    cache: Path | None = None,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
) -> Crops:
    """The squares that a run learns from; see `cut_crops`."""
    return cut_crops(
        examples,
        side_px=settings.side_px,
        n_windows=settings.n_views // VIEWS,
        seed=settings.seed,
        makers=settings.makers if settings.aligned else (),
        cache=cache,
        reader=reader,
        n_workers=settings.n_workers or usable_processors(),
        progress=progress,
    )


def judge(runtime: ResidualRuntime, examples: Sequence[Example], *, seed: int, reader: Reader) -> Judged:
    """Read one mildly washed view of each whole picture; what cannot be read or is too small is left out."""
    maps, used = [], []
    for example in examples:
        try:
            (pixels,) = reader(example)
        except ValueError:
            continue
        washed = chain(example.path.name, 1, seed)(Fit(MAX_SIDE_PX)(pixels))
        if min(washed.shape[:2]) >= MIN_SIDE_PX:
            maps.append(cells_of(runtime, washed))
            used.append(example)
    return Judged(tuple(maps), tuple(used))


def _written(tensors: Tensors, judged: Judged, crops: Crops, settings: ResidualSettings, out: Path) -> ModelCard:
    labels = np.array([e.label for e in judged.examples], np.int64)
    sources = [e.source for e in judged.examples]
    readings = judged.readings
    found = calibrated(np.ones(1), 0.0, readings, labels, sources, np.ones(len(labels), bool))
    name, _, version = READING.rpartition("-")
    card = ModelCard(
        name=name,
        version=version,
        task=TASK,
        data=dict(sorted(Counter(f"{'fake' if e.label else 'real'}: {e.source}" for e in crops.examples).items())),
        settings=asdict(settings),
        measures=_figures(readings, labels, sources, judged.examples),
        limits=LIMITS,
        licence=LICENCE,
        claim="synthetic",
        thresholds=found.thresholds,
        n_reals=int((labels == 0).sum()),
        sets=found.sets,
        clips=False,
    )
    every: dict[str, NDArray[Any]] = {**tensors, **found.reading.tensors, "heat_range": _heat_range(judged, labels)}
    return save(every, card, out)


def _figures(
    readings: NDArray[np.float64], labels: NDArray[np.int64], sources: Sequence[str], examples: Sequence[Example]
) -> dict[str, float]:
    """Figures of all held-out sources, and of those that hold both classes."""
    found = figures("held-out sources", readings, labels, sources)
    for name in matched_sources(examples):
        own = np.array([source == name for source in sources])
        found |= {f"held-out matched source {name}, AUROC": round(auroc(labels[own], readings[own]), 4)}
    return found


def _heat_range(judged: Judged, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Readings of cells that heat runs between."""
    bounds = []
    for label, share in enumerate(HEAT_SHARES):
        own = [cells.ravel() for cells, of in zip(judged.cells, labels, strict=True) if of == label]
        bounds.append(float(np.quantile(np.concatenate(own), share)))
    low, high = bounds
    return np.array([low, max(high, low + 1e-6)], np.float64)


def _digest(crops: Crops, settings: ResidualSettings) -> str:
    """What a checkpoint belongs to: the settings that decide what is learned, and the pictures."""
    deciding = replace(settings, minutes=0.0, device="auto", n_devices=1, n_workers=1)
    names = sorted(example.path.name for example in crops.examples)
    return hashlib.sha256(f"{deciding} {names}".encode()).hexdigest()[:16]
