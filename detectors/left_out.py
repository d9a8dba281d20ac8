"""How well fakes of a family are told by a reading that never saw one of it: each family is left out in turn.

What ships has seen some fakes of most families, and a table of it says little about the next kind of generator. So the
reading is fitted anew without a family, and without a fifth of the sources, and is asked of the former's fakes and the
latter's photos.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors.data import matched_sources
from detectors.evaluation import N_RESAMPLES, Group, Row, told
from detectors.lessons import Lessons
from detectors.probe import Floats, fit, fold_of, root_weights
from detectors.reading import probability
from detectors.scoring import Condition

KIND = "left out"

HELD_OUT = 0
"""The fold of `detectors.probe` whose sources are not learned from."""

VIEWS = {"hard": 0, "mild": 1}
"""Conditions: of each picture the first view of either kind, see `detectors.washed_views`."""


def left_out_rows(given: Lessons, *, seed: int = 0, n_resamples: int = N_RESAMPLES) -> Iterator[Row]:
    """Fit one reading without each family, and measure it.

    Args:
        given: of all pictures, from `detectors.lessons.study`.
        seed: of the intervals.
        n_resamples: of the intervals.

    Raises:
        ValueError: there are fewer than two families of fakes, or no photo is held out.
    """
    examples = given.examples
    families = sorted({e.family for e in examples if e.label})
    matched = matched_sources(examples)
    held = np.array([fold_of(e.source, matched) == HELD_OUT for e in examples])
    photos = [i for i, e in enumerate(examples) if not e.label and held[i]]
    if len(families) < 2 or not photos:
        raise ValueError(f"{len(families)} families and {len(photos)} photos held out: two and one are the least")
    n_views = len(given.labels) // len(examples)
    for family in families:
        own = np.array([bool(e.label) and e.family == family for e in examples])
        logits = _logits(given, np.repeat(~own & ~held, n_views)).reshape(-1, n_views)
        group = Group(KIND, family, "held-out reals", (*np.flatnonzero(own).tolist(), *photos))
        for name, view in VIEWS.items():
            condition = Condition(name, probability(logits[:, view]), None, (None,) * len(examples))
            yield told(group, condition, examples, {}, seed=seed, n_resamples=n_resamples)


def _logits(given: Lessons, seen: NDArray[np.bool_]) -> Floats:
    """What a reading of the seen rows says of all."""
    names = np.asarray(given.sources)[seen].tolist()
    weight = root_weights(given.labels[seen], names) * given.share[seen]
    scenes = None if given.scenes is None else given.scenes.of(seen)
    return fit(given.rows[seen], given.labels[seen], weight, names, scenes, given.ridge).logits(given.rows)
