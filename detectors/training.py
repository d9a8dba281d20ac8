"""Trains the detector `synthetic`: washed views of a picture set, a reading of them, calibrated on held-out sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.calibration import LlrModel, fit_llr
from detectors.data import EDIT, Example, Reader, matched_sources, read_picture, read_pixels
from detectors.held_out import llr_range, sets, thresholds
from detectors.metrics import auroc, tpr_at_fpr
from detectors.neighbours import Origins, neighbourhood
from detectors.probe import CrossFit, Probe, Scenes, cross_fit, root_weights
from detectors.reading import probability
from detectors.recipe import Recipe
from detectors.synthetic import READING, TOWER, ZOO
from detectors.token_features import BLOCKS, Tower, patch_readings, tokens_of
from detectors.vision_tower import VisionTower
from detectors.washed_views import MAX_SIDE_PX, Views, cut
from generators.launder import Fit, draw
from generators.weights import ModelCard, load, save

Floats = NDArray[np.float64]

N_HEAT = 100
"""Pictures of each class that heat is scaled on."""

HEAT_SHARES = (0.5, 0.99)
"""Heat is 0 where patches read as the middle one of real photos, and 1 as the clearest hundredth of fakes."""

TASK = "A picture in, the probability that a machine made all of it out (at equal odds beforehand)."

LICENCE = "Apache-2.0; learned from pictures whose own licences are mostly research-only or unstated."

LIMITS = (
    "Looks at the whole picture in small: content, light and style, so glossy photos score higher than they should "
    "and plain snapshots made by a machine lower. Parts changed in a real photo, swapped faces and generators newer "
    "than its training set may pass. Not trained on drawings, screenshots of text or pictures under 64 pixels."
)


@dataclass(frozen=True)
class TrainingSettings(Recipe):
    """What a run depends on besides the pictures.

    Attributes:
        n_views: washed views of each picture, 2 at least; calibration rests on the odd, mild ones.
        seed: of the washes.
        left_out: families that are no examples of a whole synthetic picture.
        clips: whether frames of clips are learned from as well.
        left_out_sources: sources whose fakes show what a real photo shows, such as reconstructions of one: the whole
            picture in small cannot tell them apart.
        hard_share: share of a picture's weight that its hard views have, 0..1. Without any, fakes that were compressed
            more than the photos pass; with more, small and plain faces count as fakes.
        scene_penalty: on axes that tell scenes apart and not makers, 0 and up; see `detectors.scene_axes`.
    """

    n_views: int = 4
    seed: int = 1
    left_out: tuple[str, ...] = (EDIT, "faceswap")
    clips: bool = False
    left_out_sources: tuple[str, ...] = ()
    hard_share: float = 0.2
    scene_penalty: float = 0.0

    def __post_init__(self) -> None:
        if self.n_views < 2:
            raise ValueError(f"at least 2 views are needed, one of them mild, not {self.n_views}")
        if not 0.0 <= self.hard_share <= 1.0 or self.scene_penalty < 0.0:
            raise ValueError("the share of hard views lies within 0 and 1, the penalty on scenes is 0 or more")


def train_synthetic(
    examples: Sequence[Example],
    out: Path,
    settings: TrainingSettings | None = None,
    *,
    cache: Path | None = None,
    tower: Tower | None = None,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
) -> ModelCard:
    """Train, calibrate and write a reading.

    Args:
        examples: of many sources; left-out families are ignored, clips too unless the settings ask for them.
        out: folder for weights and card.
        settings: defaults if None.
        cache: folder that keeps features; a stopped run goes on from there.
        tower: gives the tokens; the one that ships if None.
        reader: of examples; one that reads clips makes settings.clips possible.
        progress: called with the number of views done since the last call.

    Returns:
        The card that was written, with the figures on held-out sources.

    Raises:
        ValueError: too few pictures or sources.
    """
    settings = settings or TrainingSettings()
    chosen = usable(examples, settings)
    tower = tower or shipped_tower()
    views = cut(
        tower, chosen, n_views=settings.n_views, seed=settings.seed, cache=cache, reader=reader, progress=progress
    )
    return _fitted(views, tower, out, settings)


def shipped_tower() -> Tower:
    """The tower whose tokens are learned from."""
    return VisionTower(load(TOWER, ZOO)[0], BLOCKS)


def usable(examples: Sequence[Example], settings: TrainingSettings) -> tuple[Example, ...]:
    """Pictures and clips that a run learns from.

    Raises:
        ValueError: one class is missing.
    """
    chosen = tuple(
        e
        for e in examples
        if (settings.clips or not e.is_video)
        and e.family not in settings.left_out
        and e.source not in settings.left_out_sources
    )
    if {e.label for e in chosen} != {0, 1}:
        raise ValueError(f"{len(chosen)} usable pictures, but both real and fake ones are needed")
    return chosen


@dataclass(frozen=True, eq=False)
class Lessons:
    """What a reading is fitted to, a row a view.

    Attributes:
        rows: (N, N_FEATURES) float32.
        labels: (N,) 1 fake, 0 real.
        sources: N names.
        share: (N,) what a view counts beside the others of its source.
        mild: (N,) views that calibration rests on.
        scenes: for the penalty; None without one.
    """

    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    sources: tuple[str, ...]
    share: Floats
    mild: NDArray[np.bool_]
    scenes: Scenes | None


def lessons(views: Views, settings: TrainingSettings) -> Lessons:
    """The views of all pictures, one picture after the other."""
    examples, n_views = views.examples, views.features.shape[1]
    labels = np.repeat([e.label for e in examples], n_views)
    mild = np.arange(len(labels)) % n_views % 2 == 1
    scenes = Scenes(np.repeat([e.content for e in examples], n_views), settings.scene_penalty)
    return Lessons(
        rows=views.features.reshape(len(labels), -1),
        labels=labels,
        sources=tuple(e.source for e in examples for _ in range(n_views)),
        share=np.where(mild, (1 - settings.hard_share) / mild.mean(), settings.hard_share / (1 - mild.mean())),
        mild=mild,
        scenes=scenes if scenes.strength else None,
    )


def _fitted(views: Views, tower: Tower, out: Path, settings: TrainingSettings) -> ModelCard:
    examples, given = views.examples, lessons(views, settings)
    rows, labels, sources, mild = given.rows, given.labels, given.sources, given.mild
    found = cross_fit(rows, labels, sources, matched_sources(examples), share=given.share, scenes=given.scenes)
    names = [source for source, chosen in zip(sources, mild, strict=True) if chosen]
    model = fit_llr(["logit"], found.held_out[mild, None], labels[mild], names, fitted_on="")
    probe, held_out = _calibrated(found, model)
    judged = probability(held_out[mild]), labels[mild], root_weights(labels[mild], names)
    near = neighbourhood(rows[mild], names)
    tensors: dict[str, NDArray[Any]] = {
        "weights": probe.weights,
        "bias": np.array(probe.bias, np.float64),
        "llr_range": np.array(llr_range(held_out[mild], *judged[1:]), np.float64),
        "heat_range": _heat_range(tower, probe, examples, settings.seed),
        "center": near.center,
        "axes": near.axes.astype(np.float32),
        "bank": near.bank,
        "neighbour_limit": np.array(near.limit, np.float64),
        **Origins.known(examples).tensors(),
    }
    name, _, version = READING.rpartition("-")
    card = ModelCard(
        name=name,
        version=version,
        task=TASK,
        data=dict(sorted(Counter(f"{'fake' if e.label else 'real'}: {e.source}" for e in examples).items())),
        settings=asdict(settings) | {"tower": TOWER, "blocks": list(BLOCKS)},
        measures=_held_out_figures(held_out[mild], labels[mild], names, examples),
        limits=LIMITS,
        licence=LICENCE,
        claim="synthetic",
        thresholds=thresholds(*judged),
        clips=settings.clips,
        sets=sets(*judged),
    )
    return save(tensors, card, out)


def _calibrated(found: CrossFit, model: LlrModel) -> tuple[Probe, Floats]:
    """The reading whose logits are natural log odds at equal priors, and the held-out logits on that scale."""
    slope, shift = model.line
    probe = replace(found.probe, weights=found.probe.weights * np.float32(slope), bias=found.probe.bias * slope + shift)
    return probe, found.held_out * slope + shift


def _held_out_figures(
    logits: Floats, labels: NDArray[np.int64], sources: Sequence[str], examples: Sequence[Example]
) -> dict[str, float]:
    """Figures of mild views of sources that were not fitted on."""
    measures = {
        "held-out sources, AUROC": auroc(labels, logits),
        "held-out sources, TPR at 5 % FPR": tpr_at_fpr(labels, logits, 0.05),
        "held-out sources, TPR at 1 % FPR": tpr_at_fpr(labels, logits, 0.01),
    }
    clips = np.array([e.is_video for e in examples for _ in range(len(logits) // len(examples))])
    if len(set(labels[clips])) == 2:
        measures["held-out sources, frames of clips, AUROC"] = auroc(labels[clips], logits[clips])
    for name in matched_sources(examples):
        own = np.array([source == name for source in sources])
        measures[f"held-out matched source {name}, AUROC"] = auroc(labels[own], logits[own])
    return {key: round(value, 4) for key, value in measures.items()}


def _heat_range(tower: Tower, probe: Probe, examples: Sequence[Example], seed: int) -> NDArray[np.float64]:
    """Readings of single patches that heat runs between."""
    bounds = []
    for label, share in enumerate(HEAT_SHARES):
        own = [e for e in examples if e.label == label and not e.is_video]
        picked = np.random.default_rng(seed).permutation(len(own))[:N_HEAT]
        wash = draw("q90", seed=seed)
        read = [
            patch_readings(tokens_of(tower, wash(Fit(MAX_SIDE_PX)(read_pixels(own[i])))), probe.weights) for i in picked
        ]
        bounds.append(np.quantile(read, share))
    low, high = bounds
    return np.array([low, max(high, low + 1e-6)], np.float64)
