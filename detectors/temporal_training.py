"""Trains the detector `temporal`: clips of known origin, one source held out at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.clip_features import GROUPS, Look, features
from detectors.clip_views import ClipViews, cut_clips
from detectors.data import EDIT, Example, Reader, first_by_hash
from detectors.face_features import BLOCK
from detectors.held_out import figures
from detectors.linear_reading import fit_reading
from detectors.recipe import Recipe
from detectors.synthetic import TOWER
from detectors.temporal import READING
from detectors.tower_reading import look_with_tower
from detectors.training import LICENCE
from generators.weights import ModelCard, save

TASK = "A clip in, the probability that a machine made it out (at equal odds beforehand)."

LIMITS = (
    "Learned from few clips: a hundred, and the real ones come from a dozen sources, so its figures have wide "
    "intervals. It looks at four frames over the whole length, not at single steps. Parts changed in a real clip, and "
    "generators newer than its training set, may pass. Single pictures are not judged."
)


@dataclass(frozen=True)
class ClipSettings(Recipe):
    """What a run depends on besides the clips.

    Attributes:
        n_views: mildly washed views of each clip.
        seed: of the washes.
        left_out: families that are no examples of a whole synthetic clip.
        most: clips of one source; so many of the first by the hash of their names.
        regularization: inverse strengths, of looks and of changes.
    """

    n_views: int = 1
    seed: int = 1
    left_out: tuple[str, ...] = (EDIT,)
    most: int = 10
    regularization: tuple[float, ...] = (1e-2, 1e-3)

    def __post_init__(self) -> None:
        if self.n_views < 1 or self.most < 1:
            raise ValueError(f"at least one view and one clip of a source are needed, not {self}")


def usable_clips(examples: Sequence[Example], settings: ClipSettings) -> tuple[Example, ...]:
    """Clips that a run learns from.

    Raises:
        ValueError: one class is missing.
    """
    chosen = first_by_hash([e for e in examples if e.is_video and e.family not in settings.left_out], settings.most)
    if {e.label for e in chosen} != {0, 1}:
        raise ValueError(f"{len(chosen)} usable clips, but both real and fake ones are needed")
    return chosen


def train_temporal(
    examples: Sequence[Example],
    out: Path,
    settings: ClipSettings | None = None,
    *,
    reader: Reader,
    cache: Path | None = None,
    look: Look = look_with_tower,
    progress: Callable[[int], None] | None = None,
) -> ModelCard:
    """Train, calibrate and write a reading.

    Args:
        examples: of many sources; pictures are ignored.
        out: folder for weights and card.
        settings: defaults if None.
        reader: of the frames of a clip, spread evenly.
        cache: folder that keeps what was read; a stopped run goes on from there.
        look: gives the tokens of a picture; the tower that ships by default.
        progress: called with the number of views done since the last call.

    Returns:
        The card that was written, with the figures on held-out sources.

    Raises:
        ValueError: too few clips or sources.
    """
    settings = settings or ClipSettings()
    views = cut_clips(
        look,
        usable_clips(examples, settings),
        n_views=settings.n_views,
        seed=settings.seed,
        reader=reader,
        cache=cache,
        progress=progress,
    )
    return _fitted(views, out, settings)


def _fitted(views: ClipViews, out: Path, settings: ClipSettings) -> ModelCard:
    rows = np.array([features(tokens) for of_clip in views.tokens for tokens in of_clip], np.float32)
    examples = [e for e in views.examples for _ in range(settings.n_views)]
    labels = np.array([e.label for e in examples], np.int64)
    sources = [e.source for e in examples]
    # Each source is held out by itself: there are too few for anything coarser.
    folds = np.unique(sources, return_inverse=True)[1].astype(np.int64)
    found = fit_reading(rows, labels, sources, folds, regularization=settings.regularization, groups=GROUPS)
    name, _, version = READING.rpartition("-")
    card = ModelCard(
        name=name,
        version=version,
        task=TASK,
        data=dict(sorted(Counter(f"{'fake' if e.label else 'real'}: {e.source}" for e in views.examples).items())),
        settings=asdict(settings) | {"tower": TOWER, "block": BLOCK},
        measures=_figures(found.held_out, labels, examples),
        limits=LIMITS,
        licence=LICENCE,
        claim="synthetic",
        thresholds=found.thresholds,
        sets=found.sets,
        clips=True,
    )
    return save(found.reading.tensors, card, out)


def _figures(logits: NDArray[np.float64], labels: NDArray[np.int64], examples: Sequence[Example]) -> dict[str, float]:
    """Figures, each source judged by a reading that never saw it; families against all real clips."""
    families = np.array([e.family for e in examples])
    sources = np.array([e.source for e in examples])
    found: dict[str, float] = {}
    for family in ("", *sorted(set(families[labels == 1]))):
        own = (labels == 0) | (families == family) if family else np.ones(len(labels), bool)
        what = f"one source left out, {family or 'all clips'}"
        found |= figures(what, logits[own], labels[own], sources[own].tolist())
    return found
