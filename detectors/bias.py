"""Tries to tell fakes from reals by what has nothing to do with being fake: format, size, sharpness, brightness.

A set on which that succeeds teaches a detector the format, not the fake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.calibration import source_weights
from detectors.data import Example
from generators.images import Pixels
from generators.launder import Chain, Jpeg, Webp
from generators.opening import open_picture

MAX_AUROC = 0.6
"""Above it a set fails."""

N_FOLDS = 5

N_ROUNDS = 3
"""Ways to part the pictures into folds that weights are averaged over."""


@dataclass(frozen=True)
class Surface:
    """What a picture shows without a look at its content.

    Attributes:
        format: of the file or of the last coding, such as jpeg, png or webp.
        width, height: pixels.
        table: mean step of the JPEG quantization tables; nan without any.
        bytes_per_pixel: nan where there is no file.
        sharpness: log10 of the variance of the Laplacian of the luma.
        brightness: mean luma, 0..255.
        contrast: standard deviation of the luma.
        content: what it shows, in a word; "" where unsaid.
    """

    format: str
    width: int
    height: int
    table: float
    bytes_per_pixel: float
    sharpness: float
    brightness: float
    contrast: float
    content: str


@dataclass(frozen=True)
class BiasAudit:
    """How far the surface tells the class.

    Attributes:
        auroc: of all of it together, cross-validated, every source counting alike.
        by_feature: the same for each part of it alone.
        n_fake, n_real: pictures.
    """

    auroc: float
    by_feature: Mapping[str, float]
    n_fake: int
    n_real: int

    @property
    def passes(self) -> bool:
        """Whether a detector has to look deeper on this set."""
        return self.auroc <= MAX_AUROC


def file_surface(example: Example, pixels: Pixels) -> Surface:
    """The surface of a file as it lies there.

    Args:
        example: a picture.
        pixels: (H, W, 3) uint8 of it, from `detectors.data.read_pixels`.
    """
    with open_picture(example.path) as image:
        name = (image.format or "").lower()
        tables: Mapping[int, Sequence[int]] = getattr(image, "quantization", None) or {}
        n_pixels = image.width * image.height
    table = float(np.mean([np.mean(steps) for steps in tables.values()])) if tables else float("nan")
    return _surface(pixels, name, table, example.path.stat().st_size / n_pixels, example.content)


def washed_surface(pixels: Pixels, chain: Chain, content: str = "", *, side_px: int | None = None) -> Surface:
    """The surface of a picture after a chain, as a detector is given it.

    Args:
        pixels: (H, W, 3) uint8 before it.
        chain: from `generators.launder`.
        content: what it shows.
        side_px: side of the square that the detector shrinks every picture to; None if it takes them as they are.
    """
    coding = chain.last_coding
    name = {Jpeg: "jpeg", Webp: "webp"}.get(type(coding), "none")
    table = float(np.mean(coding.tables)) if isinstance(coding, Jpeg) else float("nan")
    seen = chain(pixels)
    if side_px is not None:
        seen = np.asarray(cv2.resize(seen, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)
    return _surface(seen, name, table, float("nan"), content)


def bias_audit(
    surfaces: Sequence[Surface],
    labels: Sequence[int],
    sources: Sequence[str],
    *,
    weight: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> BiasAudit:
    """Train a small model on surfaces alone and measure it on pictures it has not seen.

    Folds are drawn by picture, not by source: what a network could learn of this very set is asked.

    Args:
        surfaces, labels, sources: n of each; label 1 is fake.
        weight: (n,) of each; every source of a class counts alike if None.
        seed: of the folds.

    Raises:
        ValueError: there are fewer than N_FOLDS pictures of a class.
    """
    y = np.asarray(labels, np.int64)
    n_fake, n_real = int((y == 1).sum()), int((y == 0).sum())
    if min(n_fake, n_real) < N_FOLDS:
        raise ValueError(f"wants at least {N_FOLDS} pictures of each class, got {n_fake} fakes and {n_real} reals")
    columns = _columns(surfaces)
    weight = source_weights(y, sources) if weight is None else weight
    alone = {name: _held_out_auroc([column], y, weight, seed) for name, column in columns.items()}
    together = _held_out_auroc(list(columns.values()), y, weight, seed) if columns else 0.5
    return BiasAudit(together, alone, n_fake, n_real)


def overlap(
    surfaces: Sequence[Surface], labels: Sequence[int], weight: NDArray[np.float64], *, seed: int = 0
) -> NDArray[np.float64]:
    """How much each picture looks like the other class on its surface: weights under which that tells nothing any more.

    A fake counts by the probability that its surface is a photo's, a photo by that of a fake's, as a small model says
    that did not see the picture. Source: Li, Morgan, Zaslavsky, Balancing Covariates via Propensity Score Weighting,
    JASA 2018.

    Args:
        surfaces, labels: n of each; label 1 is fake.
        weight: (n,) that pictures have otherwise.
        seed: of the folds.

    Returns:
        (n,) within 0..1, to be multiplied with the weights.
    """
    y = np.asarray(labels, np.int64)
    columns = list(_columns(surfaces).values())
    if not columns:
        return np.full(len(y), 0.5)
    fake = np.mean([_held_out_scores(columns, y, weight, seed + i) for i in range(N_ROUNDS)], axis=0)
    return np.asarray(np.where(y == 1, 1 - fake, fake), np.float64)


def _surface(pixels: Pixels, name: str, table: float, bytes_per_pixel: float, content: str) -> Surface:
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    sharpness = float(np.log10(cv2.Laplacian(luma, cv2.CV_32F).var() + 1e-3))
    height, width = luma.shape
    return Surface(
        name, width, height, table, bytes_per_pixel, sharpness, float(luma.mean()), float(luma.std()), content
    )


def _columns(surfaces: Sequence[Surface]) -> dict[str, tuple[NDArray[np.float64], bool]]:
    """What varies, by name."""
    table = np.array([astuple(surface) for surface in surfaces], dtype=object)
    columns = {field.name: _numbers(table[:, i]) for i, field in enumerate(fields(Surface))}
    return {name: column for name, column in columns.items() if len(np.unique(column[0])) > 1}


def _numbers(column: NDArray[np.object_]) -> tuple[NDArray[np.float64], bool]:
    """A column as numbers (n,), and whether they only name kinds."""
    if isinstance(column[0], str):
        return np.unique(column.astype(str), return_inverse=True)[1].astype(np.float64), True
    return column.astype(np.float64), False


def _held_out_auroc(
    columns: Sequence[tuple[NDArray[np.float64], bool]],
    labels: NDArray[np.int64],
    weight: NDArray[np.float64],
    seed: int,
) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, _held_out_scores(columns, labels, weight, seed), sample_weight=weight))


def _held_out_scores(
    columns: Sequence[tuple[NDArray[np.float64], bool]],
    labels: NDArray[np.int64],
    weight: NDArray[np.float64],
    seed: int,
) -> NDArray[np.float64]:
    """Probability of fake (n,) of each picture by a model that did not see it."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold

    x = np.stack([values for values, _ in columns], axis=1)
    scores = np.empty(len(labels))
    for train, test in StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(x, labels):
        model = HistGradientBoostingClassifier(
            max_iter=60, max_leaf_nodes=8, min_samples_leaf=10, categorical_features=[kinds for _, kinds in columns]
        )
        model.fit(x[train], labels[train], sample_weight=weight[train])
        scores[test] = model.predict_proba(x[test])[:, 1]
    return scores
