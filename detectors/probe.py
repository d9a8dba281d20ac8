"""A linear reading of features, fitted and judged with the sources kept apart.

Each fold's reading never saw the sources it is judged on; the shipped one is the mean of the folds' readings, which for
linear readings is again one. Calibration and thresholds rest on the held-out scores alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detectors.contrasts import contrasts
from detectors.scene_axes import scene_axes

N_FOLDS = 5
REGULARIZATION = 1e-3
"""Inverse strength. On held-out sources, blocks 6 to 8: AUROC 0.833 at 1e-4, 0.864 at 1e-3, 0.866 at 1e-2."""

TOLERANCE = 1e-3
"""Of the fit: at a tenth of it, held-out AUROC is the same to 0.0004 and takes half as long again."""

SIZE_POWER = 0.5
"""A source weighs as its size to this power: one of 400 pictures counts as much as four of 25, not sixteen."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear reading.

    Attributes:
        weights: (D,) float32.
        bias: natural log odds at equal priors are `features @ weights + bias`.
    """

    weights: NDArray[np.float32]
    bias: float

    def logits(self, features: NDArray[np.float32]) -> Floats:
        """Readings (N,) of features (N, D)."""
        return np.asarray(features @ self.weights.astype(np.float64) + self.bias, np.float64)


@dataclass(frozen=True, eq=False)
class Ridge:
    """The quadratic penalty on the weights of a fit.

    Attributes:
        inverse_strength: on standardised features, over 0; rows weigh 1 on average.
        spread: (D,) standard deviation that each feature is given once it is standardised: what has less is leaned on
            less; None gives 1 to all.
    """

    inverse_strength: float = REGULARIZATION
    spread: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class CrossFit:
    """A reading with what it says of sources it did not see.

    Attributes:
        probe: mean of the folds' readings.
        held_out: (N,) logits, each from the fold that did not see its source.
    """

    probe: Probe
    held_out: Floats


def root_weights(labels: NDArray[np.int64], sources: Sequence[str]) -> Floats:
    """Weights (N,): both classes one half, a source within its class by the root of its size; they sum to N."""
    names, weight = np.asarray(sources), np.zeros(len(labels))
    for label in (0, 1):
        own = labels == label
        _, place, counts = np.unique(names[own], return_inverse=True, return_counts=True)
        share = (counts.astype(np.float64) ** SIZE_POWER / counts)[place]
        weight[own] = share / share.sum() / 2
    return weight * len(labels)


def fold_of(source: str, matched: Sequence[str]) -> int:
    """The fold of a source: matched ones are dealt out in turn, since each is a test of its own."""
    if source in matched:
        return sorted(matched).index(source) % N_FOLDS
    return zlib.crc32(source.encode()) % N_FOLDS


@dataclass(frozen=True, eq=False)
class Scenes:
    """What pictures show, for readings that shall tell makers and not scenes.

    Attributes:
        shown: N words for the content, "" where it is unknown.
        penalty: on axes that tell scenes apart, see `detectors.scene_axes`.
        contrast: weight of the rows of matched sources beside their middle, see `detectors.contrasts`.
    """

    shown: NDArray[np.str_]
    penalty: float = 0.0
    contrast: float = 0.0

    def of(self, chosen: NDArray[np.bool_]) -> Scenes:
        """Those of the chosen rows, (N,)."""
        return replace(self, shown=self.shown[chosen])


def cross_fit(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    sources: Sequence[str],
    matched: Sequence[str],
    *,
    share: Floats | None = None,
    scenes: Scenes | None = None,
    ridge: Ridge | None = None,
) -> CrossFit:
    """Fit one reading a fold.

    Args:
        features: (N, D) float32.
        labels: (N,) 1 fake, 0 real.
        sources: N names.
        matched: sources that hold both classes.
        share: (N,) what each row counts beside the others of its source; all alike if None.
        scenes: of the rows; None leaves it to the reading what it leans on.
        ridge: as usual if None.

    Raises:
        ValueError: the sources of one class all lie in one fold.
    """
    folds = np.array([fold_of(source, matched) for source in sources])
    weight = root_weights(labels, sources) * (1.0 if share is None else share)
    held_out, probes = np.zeros(len(labels)), []
    for fold in range(N_FOLDS):
        seen = folds != fold
        if len(set(labels[seen])) < 2:
            raise ValueError(f"{len(set(sources))} sources are too few for {N_FOLDS} folds of both classes")
        own = None if scenes is None else scenes.of(seen)
        probe = fit(features[seen], labels[seen], weight[seen], np.asarray(sources)[seen].tolist(), own, ridge)
        held_out[~seen] = probe.logits(features[~seen])
        probes.append(probe)
    mean = np.mean([probe.weights for probe in probes], axis=0).astype(np.float32)
    return CrossFit(Probe(mean, float(np.mean([probe.bias for probe in probes]))), held_out)


def fit(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    weight: Floats,
    sources: Sequence[str] = (),
    scenes: Scenes | None = None,
    ridge: Ridge | None = None,
) -> Probe:
    """Logistic regression on standardised features, folded back to the features as they are.

    Args:
        features: (N, D) float32.
        labels: (N,) 1 fake, 0 real.
        weight: (N,) of the rows.
        sources: N names, needed with scenes.
        scenes: of the rows; None leaves it to the reading what it leans on.
        ridge: as usual if None.
    """
    from sklearn.linear_model import LogisticRegression

    ridge = ridge or Ridge()
    center, scale = features.mean(axis=0), features.std(axis=0) + np.float32(1e-6)
    if ridge.spread is not None:
        scale = scale / ridge.spread
    rows, shrunk = (features - center) / scale, None
    if scenes is not None and scenes.penalty:
        shrunk = partial(scene_axes(rows, labels, sources, scenes.shown.tolist()).shrunk, strength=scenes.penalty)
        rows = shrunk(rows)
    if scenes is not None and scenes.contrast:
        beside = contrasts(rows, labels, sources, weight, scenes.contrast)
        rows = np.concatenate([rows, beside.rows])
        labels, weight = np.concatenate([labels, beside.labels]), np.concatenate([weight, beside.weight])
    model = LogisticRegression(C=ridge.inverse_strength, max_iter=500, tol=TOLERANCE)
    model.fit(rows, labels, sample_weight=weight)
    found = model.coef_ if shrunk is None else shrunk(model.coef_)
    weights = (found[0] / scale).astype(np.float32)
    return Probe(weights, float(model.intercept_[0] - weights.astype(np.float64) @ center))


def weighted_quantile(values: Floats, weight: Floats, share: float) -> float:
    """The value that a share of the weight lies above, 0..1."""
    order = np.argsort(-values)
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(int(np.searchsorted(reached, share, side="right")), len(values) - 1)])
