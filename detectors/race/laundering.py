"""Launder: features of washed views of all that a round made, and once a race of its real photos and known pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.race.context import Round
from detectors.race.folder import write_arrays
from detectors.race.forging import fakes_of
from detectors.race.kinds import FakeKind
from detectors.race.labelled import look_at_labels
from detectors.race.photos import JUDGE, LEARN, SHARES, RacePhoto, RacePhotos, square, whole
from detectors.race.views import all_views, mild_view
from generators.images import Pixels

FEATURES = "features.npz"
"""Of a kind of fakes: for each part its features under the part's name and the names of its pictures."""

WHOLE = "whole"
"""Photos as they are, not squares of them."""


def launder(round_: Round) -> None:
    """Wash and look at everything that has not been looked at."""
    look_at_labels(round_)
    photos = [item for item in sorted(_wanted(round_).items()) if not photo_features(round_, item[0]).is_file()]
    kinds = [kind for kind in round_.kinds if not (round_.path / kind.slug / FEATURES).is_file()]
    done = round_.spread.map(launder_photos, round_.shared(photos))
    done += round_.spread.map(launder_kind, round_.shared(kinds))
    for said in done:
        round_.say(said)


def launder_photos(work: tuple[Round, tuple[str, int]]) -> str:
    """Wash and look at one set of real photos; returns what was done."""
    round_, (which, side_px) = work
    photos: RacePhotos = round_.faces if which.startswith("faces-") else round_.photos
    arrays: dict[str, NDArray[Any]] = {}
    for part in SHARES:
        own = photos.of(part)
        arrays |= _part(round_, part, _read(own, side_px), own)
    write_arrays(photo_features(round_, which), arrays)
    return f"real photos ({which}): washed and looked at"


def launder_kind(work: tuple[Round, FakeKind]) -> str:
    """Wash and look at one kind of fakes; returns what was done."""
    round_, kind = work
    _fakes(round_, kind)
    return f"{kind.title}: washed and looked at"


def photo_features(round_: Round, which: str) -> Path:
    """Where features of real photos lie: of squares, such as "64" or "faces-64", or of whole photos, `WHOLE`."""
    return round_.folder.root / "photos" / f"{which}.npz"


def photos_beside(kind_side_px: int, needs_faces: bool, has_faces: bool) -> str:
    """Which photos a kind of fakes is compared with."""
    return f"faces-{kind_side_px}" if needs_faces and has_faces else str(kind_side_px)


def has_faces(round_: Round) -> bool:
    """Whether faces come from a folder of their own."""
    return round_.faces is not round_.photos


def _wanted(round_: Round) -> dict[str, int]:
    """Sets of photos that the round's fakes are compared with -> side in pixels, 0 for whole photos."""
    own = {photos_beside(k.side_px, k.needs_faces, has_faces(round_)): k.side_px for k in round_.kinds}
    return {WHOLE: 0, **({f"faces-{WHOLE}": 0} if has_faces(round_) else {}), **own}


def _read(photos: Iterable[RacePhoto], side_px: int) -> Iterator[tuple[str, Pixels]]:
    for photo in photos:
        yield photo.name, square(photo, side_px) if side_px else whole(photo)


def _part(
    round_: Round, part: str, pictures: Iterable[tuple[str, Pixels]], photos: tuple[RacePhoto, ...]
) -> dict[str, NDArray[Any]]:
    settings = round_.settings
    if part == LEARN:
        found = all_views(round_.contender, pictures, settings.n_views, settings.seed)
    else:
        found = mild_view(round_.contender, pictures, settings.seed)
    return {part: found, f"{part}_sources": np.array([photo.source for photo in photos])}


def _fakes(round_: Round, kind: FakeKind) -> None:
    folder = round_.path / kind.slug
    arrays: dict[str, NDArray[Any]] = {}
    # Photos and faces bear the same names, so that each is asked for in its own set.
    names = {photo.name: photo for photo in round_.photos_for(kind).photos}
    for part in (JUDGE,) if kind.unseen else tuple(SHARES):
        pictures = fakes_of(folder / part)
        arrays |= _part(round_, part, pictures, tuple(names[name] for name, _ in pictures))
        if part == JUDGE and (plain := fakes_of(folder / part / "plain")):
            arrays["plain"] = mild_view(round_.contender, plain, round_.settings.seed)
    write_arrays(folder / FEATURES, arrays)
