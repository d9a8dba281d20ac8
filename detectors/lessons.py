"""What the reading of `synthetic` is fitted to: features of washed views, and how much each of them counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.bias import Surface
from detectors.data import EDIT, Example, Reader, read_picture
from detectors.neighbours import N_DIMENSIONS
from detectors.probe import REGULARIZATION, Floats, Ridge, Scenes
from detectors.recipe import Recipe
from detectors.seen_surface import seen_surfaces
from detectors.surface_balance import balance
from detectors.token_features import PATCH_SHARE, Tower, spread
from detectors.vision_tower import PATCH_PX, SIDE_PX
from detectors.washed_views import cut, is_mild, view_numbers


@dataclass(frozen=True)
class TrainingSettings(Recipe):
    """What a run depends on besides the pictures.

    Attributes:
        n_views: washed views of each picture, 2 at least; calibration rests on the odd, mild ones, and the plain one.
        plain: whether a view of each picture that was saved once, and not washed, is learned from as well.
        seed: of the washes.
        left_out: families that are no examples of a whole synthetic picture.
        clips: whether frames of clips are learned from as well.
        left_out_sources: sources whose fakes show what a real photo shows, such as reconstructions of one: the whole
            picture in small cannot tell them apart.
        hard_share: share of a picture's weight that its hard views have, 0..1. Without any, fakes that were compressed
            more than the photos pass; with more, small and plain faces count as fakes.
        scene_penalty: on axes that tell scenes apart and not makers, 0 and up; see `detectors.scene_axes`.
        surface_balance: power of the weights under which the surface tells the classes no more, 0 and up: 0 balances
            nothing, 1 wholly; see `detectors.bias.overlap`.
        matched_contrast: weight with which sources of both classes are learned from once more, beside their own middle,
            0 and up; see `detectors.contrasts`.
        regularization: inverse strength of the penalty on weights, over 0; see `detectors.probe.Ridge`.
        patch_share: of the variance of standardised features the part that patch tokens have beside class tokens, over
            0 and under 1: 0.5 leaves all features alike.
        side_px: of the picture in small that the tower looks at, a multiple of 16.
        n_dimensions: of the space in which the training pictures are kept, to tell what is unlike all of them.
    """

    n_views: int = 4
    plain: bool = False
    seed: int = 1
    left_out: tuple[str, ...] = (EDIT, "faceswap")
    clips: bool = False
    left_out_sources: tuple[str, ...] = ()
    hard_share: float = 0.2
    scene_penalty: float = 0.0
    surface_balance: float = 0.0
    matched_contrast: float = 0.0
    regularization: float = REGULARIZATION
    patch_share: float = PATCH_SHARE
    side_px: int = SIDE_PX
    n_dimensions: int = N_DIMENSIONS

    def __post_init__(self) -> None:
        if self.n_views < 2:
            raise ValueError(f"at least 2 views are needed, one of them mild, not {self.n_views}")
        if not 0.0 <= self.hard_share <= 1.0:
            raise ValueError(f"the share of hard views lies within 0 and 1, not at {self.hard_share}")
        if min(self.scene_penalty, self.surface_balance, self.matched_contrast) < 0.0:
            raise ValueError("penalty, balance and contrast are 0 or more")
        if self.regularization <= 0.0 or not 0.0 < self.patch_share < 1.0:
            raise ValueError("regularization is over 0, and the share of patch tokens over 0 and under 1")
        if self.side_px < PATCH_PX or self.side_px % PATCH_PX:
            raise ValueError(f"the tower looks at sides that are multiples of {PATCH_PX} pixels, not at {self.side_px}")

    @property
    def views(self) -> tuple[int, ...]:
        """Views of a picture that are learned from, washed or not; see `detectors.washed_views`."""
        return view_numbers(self.n_views, plain=self.plain)

    @property
    def n_rows(self) -> int:
        """How many they are."""
        return len(self.views)

    @property
    def ridge(self) -> Ridge:
        """The penalty on the weights."""
        return Ridge(self.regularization, spread(self.patch_share))


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
        examples: the pictures that could be read.
        unread: why the others could not, a line each.
        rows: (N, N_FEATURES) float32.
        labels: (N,) 1 fake, 0 real.
        sources: N names.
        share: (N,) what a view counts beside the others of its source.
        mild: (N,) views that calibration rests on.
        scenes: that the reading is kept off; None leaves it to the reading what it leans on.
        ridge: the penalty on its weights.
        told: figures for the card.
    """

    examples: tuple[Example, ...]
    unread: tuple[str, ...]
    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    sources: tuple[str, ...]
    share: Floats
    mild: NDArray[np.bool_]
    scenes: Scenes | None
    ridge: Ridge = field(default_factory=Ridge)
    told: Mapping[str, float] = field(default_factory=dict)


def study(
    examples: Sequence[Example],
    settings: TrainingSettings,
    *,
    tower: Tower,
    cache: Path | None = None,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
) -> Lessons:
    """Cut the views of all usable pictures, one picture after the other, and weigh them.

    Args:
        examples, settings, cache, reader, progress: as for `detectors.training.train_synthetic`.
        tower: gives the tokens.

    Raises:
        ValueError: one class is missing.
    """
    n_rows, seed = settings.n_rows, settings.seed
    chosen = usable(examples, settings)
    views = cut(
        tower,
        chosen,
        n_views=settings.n_views,
        seed=seed,
        plain=settings.plain,
        cache=cache,
        reader=reader,
        progress=progress,
        side_px=settings.side_px,
    )
    labels = np.repeat([e.label for e in views.examples], n_rows)
    mild = np.tile([is_mild(view) for view in settings.views], len(views.examples))
    share = np.where(mild, (1 - settings.hard_share) / mild.mean(), settings.hard_share / (1 - mild.mean()))
    shown = np.repeat([e.content for e in views.examples], n_rows)
    scenes = Scenes(shown, settings.scene_penalty, settings.matched_contrast)
    given = Lessons(
        examples=views.examples,
        unread=views.unread,
        rows=views.features.reshape(len(labels), -1),
        labels=labels,
        sources=tuple(e.source for e in views.examples for _ in range(n_rows)),
        share=share,
        mild=mild,
        scenes=scenes if scenes.penalty or scenes.contrast else None,
        ridge=settings.ridge,
    )
    if not settings.surface_balance:
        return given
    surfaces = seen_surfaces(views.examples, seed=seed, cache=cache, reader=reader)
    return _balanced(given, surfaces, settings.surface_balance)


def _balanced(given: Lessons, surfaces: Sequence[Surface], power: float) -> Lessons:
    """The same lessons, weighed so that the surface tells the classes less; the card says how far it still does."""
    labels, sources = [e.label for e in given.examples], [e.source for e in given.examples]
    found = balance(surfaces, labels, sources, power)
    n_views = len(given.labels) // len(labels)
    told = {"surface of the pictures as they are weighed, AUROC": round(found.audit.auroc, 4)}
    return replace(given, share=given.share * np.repeat(found.factor, n_views), told=told)
