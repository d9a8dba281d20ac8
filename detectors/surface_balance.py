"""What pictures count by, so that their surface tells the classes less; and how far it still does, weighed so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.bias import BiasAudit, Surface, bias_audit, overlap
from detectors.probe import Floats, root_weights

AUDIT_SEED = 100
"""Of the folds that weights are audited by, which are not those that they were found by."""


@dataclass(frozen=True, eq=False)
class Balance:
    """Weights of pictures, with what an audit says of them.

    Attributes:
        factor: (n,) what a picture counts beside the others of its source; both classes keep their sum.
        audit: of the pictures as they are weighed.
    """

    factor: Floats
    audit: BiasAudit


def balance(surfaces: Sequence[Surface], labels: Sequence[int], sources: Sequence[str], power: float) -> Balance:
    """Weigh pictures by how much their surface is like the other class's.

    Args:
        surfaces, labels, sources: n of each; label 1 is fake. A source weighs by the root of its size.
        power: of the weights of `detectors.bias.overlap`: 0 balances nothing, 1 wholly.

    Raises:
        ValueError: too few pictures of a class.
    """
    y, weight = np.asarray(labels), root_weights(np.asarray(labels), sources)
    factor = overlap(surfaces, labels, weight) ** power if power else np.ones(len(y))
    for label in (0, 1):
        own = y == label
        factor[own] *= weight[own].sum() / (weight * factor)[own].sum()
    return Balance(factor, bias_audit(surfaces, labels, sources, weight=weight * factor, seed=AUDIT_SEED))
