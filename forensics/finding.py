"""What an analyzer says about a file: one plain sentence, how strong it is, and where to look."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

MAX_FINDING_LLR = 3.0
"""Even a verified signature can be signed by a stolen key: no single finding counts for more than 1000 to 1."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Trace(StrEnum):
    """The physical trace a finding rests on. Findings of one family look at the same thing and are not added up."""

    PROVENANCE = "provenance"
    COMPRESSION = "compression"
    SENSOR = "sensor"
    GEOMETRY = "geometry"
    TIMELINE = "timeline"
    LEARNED = "learned"


class Claim(StrEnum):
    """What a finding with a positive ratio speaks for."""

    SYNTHETIC = "synthetic"
    MANIPULATED = "manipulated"


class SaidBy(StrEnum):
    """Who stands behind what a file says of itself."""

    TRUSTED = "trusted"
    """A signer on the trust list; the signature holds, and so does the hash that binds it to this very content."""
    ANYBODY = "anybody"
    """Text without a signature, a signer nobody vouches for, or a signature that does not hold."""


@dataclass(frozen=True)
class Region:
    """A rectangle on the upright picture, in pixels from the top left corner.

    Attributes:
        x, y, width, height: whole pixels of the upright full-size picture.
        label: what it marks, in a word or two.
        score: strength 0..1, if there is one.
        time_s: moment in a video; None for images.
        group: regions of one group belong together (a copy and its original share a number).
    """

    x: int
    y: int
    width: int
    height: int
    label: str = ""
    score: float | None = None
    time_s: float | None = None
    group: int | None = None

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0 or self.x < 0 or self.y < 0:
            raise ValueError(f"a region needs a place inside the picture and a size, got {self}")


@dataclass(frozen=True, eq=False)
class Heat:
    """A map over the whole upright picture, at any resolution.

    Attributes:
        values: (h, w) float32, 0 nothing to 1 strongest.
        label: what bright means, in a few words.
        time_s: moment in a video; None for images.
    """

    values: NDArray[np.float32]
    label: str
    time_s: float | None = None

    def __post_init__(self) -> None:
        values = np.asarray(self.values, np.float32)
        if values.ndim != 2 or values.size == 0:
            raise ValueError(f"heat must be (h, w), not {values.shape}")
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
            raise ValueError("heat must lie within 0 and 1")
        object.__setattr__(self, "values", values)


@dataclass(frozen=True, eq=False)
class Finding:
    """One statement of one analyzer.

    Attributes:
        analyzer: name of the analyzer.
        trace: family of the trace it rests on.
        summary: one plain sentence a stranger understands, without line breaks.
        llr: log10 likelihood ratio; above 0 supports the claim, None is for the eye only.
        claim: what a positive ratio speaks for; needed with an llr above 0.
        explanation: how to read it and what else could cause it, in a sentence or two.
        measures: named numbers behind the sentence.
        details: (label, text) rows for a table, hostile text included as it came.
        regions: rectangles to look at.
        heat: a map to look at.
        times_s: moments of a video this is about.
        said_by: of what the file says of itself, who stands behind it; None for what was measured.
    """

    analyzer: str
    trace: Trace
    summary: str
    llr: float | None = None
    claim: Claim | None = None
    explanation: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)
    details: tuple[tuple[str, str], ...] = ()
    regions: tuple[Region, ...] = ()
    heat: Heat | None = None
    times_s: tuple[float, ...] = ()
    said_by: SaidBy | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.analyzer):
            raise ValueError(f"analyzer name must be lower_case, not {self.analyzer!r}")
        object.__setattr__(self, "trace", Trace(self.trace))
        # Metadata is hostile text: a line break or control character in a summary would forge log lines.
        summary = "".join(c if c.isprintable() else " " for c in self.summary)
        object.__setattr__(self, "summary", " ".join(summary.split()))
        if not self.summary:
            raise ValueError("a finding needs a summary")
        for name, value in self.measures.items():
            if not math.isfinite(value):
                raise ValueError(f"measure {name!r} must be finite, not {value}")
        if self.llr is None:
            return
        if not math.isfinite(self.llr) or abs(self.llr) > MAX_FINDING_LLR:
            raise ValueError(f"llr must lie within +-{MAX_FINDING_LLR}, not {self.llr}")
        if self.llr > 0 and self.claim is None:
            raise ValueError("a finding with a positive llr must say what it claims")
