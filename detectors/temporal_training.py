"""Trains the detector `temporal`: clips of known origin, one source held out at a time, and pictures of other sources.

What is seen of a clip is read by three readings; the third was learned from pictures alone, none of a source that has
clips as well, so that holding out a source of clips holds it out of everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.clip_features import BLOCK, GROUPS, features
from detectors.clip_views import ClipViews, cut_clips
from detectors.data import EDIT, Example, Reader, first_by_hash
from detectors.held_out import figures
from detectors.linear_reading import fit_reading
from detectors.probe import Probe, fit, root_weights
from detectors.recipe import Recipe
from detectors.shared_tower import shipped_tower
from detectors.synthetic import TOWER
from detectors.temporal import READING, tensors_of
from detectors.token_features import N_FEATURES, Tower
from detectors.training import LICENCE
from detectors.washed_views import Views, cut
from generators.weights import ModelCard, save

TASK = "A clip in, the probability that a machine made it out (at equal odds beforehand)."

LIMITS = (
    "Learned from few clips: two hundred, most of them of a few sources, and the real ones come from a dozen, so its "
    "figures have wide intervals. Real portraits in a studio score too high. It looks at eight frames over the whole "
    "length, not at single steps. Parts changed in a real clip, and generators newer than its training set, may pass. "
    "Single pictures are not judged."
)


@dataclass(frozen=True)
class ClipSettings(Recipe):
    """What a run depends on besides the clips and pictures.

    Attributes:
        n_views: washed views of each picture, and of each clip the odd, mild ones among them; 2 at least.
        seed: of the washes.
        left_out: families that are no examples of a whole synthetic clip or picture.
        left_out_sources: sources of pictures whose fakes show what a real photo shows.
        most: clips of one source; so many of the first by the hash of their names.
        regularization: inverse strengths, of looks, of changes and of the one number that pictures give.
    """

    n_views: int = 2
    seed: int = 1
    left_out: tuple[str, ...] = (EDIT, "faceswap")
    left_out_sources: tuple[str, ...] = ()
    most: int = 60
    regularization: tuple[float, ...] = (1e-2, 1e-3, 1.0)

    def __post_init__(self) -> None:
        if self.n_views < 2 or self.most < 1:
            raise ValueError(f"at least two views, one of them mild, and one clip of a source are needed, not {self}")


def usable(examples: Sequence[Example], settings: ClipSettings) -> tuple[Example, ...]:
    """Clips that a run learns from, and pictures of sources without clips.

    Raises:
        ValueError: of clips or of pictures one class is missing.
    """
    known = [e for e in examples if e.family not in settings.left_out]
    clips = first_by_hash([e for e in known if e.is_video], settings.most)
    apart = {clip.source for clip in clips} | set(settings.left_out_sources)
    pictures = tuple(e for e in known if not e.is_video and e.source not in apart)
    for what, chosen in (("clips", clips), ("pictures of other sources", pictures)):
        if {e.label for e in chosen} != {0, 1}:
            raise ValueError(f"{len(chosen)} usable {what}, but both real and fake ones are needed")
    return (*clips, *pictures)


def train_temporal(
    examples: Sequence[Example],
    out: Path,
    settings: ClipSettings | None = None,
    *,
    reader: Reader,
    cache: Path | None = None,
    tower: Tower | None = None,
    progress: Callable[[int], None] | None = None,
) -> ModelCard:
    """Train, calibrate and write a reading.

    Args:
        examples: clips and pictures of many sources.
        out: folder for weights and card.
        settings: defaults if None.
        reader: of pictures, and of the frames of a clip, spread evenly.
        cache: folder that keeps what was read; a stopped run goes on from there.
        tower: gives the tokens; the one that ships if None.
        progress: called with the number of views done since the last call.

    Returns:
        The card that was written, with the figures on held-out sources.

    Raises:
        ValueError: too few clips, pictures or sources.
    """
    settings = settings or ClipSettings()
    tower = tower or shipped_tower()
    chosen = usable(examples, settings)
    clips, pictures = ([e for e in chosen if e.is_video is wanted] for wanted in (True, False))
    n_views, seed = settings.n_views, settings.seed
    seen = cut(tower, pictures, n_views=n_views, seed=seed, reader=reader, cache=cache, progress=progress)
    views = cut_clips(tower, clips, n_views=n_views, seed=seed, reader=reader, cache=cache, progress=progress)
    return _fitted(views, seen, out, settings)


def _of_pictures(seen: Views) -> Probe:
    """A reading of every view of every picture."""
    # It sets a variable of the environment as it is imported.
    from threadpoolctl import threadpool_limits

    n_views = seen.features.shape[1]
    labels = np.repeat([e.label for e in seen.examples], n_views).astype(np.int64)
    sources = [e.source for e in seen.examples for _ in range(n_views)]
    with threadpool_limits(1):  # sums in another order would be other weights
        return fit(seen.features.reshape(-1, N_FEATURES), labels, root_weights(labels, sources))


def _fitted(views: ClipViews, seen: Views, out: Path, settings: ClipSettings) -> ModelCard:
    pictures = _of_pictures(seen)
    n_views = views.seen.shape[1]
    rows = features(views.seen.reshape(-1, views.seen.shape[-1]), pictures)
    examples = [e for e in views.examples for _ in range(n_views)]
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
        data=_counted(views.examples) | _counted(seen.examples, "pictures, "),
        settings=asdict(settings) | {"tower": TOWER, "block": BLOCK},
        measures=_figures(found.held_out, labels, examples),
        limits=LIMITS,
        licence=LICENCE,
        claim="synthetic",
        thresholds=found.thresholds,
        n_reals=sum(not e.label for e in views.examples),
        sets=found.sets,
        clips=True,
    )
    return save(found.reading.tensors | tensors_of(pictures), card, out)


def _counted(examples: Sequence[Example], what: str = "") -> dict[str, int]:
    """Examples of each source."""
    return dict(sorted(Counter(f"{what}{'fake' if e.label else 'real'}: {e.source}" for e in examples).items()))


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
