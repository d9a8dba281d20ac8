"""Trains the detector `face`: real faces beside their own blends, a reading of them, calibrated on held-out sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.data import Example, Reader, first_by_hash, read_picture
from detectors.face import READING
from detectors.face_features import BLOCK, Look
from detectors.face_versions import BLEND, EDIT, LISTED, MIRROR, REAL
from detectors.face_views import FaceRows, cut_faces
from detectors.held_out import figures
from detectors.linear_reading import Fitted, fit_reading
from detectors.metrics import auroc
from detectors.probe import fold_of
from detectors.recipe import Recipe
from detectors.synthetic import TOWER
from detectors.tower_reading import look_with_tower
from detectors.training import LICENCE
from generators.weights import ModelCard, save

TASK = "A picture in, the probability that one of its faces was swapped or blended out (at equal odds beforehand)."

LIMITS = (
    "Learned from faces blended with changed versions and mirror images of themselves and from edits in age and "
    "gender: it looks for a border and for colours, sharpness and shapes that disagree, and may pass a swap that was "
    "finished with care or washed hard. Real swaps, of one source, were only there to measure on. Faces made or "
    "re-enacted as a whole have no border and score low, so that of clips its ratio does not count. Faces under 64 "
    "pixels are not judged; of many faces the four largest are."
)

HEAT_SHARES = (0.8, 0.9)
"""Heat is 0 where cells read as four in five of real ones do or less, and 1 as the clearest tenth of blended ones."""

CELL_REGULARIZATION = 1e-4

MEASURED = {
    BLEND: "self-blends",
    MIRROR: "mirrored swaps",
    EDIT: "edits in age and gender",
    LISTED: "listed swaps",
}
"""Kinds that the card speaks of, in words."""


@dataclass(frozen=True)
class FaceSettings(Recipe):
    """What a run depends on besides the pictures.

    Attributes:
        n_views: washed views of each face, 2 at least; calibration rests on the odd, mild ones.
        seed: of cuts, blends and washes.
        listed: families of fakes that are judged and calibrated on, but not learned from: two dozen swaps of one source
            taught the source (self-blends were told at 0.90 instead of 0.92, the swaps themselves at 0.77 and 0.81).
        edited: sources of aligned faces, of which edits in age and gender are made as well.
        most: pictures of one source; so many of the first by the hash of their names.
        regularization: inverse strength.
    """

    n_views: int = 2
    seed: int = 1
    listed: tuple[str, ...] = ("faceswap",)
    edited: tuple[str, ...] = ()
    most: int = 60
    regularization: float = 1e-3

    def __post_init__(self) -> None:
        if self.n_views < 2:
            raise ValueError(f"at least 2 views are needed, one of them mild, not {self.n_views}")


def usable_faces(examples: Sequence[Example], settings: FaceSettings) -> tuple[Example, ...]:
    """Pictures and clips that a run looks for faces in: real ones of all kinds, and swaps.

    Raises:
        ValueError: there is no real one, of which blends could be made.
    """
    chosen = [e for e in examples if not e.label or e.family in settings.listed]
    if not any(e.label == 0 for e in chosen):
        raise ValueError("no real picture is there, so nothing can be blended")
    return first_by_hash(chosen, settings.most)


def train_face(
    examples: Sequence[Example],
    out: Path,
    settings: FaceSettings | None = None,
    *,
    cache: Path | None = None,
    look: Look = look_with_tower,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
) -> ModelCard:
    """Train, calibrate and write a reading.

    Args:
        examples: real pictures and clips of many sources, of which some show faces, and swaps; the rest is ignored.
        out: folder for weights and card.
        settings: defaults if None.
        cache: folder that keeps features; a stopped run goes on from there.
        look: gives the tokens of a crop; the tower that ships by default.
        reader: of examples; one that reads clips makes them usable.
        progress: called with the number of views done since the last call.

    Returns:
        The card that was written, with the figures on held-out sources.

    Raises:
        ValueError: too few faces or sources.
    """
    settings = settings or FaceSettings()
    rows = cut_faces(
        look,
        usable_faces(examples, settings),
        n_views=settings.n_views,
        seed=settings.seed,
        edited=settings.edited,
        cache=cache,
        reader=reader,
        progress=progress,
    )
    if not len(rows.kinds):
        raise ValueError("no face that is large enough was found")
    return _fitted(rows, out, settings)


def _fitted(rows: FaceRows, out: Path, settings: FaceSettings) -> ModelCard:
    mild = rows.views % 2 == 1
    folds = _folds(rows.sources)
    fitted = fit_reading(
        rows.features,
        rows.labels,
        rows.sources,
        folds,
        regularization=settings.regularization,
        calibrated_on=mild,
        learned_from=np.array([kind != LISTED for kind in rows.kinds]),
    )
    places, heat_range, of_cells = _places(rows, folds)
    name, _, version = READING.rpartition("-")
    card = ModelCard(
        name=name,
        version=version,
        task=TASK,
        data=dict(sorted(Counter(f"{k}: {s}" for k, s in zip(rows.kinds, rows.sources, strict=True)).items())),
        settings=asdict(settings) | {"tower": TOWER, "block": BLOCK},
        measures=_figures(rows, fitted.held_out, mild) | {"held-out sources, blended cells, AUROC": of_cells},
        limits=LIMITS,
        licence=LICENCE,
        claim="manipulated",
        thresholds=fitted.thresholds,
        n_reals=len({e.path for e, of, one in zip(rows.examples, rows.labels, mild, strict=True) if one and not of}),
        sets=fitted.sets,
        clips=False,  # frames of few real clips and of no re-enacted ones were seen
    )
    tensors: dict[str, NDArray[Any]] = {**fitted.reading.tensors, "heat_range": heat_range}
    tensors |= {"cell_weights": places.reading.weights, "cell_bias": np.array(places.reading.bias, np.float64)}
    return save(tensors, card, out)


def _places(rows: FaceRows, folds: NDArray[np.int64]) -> tuple[Fitted, NDArray[np.float64], float]:
    """The reading of single cells, the readings that heat runs between, and its AUROC on held-out sources."""
    own = np.array([kind in (REAL, BLEND, MIRROR) for kind in rows.kinds])
    n_cells = rows.cells.shape[1]
    blended = rows.blended[own].ravel()
    sure = (blended > 0.5) | (blended < 0.05)
    labels = (blended[sure] > 0.5).astype(np.int64)
    sources = np.repeat(np.array(rows.sources)[own], n_cells)[sure]
    found = fit_reading(
        rows.cells[own].reshape(len(blended), -1)[sure].astype(np.float32),
        labels,
        sources.tolist(),
        np.repeat(folds[own], n_cells)[sure],
        regularization=CELL_REGULARIZATION,
    )
    low, high = (float(np.quantile(found.held_out[labels == i], HEAT_SHARES[i])) for i in (0, 1))
    heat_range = np.array([low, max(high, low + 1e-6)], np.float64)
    return found, heat_range, round(auroc(labels, found.held_out), 4)


def _folds(sources: Sequence[str]) -> NDArray[np.int64]:
    """Every source holds both classes, as its blends are its own: they are dealt out in turn."""
    names = sorted(set(sources))
    return np.array([fold_of(source, names) for source in sources], np.int64)


def _figures(rows: FaceRows, logits: NDArray[np.float64], mild: NDArray[np.bool_]) -> dict[str, float]:
    """Figures of mild views of faces of sources that were not fitted on, kind by kind, against all real ones."""
    kinds = np.array(rows.kinds)
    found: dict[str, float] = {}
    for kind, words in MEASURED.items():
        own = mild & ((kinds == kind) | (kinds == REAL))
        labels = rows.labels[own]
        if len(set(labels)) < 2:
            continue
        sources = [source for source, chosen in zip(rows.sources, own, strict=True) if chosen]
        found |= figures(f"held-out sources, {words}", logits[own], labels, sources)
    return found
