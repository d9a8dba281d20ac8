"""Chooses which new fakes are worth learning: some cannot be learned by a reading without costing what it knows.

Pictures perturbed to fool the reading lie where photos do; who learns them anyway, takes photos and earlier fakes for
each other. So new kinds are left out one by one, first the one that gives earlier kinds back most for what is lost on
itself, until the round costs them no more than is allowed. All of this is weighed on the pictures for calibration; what
judges the candidate is not looked at. What is left out stays new, and is tried again in the next round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.metrics import auroc
from detectors.race.defence import Linear
from detectors.race.gathering import Block

Rows = NDArray[np.float32]

LEAST = 0.01
"""AUROC that a kind counts as losing at least when it is left out: it is found on some two dozen pictures."""


@dataclass(frozen=True, eq=False)
class Held:
    """A kind of fakes, as far as it serves calibration.

    Attributes:
        fakes, photos: (n, D) and (m, D) features; photos prepared and washed as the fakes.
    """

    fakes: Rows
    photos: Rows

    def auroc(self, reading: Linear) -> float:
        """How well a reading tells it."""
        scores = np.concatenate([reading.logits(self.photos), reading.logits(self.fakes)])
        return auroc(np.repeat([0, 1], [len(self.photos), len(self.fakes)]), scores)


@dataclass(frozen=True, eq=False)
class Selected:
    """What came of it.

    Attributes:
        reading: fitted to what is worth learning.
        left: names of the new kinds that are left for later.
        cost: mean AUROC that earlier kinds lose by the reading, on pictures for calibration.
    """

    reading: Linear
    left: tuple[str, ...]
    cost: float


def select(
    blocks: Sequence[Block],
    fit: Callable[[Sequence[Block]], Linear],
    standing: Linear,
    earlier: Mapping[str, Held],
    newer: Mapping[str, Held],
    *,
    allowed: float,
) -> Selected:
    """Leave out new kinds until earlier ones lose no more than is allowed.

    Args:
        blocks: to learn from.
        fit: to blocks.
        standing: reading of the standing version.
        earlier: kinds that must not be forgotten, by their names.
        newer: new kinds that may be left out, half of them at most: whether the others are worth it is for the gate to
            say.
        allowed: mean AUROC that earlier kinds may lose, 0 and up.
    """
    before = {name: kind.auroc(standing) for name, kind in earlier.items()}

    def tried(left: tuple[str, ...]) -> Selected:
        reading = fit([block for block in blocks if block.name not in left])
        lost = [before[name] - kind.auroc(reading) for name, kind in earlier.items()]
        return Selected(reading, left, float(np.mean(lost)) if lost else 0.0)

    def worth(name: str, without: Selected) -> float:
        lost = newer[name].auroc(best.reading) - newer[name].auroc(without.reading)
        return (best.cost - without.cost) / max(lost, LEAST)

    best = tried(())
    while best.cost > allowed and len(best.left) < len(newer) // 2:
        without = {name: tried((*best.left, name)) for name in newer if name not in best.left}
        name = max(without, key=lambda name: worth(name, without[name]))
        if without[name].cost >= best.cost:
            break
        best = without[name]
    return best
