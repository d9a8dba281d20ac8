"""Known pictures of other sources than the race's own: what a detector must not unlearn, and what it has never seen.

Sources that the parent's card names were learned from: they are learned again from memory, and never judged on. The
others are dealt out by the seed of the race: most of them are judged on, the rest are calibrated on.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from detectors.data import Example, first_by_hash
from detectors.race.contender import Contender
from detectors.race.folder import write_arrays
from detectors.race.photos import CALIBRATE, JUDGE, LEARN
from detectors.race.settings import RaceSettings
from generators.weights import ModelCard

KNOWN = "known.npz"
"""features (N, V, D) float16, labels, sources, families, generators, parts, sha256 is of the files."""

JUDGED_OF = 4
"""One of so many sources is calibrated on, the others are judged on: they are few, and each counts a lot."""

UNSEEN = "unseen"
"""Part of what is of a family that is never learned from: judged on, whatever its source."""


def choose(
    examples: Sequence[Example], contender: Contender, card: ModelCard, settings: RaceSettings
) -> list[tuple[Example, str]]:
    """Known pictures and the part that each plays.

    Args:
        examples: pictures of both classes.
        contender: takes those that its detector learns from.
        card: of the version that the race begins with.
        settings: of the race.

    Raises:
        ValueError: a class is missing, or the parent has learned from a family that shall be unseen.
    """
    chosen = first_by_hash(contender.usable(examples), settings.n_known)
    learned = {name.partition(": ")[2] for name in card.data}
    dealt = [(example, _part(example, learned, settings)) for example in chosen]
    kept_out = card.settings.get("left_out", ())
    spoilt = sorted(
        {e.source for e, part in dealt if part == UNSEEN and e.source in learned and e.family not in kept_out}
    )
    if spoilt:
        raise ValueError(f"unseen families are spoilt: version {card.version} has learned from {spoilt[0]}")
    return dealt


def cut_known(
    dealt: Sequence[tuple[Example, str]],
    contender: Contender,
    settings: RaceSettings,
    path: Path,
    *,
    cache: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Cut features of known pictures and keep them; what cannot be read is left out.

    Args:
        dealt: pictures and parts.
        contender: cuts.
        settings: of the race.
        path: of the file.
        cache: folder of features, the same as of `unforged train`.
        progress: called with the number of views done since the last call.
    """
    parts = {example.path: part for example, part in dealt}
    views = contender.known([example for example, _ in dealt], n_views=settings.n_views, cache=cache, progress=progress)
    write_arrays(
        path,
        {
            "features": views.features.astype(np.float16),
            "labels": np.array([e.label for e in views.examples], np.int64),
            "sources": np.array([e.source for e in views.examples]),
            "families": np.array([e.family for e in views.examples]),
            "generators": np.array([e.generator for e in views.examples]),
            "parts": np.array([parts[e.path] for e in views.examples]),
        },
    )


def _part(example: Example, learned: set[str], settings: RaceSettings) -> str:
    if example.label and example.family in settings.unseen_families:
        return UNSEEN
    if example.source in learned:
        return LEARN
    return JUDGE if zlib.crc32(f"{settings.seed} {example.source}".encode()) % JUDGED_OF else CALIBRATE
