"""Faces with their labels: what an editor learns from and what is kept for its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generators.attributes.labels import AGE_GROUPS, GENDERS, held_out, label_paths
from generators.picture_folder import read_folders

HELD_OUT_SHARE = 0.1
"""At most: of few faces few are kept."""


@dataclass(frozen=True, eq=False)
class Faces:
    """Square faces of one size with their labels.

    Attributes:
        pixels: (N, S, S, 3) uint8 RGB.
        classes: (N, 2) numbers of age group and gender.
        skipped: reason -> number of files that were not used.
    """

    pixels: NDArray[np.uint8]
    classes: NDArray[np.int64]
    skipped: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def weights(self) -> NDArray[np.float64]:
        """(N,) with which each pair of age group and gender is drawn equally often; they sum to 1."""
        pairs = self.classes[:, 0] * len(GENDERS) + self.classes[:, 1]
        counts = np.bincount(pairs, minlength=len(AGE_GROUPS) * len(GENDERS))
        share = 1.0 / counts[pairs]
        return np.asarray(share / share.sum())


def read_faces(
    folders: Sequence[Path],
    side_px: int,
    *,
    n_held_out: int,
    min_pictures: int = 1,
    progress: Callable[[int], None] | None = None,
) -> tuple[Faces, Faces]:
    """Read labelled faces, see `labels.parse_name`.

    Returns:
        Those to learn from, and those held out: `n_held_out` of them, at most a tenth.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there are too few usable pictures with labels; the message counts what was skipped.
    """
    found = read_folders(folders, side_px, progress=progress)
    places, classes, unlabelled = label_paths(found.paths)
    skipped = {**found.skipped, **unlabelled}
    if len(places) < min_pictures:
        reasons = "".join(f", {n} {reason}" for reason, n in skipped.items())
        raise ValueError(
            f"{', '.join(map(str, folders))} must hold at least {min_pictures} faces named age_gender_race_date; "
            f"found {len(places)} usable{reasons}"
        )
    kept = held_out([found.paths[i] for i in places], n_held_out, HELD_OUT_SHARE)
    pixels = found.pixels[places]
    return Faces(pixels[~kept], classes[~kept], skipped), Faces(pixels[kept], classes[kept], {})
