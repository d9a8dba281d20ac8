"""Where a version of a detector comes from: the version before it, race and round, data, settings, and measures."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from generators.weights import ModelCard

_LEARNED = re.compile(r"(.+)\+([1-9][0-9]*)")
"""A version that was learned here: the shipped one that it goes back to, and a number."""


@dataclass(frozen=True)
class Lineage:
    """What made a version.

    Attributes:
        parent: version that it was learned from.
        race: the race, in words of whoever ran it; "" for what was trained outside of any.
        round: its number; 0 learned the untuned generators.
        data: name of a part of what was learned from -> SHA-256 over its contents.
        settings: what reproduces the training.
        measures: figures with their data in the key, such as {"auroc eval": 0.97}.
        made_at: UTC, ISO 8601.
    """

    parent: str
    race: str
    round: int
    data: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)
    made_at: str = ""

    def to_bytes(self) -> bytes:
        """As a file of JSON."""
        return (json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n").encode()

    def in_words(self) -> str:
        """In a plain clause."""
        if not self.race:
            return f"trained here, beside version {self.parent}"
        return f"learned in round {self.round} of the race {self.race!r} from version {self.parent}"


@dataclass(frozen=True)
class Version:
    """A version of a detector.

    Attributes:
        name: of the detector.
        version: "1" for what ships, "1+2" for the second that was learned from it here.
        card: of its weights.
        lineage: where it comes from; None for what ships.
        is_promoted: whether scans use it.
        fault: why it cannot be used, "" if it can; its card is empty then.
    """

    name: str
    version: str
    card: ModelCard
    lineage: Lineage | None = None
    is_promoted: bool = False
    fault: str = ""


def read_lineage(path: Path) -> Lineage:
    """Read what `Lineage.to_bytes` wrote.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is none.
    """
    try:
        lineage = Lineage(**json.loads(path.read_text(encoding="utf-8")))
        # A plain int and texts, or the words above would fail in the middle of a report.
        if type(lineage.round) is not int or not isinstance(lineage.parent, str) or not isinstance(lineage.race, str):
            raise TypeError("parent and race are text, round is a whole number")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path.name} is no lineage: {error}") from error
    return lineage


def base_of(version: str) -> str:
    """The shipped version that a version goes back to."""
    found = _LEARNED.fullmatch(version)
    return found[1] if found else version


def number_of(version: str) -> int:
    """Its number, 0 for what ships."""
    found = _LEARNED.fullmatch(version)
    return int(found[2]) if found else 0


def numbered(base: str, number: int) -> str:
    """The version of that number."""
    return f"{base}+{number}"
