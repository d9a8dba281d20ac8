"""Trains `synthetic` and `glance`: washed views of a picture set, a reading of them, calibrated on held-out sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.calibration import LlrModel, fit_llr
from detectors.data import Example, Reader, matched_sources, read_picture, read_pixels
from detectors.held_out import llr_range, sets, thresholds
from detectors.lessons import Lessons, TrainingSettings, study
from detectors.metrics import auroc, tpr_at_fpr
from detectors.neighbours import Origins, neighbourhood
from detectors.probe import CrossFit, Probe, cross_fit, root_weights
from detectors.reading import probability
from detectors.shared_tower import shipped_tower
from detectors.synthetic import TOWER, Synthetic
from detectors.token_features import BLOCKS, Tower, patch_map, tokens_of
from detectors.washed_views import MAX_SIDE_PX
from generators.launder import Fit, draw
from generators.weights import ModelCard, save

Floats = NDArray[np.float64]

N_HEAT = 100
"""Pictures of each class that heat is scaled on."""

HEAT_SHARES = (0.5, 0.95)
"""Heat is 0 where patches read as the middle one of real photos, and 1 as the clearest twentieth of fakes. By the
clearest hundredth most fakes stayed as dark as photos."""

TASK = "A picture in, the probability that a machine made all of it out (at equal odds beforehand)."

LICENCE = "Apache-2.0; learned from pictures whose own licences are mostly research-only or unstated."

LIMITS = (
    "Looks at the whole picture in small: content, light and style, so glossy photos score higher than they should "
    "and plain snapshots made by a machine lower. Parts changed in a real photo, swapped faces and generators newer "
    "than its training set may pass. Not trained on drawings, screenshots of text or pictures under 64 pixels."
)


def train_synthetic(
    examples: Sequence[Example],
    out: Path,
    settings: TrainingSettings | None = None,
    *,
    cache: Path | None = None,
    tower: Tower | None = None,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
    kind: type[Synthetic] = Synthetic,
) -> ModelCard:
    """Train, calibrate and write a reading.

    Args:
        examples: of many sources; left-out families are ignored, clips too unless the settings ask for them.
        out: folder for weights and card.
        settings: defaults if None.
        cache: folder that keeps features; a stopped run goes on from there.
        tower: gives the tokens of pictures of settings.side_px; the one that ships if None.
        reader: of examples; one that reads clips makes settings.clips possible.
        progress: called with the number of views done since the last call.
        kind: detector whose weights are written.

    Returns:
        The card that was written, with the figures on held-out sources.

    Raises:
        ValueError: too few pictures or sources, or the detector looks at pictures of another side.
    """
    settings = settings or TrainingSettings(side_px=kind.side_px)
    if settings.side_px != kind.side_px:
        raise ValueError(f"{kind.name} looks at {kind.side_px} pixels a side, and the recipe says {settings.side_px}")
    tower = tower or shipped_tower()
    given = study(examples, settings, tower=tower, cache=cache, reader=reader, progress=progress)
    return _fitted(given, tower, out, settings, kind.stored_as)


def _fitted(given: Lessons, tower: Tower, out: Path, settings: TrainingSettings, reading: str) -> ModelCard:
    examples = given.examples
    rows, labels, sources, mild = given.rows, given.labels, given.sources, given.mild
    matched = matched_sources(examples)
    found = cross_fit(rows, labels, sources, matched, share=given.share, scenes=given.scenes, ridge=given.ridge)
    names = [source for source, chosen in zip(sources, mild, strict=True) if chosen]
    model = fit_llr(["logit"], found.held_out[mild, None], labels[mild], names, fitted_on="")
    probe, held_out = _calibrated(found, model)
    judged = probability(held_out[mild]), labels[mild], root_weights(labels[mild], names)
    near = neighbourhood(rows[mild], names, settings.n_dimensions)
    tensors: dict[str, NDArray[Any]] = {
        "weights": probe.weights,
        "bias": np.array(probe.bias, np.float64),
        "llr_range": np.array(llr_range(held_out[mild], *judged[1:]), np.float64),
        "heat_range": _heat_range(tower, probe, examples, settings),
        "center": near.center,
        "axes": near.axes.astype(np.float16),
        "bank": near.bank,
        "neighbour_limit": np.array(near.limit, np.float64),
        **Origins.known(examples).tensors(),
    }
    name, _, version = reading.rpartition("-")
    card = ModelCard(
        name=name,
        version=version,
        task=TASK,
        data=dict(sorted(Counter(f"{'fake' if e.label else 'real'}: {e.source}" for e in examples).items())),
        settings=asdict(settings) | {"tower": TOWER, "blocks": list(BLOCKS)},
        measures=_held_out_figures(held_out[mild], labels[mild], names, examples) | dict(given.told),
        limits=LIMITS,
        licence=LICENCE,
        claim="synthetic",
        thresholds=thresholds(*judged),
        n_reals=sum(not e.label for e in examples),
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


def _heat_range(
    tower: Tower, probe: Probe, examples: Sequence[Example], settings: TrainingSettings
) -> NDArray[np.float64]:
    """Readings on maps, as they are drawn, that heat runs between."""
    bounds = []
    wash = draw("q90", seed=settings.seed)
    for label, share in enumerate(HEAT_SHARES):
        own = [e for e in examples if e.label == label and not e.is_video]
        picked = np.random.default_rng(settings.seed).permutation(len(own))[:N_HEAT]
        washed = [wash(Fit(MAX_SIDE_PX)(read_pixels(own[i]))) for i in picked]
        read = [patch_map(tokens_of(tower, pixels, settings.side_px), probe.weights) for pixels in washed]
        bounds.append(np.quantile(read, share))
    low, high = bounds
    return np.array([low, max(high, low + 1e-6)], np.float64)
