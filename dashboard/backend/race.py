"""Rounds of generators against detectors. Nothing runs them yet, so there is nothing to read; what stands is told."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.installed import models


@dataclass(frozen=True)
class Standing:
    """A detector as it ships, before any race.

    Attributes:
        name, version: of the detector.
        sha256: of its weights.
        task: what it does, in a sentence.
    """

    name: str
    version: str
    sha256: str
    task: str


def standings() -> tuple[Standing, ...]:
    """The detectors that a race would start from; those that cannot be used here are left out."""
    cards = [model.card for model in models() if model.kind == "detector" and model.card is not None]
    return tuple(Standing(card.name, card.version, card.sha256, card.task) for card in cards)
