"""Cards as people read them: figures with their intervals in one line each, and the rest as words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forensics.installed import Model, models
from generators.weights import ModelCard

__all__ = ["Figure", "Model", "ModelCard", "figures", "installed", "learned_from", "settings"]

_END = re.compile(r", (?:95 % )?(low|high)$")
_COUNT = re.compile(r", n \d[\d,]*$")


@dataclass(frozen=True)
class Figure:
    """A figure of a card.

    Attributes:
        name: what was measured, on what.
        value: the figure.
        low, high: ends of its 95 % interval; None where the card names none.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None


def installed(outside: Path | None = None) -> tuple[Model, ...]:
    """Every trained model, whether or not it can be used here; of detectors the version that scans use.

    Args:
        outside: folder of models.
    """
    return tuple(models(outside))


def figures(card: ModelCard) -> tuple[Figure, ...]:
    """What a card says was measured; the two ends of an interval join their figure."""
    ends: dict[tuple[str, str], float] = {}
    for name, value in card.measures.items():
        if found := _END.search(name):
            ends[_END.sub("", name), found[1]] = value
    plain = {name: value for name, value in card.measures.items() if not _END.search(name)}
    return tuple(
        Figure(name, value, *(_end(name, which, ends) for which in ("low", "high"))) for name, value in plain.items()
    )


def learned_from(card: ModelCard) -> tuple[tuple[str, int], ...]:
    """Source and number of examples, the largest first."""
    return tuple(sorted(card.data.items(), key=lambda pair: (-pair[1], pair[0])))


def settings(card: ModelCard) -> Iterator[tuple[str, str]]:
    """What reproduces the training, in words."""
    for name, value in card.settings.items():
        yield name, value if isinstance(value, str) else json.dumps(value)


def _end(name: str, which: str, ends: dict[tuple[str, str], float]) -> float | None:
    """Cards name the number of pictures before the end of an interval, or leave it out there."""
    return ends.get((name, which), ends.get((_COUNT.sub("", name), which)))
