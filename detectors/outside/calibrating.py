"""Fits an outside model to a user's own sources: two numbers of a ratio, its bounds, thresholds and conformal bars.

The network stays as it is; only what its log odds are worth is learned. Pictures go through mild washes first, both
classes alike, so that a container or a quality that one class happens to have cannot pass for the fake.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.calibration import fit_llr
from detectors.data import EDIT, Example, Reader, read_picture
from detectors.held_out import RATES, llr_range, sets, thresholds
from detectors.metrics import auroc, bootstrap, cllr
from detectors.outside.described import Calibration, Described
from detectors.outside.detector import Outside
from detectors.outside.model_folder import update
from detectors.probe import N_FOLDS, fold_of, root_weights
from detectors.reading import Floats, probability
from detectors.washed_views import MAX_SIDE_PX, chain
from generators.launder import Fit
from generators.weights import ModelCard

MIN_PICTURES = 20
"""Of each class: fewer cannot support a ratio of more than about 1.3, nor a threshold for 5 % false positives."""

COIN = 0.5
"""AUROC of what tells nothing."""

EMPTY = 1.0
"""Cllr of ratios that say nothing; over it they mislead."""

AREA, COST = "your pictures after mild washes, AUROC", "your pictures, sources held out in turn, Cllr"

MILD_VIEW = 1
"""Odd views of `washed_views.chain` are the mild ones."""


def calibrate(
    name: str,
    folder: Path,
    examples: Sequence[Example],
    *,
    seed: int = 0,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
) -> ModelCard:
    """Fit an outside model to pictures of known origin and write its card anew.

    Args:
        name: of the model.
        folder: where outside models are kept.
        examples: pictures that the network was not trained on; clips and edited photos are left out.
        seed: of the washes, and of the sources that are redrawn for an interval.
        reader: of examples.
        progress: called with the number of pictures done since the last call.

    Returns:
        The card with ratio, thresholds and figures.

    Raises:
        LookupError: there is no such model.
        ValueError: there are too few pictures, or the network tells them no better than a coin, or its ratios say
            nothing of sources that they were not fitted on; the card stays.
    """
    model = Outside(name, folder)
    used, logits = _logits(model, _usable(examples), seed, reader, progress)
    labels = np.array([e.label for e in used])
    sources = [e.source for e in used]
    _check(labels, logits, sources, seed)
    measures = _measures(logits, labels, sources)
    slope, bias = _line(logits, labels, sources)
    values, weight = slope * logits + bias, root_weights(labels, sources)
    floor, ceiling = llr_range(values, labels, weight)
    scores = probability(values)
    described = replace(Described.of(model.card), calibration=Calibration(slope, bias, floor, ceiling))
    card = replace(
        model.card,
        settings=json.loads(json.dumps(described.to_settings())),
        data=dict(sorted(Counter(f"calibrated on {'fake' if e.label else 'real'}: {e.source}" for e in used).items())),
        # Only for the shares that so many reals can tell.
        thresholds=thresholds(scores, labels, weight, [rate for rate in RATES if (labels == 0).sum() * rate >= 1]),
        n_reals=int((labels == 0).sum()),
        sets=sets(scores, labels, weight),
        measures={key: round(value, 4) for key, value in measures.items()},
    )
    update(card, folder)
    return card


def _usable(examples: Sequence[Example]) -> tuple[Example, ...]:
    return tuple(e for e in examples if not e.is_video and e.family != EDIT)


def _logits(
    model: Outside,
    examples: Sequence[Example],
    seed: int,
    reader: Reader,
    progress: Callable[[int], None] | None,
) -> tuple[list[Example], Floats]:
    """Log odds of each picture after a mild wash; what cannot be read is left out."""
    used, logits = [], []
    for example in examples:
        try:
            pixels = chain(example.path.name, MILD_VIEW, seed)(Fit(MAX_SIDE_PX)(reader(example)[0]))
        except ValueError:
            continue
        finally:
            if progress is not None:
                progress(1)
        used.append(example)
        logits.append(model.logit(pixels))
    return used, np.array(logits, np.float64)


def _check(labels: NDArray[np.int64], logits: Floats, sources: Sequence[str], seed: int) -> None:
    """See that there is enough to fit and that the network tells more than nothing."""
    n_fake, n_real = int((labels == 1).sum()), int((labels == 0).sum())
    if min(n_fake, n_real) < MIN_PICTURES:
        raise ValueError(f"at least {MIN_PICTURES} fakes and as many reals are wanted, got {n_fake} and {n_real}")
    area = auroc(labels, logits)
    within = bootstrap(auroc, labels, logits, seed=seed, sources=sources)
    if min(area, within.low) <= COIN:
        raise ValueError(
            f"on these pictures the network is no better than a coin (AUROC {area:.2f}, with its sources redrawn "
            f"{within.low:.2f} to {within.high:.2f}): it stays for the eye only"
            + (". Do its outputs mean the opposite? Add it again with another --fake" if area < COIN else "")
        )


def _line(logits: Floats, labels: NDArray[np.int64], sources: Sequence[str]) -> tuple[float, float]:
    """Slope and bias that turn log odds of the network into natural log odds at equal priors."""
    return fit_llr(["logit"], logits[:, None], labels, sources, fitted_on="", signs=[1]).line


def _measures(logits: Floats, labels: NDArray[np.int64], sources: Sequence[str]) -> dict[str, float]:
    """Figures on the user's pictures; the ratio is judged on sources that it was not fitted on.

    Raises:
        ValueError: there the ratio says nothing.
    """
    measures = {AREA: auroc(labels, logits)}
    held_out = _held_out(logits, labels, sources)
    judged = np.isfinite(held_out)
    if len({*labels[judged].tolist()}) == 2:
        measures[COST] = cllr(labels[judged], held_out[judged])
    if measures.get(COST, 0.0) >= EMPTY:
        raise ValueError(
            f"of sources that they were not fitted on the network's ratios say nothing (Cllr {measures[COST]:.2f}, "
            f"less than {EMPTY:g} is wanted): it stays for the eye only"
        )
    return measures


def _held_out(logits: Floats, labels: NDArray[np.int64], sources: Sequence[str]) -> Floats:
    """(n,) log10 ratios, each fitted without the fold of its source; nan where that leaves one class."""
    held_out = np.full(len(labels), np.nan)
    folds = np.array([fold_of(source, ()) for source in sources])
    for fold in range(N_FOLDS):
        seen = folds != fold
        if len({*labels[seen].tolist()}) == 2 and not seen.all():
            slope, bias = _line(logits[seen], labels[seen], [s for s, kept in zip(sources, seen, strict=True) if kept])
            held_out[~seen] = (slope * logits[~seen] + bias) / np.log(10)
    return held_out
