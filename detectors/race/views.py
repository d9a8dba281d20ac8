"""Features of washed views in a race: a fake and the photo it stands beside go through the same wash."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.race.contender import Contender
from detectors.washed_views import MAX_SIDE_PX, chain
from generators.images import Pixels
from generators.launder import Fit

MILD_VIEW = 1
"""The view that thresholds and figures rest on: what pictures meet on their way to a moderator."""

Named: TypeAlias = Iterable[tuple[str, Pixels]]
Ticker: TypeAlias = Callable[[int], None]


def all_views(
    contender: Contender, pictures: Named, n_views: int, seed: int, tick: Ticker | None = None
) -> NDArray[np.float16]:
    """Views to learn from: (N, n_views, D) float16; every other one is mild, the others go through a hard wash."""
    return _cut(contender, pictures, range(n_views), seed, tick)


def mild_view(contender: Contender, pictures: Named, seed: int, tick: Ticker | None = None) -> NDArray[np.float16]:
    """Views to judge by: (N, D) float16."""
    views = _cut(contender, pictures, (MILD_VIEW,), seed, tick)
    return views.reshape(len(views), -1)


def _cut(
    contender: Contender, pictures: Named, views: Iterable[int], seed: int, tick: Ticker | None
) -> NDArray[np.float16]:
    numbers, found = tuple(views), []
    for name, pixels in pictures:
        fitted = Fit(MAX_SIDE_PX)(pixels)
        found.append([contender.features(chain(name, view, seed)(fitted)) for view in numbers])
        if tick is not None:
            tick(1)
    return np.asarray(found, np.float16)
