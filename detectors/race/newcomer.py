"""Pictures of a new generator, and real photos of the same sizes beside them: nothing but their making shall differ."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.race.contender import Contender
from detectors.race.folder import read_arrays, write_arrays
from detectors.race.forging import number_of, untuned, write_png
from detectors.race.kinds import SQUARE_PX
from detectors.race.photos import LEARN, SHARES, RacePhoto, RacePhotos, choose_photos, square, whole
from detectors.race.settings import RaceSettings
from detectors.race.views import all_views, mild_view
from generators.catalog import GENERATORS
from generators.images import Pixels

MAX_IMAGES = 2000
"""More are not looked at."""

Size = tuple[int, int]
"""Height and width."""


def given_images(folder: Path) -> RacePhotos:
    """Pictures in a folder, dealt out to learn, calibrate and judge like photos.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there are too few usable pictures.
    """
    return choose_photos(folder, MAX_IMAGES, what="pictures of the generator")


def forged_images(name: str, photos: RacePhotos, folder: Path, settings: RaceSettings) -> RacePhotos:
    """Pictures by an installed generator; each plays the part of the photo it is made from.

    Raises:
        LookupError: there is no such generator.
        ValueError: it failed, or made something that is no picture.
    """
    kind = GENERATORS.load(name)
    side_px = max(SQUARE_PX, kind.min_side_px) if kind.needs_sources else kind.min_side_px
    found = []
    for part, share in SHARES.items():
        chosen = photos.of(part, max(1, round(share * settings.n_fakes)))
        missing = [photo for photo in chosen if not _place(folder, photo).is_file()]
        if missing:
            seed = (settings.seed * len(SHARES) + number_of(part)) * 10_000
            _forge(name, chosen, folder, side_px, seed)
        for photo in chosen:
            path = _place(folder, photo)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            # A rebuilt photo belongs to the source of the photo; what was made from nothing is a source of its own.
            source = photo.source if kind.needs_sources else path.name
            found.append(RacePhoto(path, photo.name, source, part, digest))
    return RacePhotos(tuple(found), photos.by_source, {})


def look_at(path: Path, pictures: RacePhotos, contender: Contender, settings: RaceSettings) -> None:
    """Features of washed views of pictures as they are; kept, so that a second call costs nothing."""

    def named(part: str) -> Iterator[tuple[str, Pixels]]:
        for picture in pictures.of(part):
            yield picture.name, whole(picture)

    _look(path, {part: (named(part), pictures.of(part)) for part in SHARES}, contender, settings)


def look_beside(
    path: Path, photos: RacePhotos, images: RacePhotos, contender: Contender, settings: RaceSettings
) -> None:
    """The same of real photos, each cut and shrunk to the size of one of the pictures of its part."""

    def named(part: str) -> Iterator[tuple[str, Pixels]]:
        sizes = [whole(image).shape[:2] for image in images.of(part)]
        for place, photo in enumerate(photos.of(part)):
            yield photo.name, beside(whole(photo), sizes[place % len(sizes)])

    _look(path, {part: (named(part), photos.of(part)) for part in SHARES}, contender, settings)


def beside(pixels: Pixels, size: Size) -> Pixels:
    """The middle of a photo, cut to the proportion of a size and shrunk to it; blown up where the photo is smaller."""
    height, width = pixels.shape[:2]
    scale = min(height / size[0], width / size[1])
    high, wide = (min(edge, max(1, round(scale * part))) for edge, part in zip((height, width), size, strict=True))
    top, left = (height - high) // 2, (width - wide) // 2
    part = pixels[top : top + high, left : left + wide]
    if part.shape[:2] == size:
        return np.ascontiguousarray(part)
    how = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (size[1], size[0]), interpolation=how), np.uint8)


def _look(
    path: Path,
    parts: dict[str, tuple[Iterable[tuple[str, Pixels]], tuple[RacePhoto, ...]]],
    contender: Contender,
    settings: RaceSettings,
) -> None:
    if path.is_file():
        return
    arrays: dict[str, NDArray[Any]] = {}
    for part, (pictures, owners) in parts.items():
        if part == LEARN:
            arrays[part] = all_views(contender, pictures, settings.n_views, settings.seed)
        else:
            arrays[part] = mild_view(contender, pictures, settings.seed)
        arrays[f"{part}_sources"] = np.array([owner.source for owner in owners])
    write_arrays(path, arrays)


def looked_at(path: Path, part: str) -> tuple[NDArray[np.floating], tuple[str, ...]]:
    """Features and sources of a part; (N, V, D) of what is learned from, (N, D) of the others."""
    kept = read_arrays(path)
    return kept[part], tuple(map(str, kept[f"{part}_sources"]))


def _forge(name: str, photos: tuple[RacePhoto, ...], folder: Path, side_px: int, seed: int) -> None:
    try:
        forged = untuned(name, [square(photo, side_px) for photo in photos], seed)
    except (ValueError, RuntimeError, ArithmeticError) as error:
        raise ValueError(f"the generator {name} failed: {error}") from error
    if len(forged.fakes) != len(photos):
        raise ValueError(f"the generator {name} made {len(forged.fakes)} pictures where {len(photos)} were wanted")
    for photo, pixels in zip(photos, forged.fakes, strict=True):
        write_png(_place(folder, photo), pixels)


def _place(folder: Path, photo: RacePhoto) -> Path:
    return folder / photo.part / f"{photo.name}.png"
