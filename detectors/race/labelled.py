"""Labels that moderators gave: each round learns from those that no earlier round has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.data import EDIT, Example
from detectors.picture_set import read_list
from detectors.race.context import Round
from detectors.race.folder import read_arrays, write_arrays

LABELLED = "labelled.npz"
"""Of a round: features (N, V, D) float16, labels, sources, sha256 of the files."""


def look_at_labels(round_: Round) -> None:
    """Wash and look at newly labelled pictures; clips and pictures altered in part are none of this detector's.

    Raises:
        ValueError: the list is none.
    """
    path = round_.path / LABELLED
    if round_.labels is None or path.is_file() or not round_.labels.is_file():
        return
    found = read_list(round_.labels, [round_.labels.parent])
    seen = {digest for number in range(round_.number) for digest in _hashes(round_.folder.round(number) / LABELLED)}
    fresh = [(e, digest) for e in found.examples if _is_wanted(e) and (digest := sha256(e.path)) not in seen]
    if not fresh:
        return
    views = round_.contender.known([e for e, _ in fresh], n_views=round_.settings.n_views, cache=None, progress=None)
    digests = {e.path: digest for e, digest in fresh}
    arrays: dict[str, NDArray[Any]] = {
        "features": views.features.astype(np.float16),
        "labels": np.array([e.label for e in views.examples], np.int64),
        "sources": np.array([e.source for e in views.examples]),
        "sha256": np.array([digests[e.path] for e in views.examples]),
    }
    write_arrays(path, arrays)
    round_.say(f"{len(views.examples)} newly labelled pictures, of {len(found.examples)} in the list")


def labelled(round_: Round, number: int) -> Iterator[tuple[int, NDArray[np.float16], tuple[str, ...]]]:
    """Label, features (N, V, D) and sources of the pictures that a round first saw labelled, one class at a time."""
    path = round_.folder.round(number) / LABELLED
    if not path.is_file():
        return
    kept = read_arrays(path)
    for label in (0, 1):
        own = kept["labels"] == label
        if own.any():
            yield label, kept["features"][own], tuple(map(str, kept["sources"][own]))


def sha256(path: Path) -> str:
    """Of a file, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_wanted(example: Example) -> bool:
    return not example.is_video and example.family != EDIT


def _hashes(path: Path) -> tuple[str, ...]:
    return tuple(map(str, read_arrays(path)["sha256"])) if path.is_file() else ()
