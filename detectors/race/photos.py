"""The real photos of a race: which part each plays, and squares of them. A source plays one part as a whole."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from detectors.perceptual_hash import MAX_DISTANCE_BITS, distances, packed, pdq
from generators.decoding import read_pixels
from generators.images import Pixels
from generators.picture_folder import TooSmall, cut_squares, find_photos, skipped_words

LEARN, CALIBRATE, JUDGE = "learn", "calibrate", "judge"
SHARES = {LEARN: 0.5, CALIBRATE: 0.2, JUDGE: 0.3}
"""Of the sources: attacks are tuned and detectors learn on the first, thresholds rest on the second, figures on the
last."""

MIN_SOURCES = 12
"""With fewer subfolders a part would rest on two or three of them, so photos are dealt out by themselves."""

MIN_PHOTOS = 40
"""Fewer leave a dozen to judge on."""

MIN_SIDE_PX = 64


@dataclass(frozen=True)
class RacePhoto:
    """One real photo.

    Attributes:
        path: where it lies.
        name: a name of its own in the race; views of it and of fakes made from it are washed alike.
        source: subfolder it lies in, or its own name.
        part: learn, calibrate or judge.
        sha256: of the file.
    """

    path: Path
    name: str
    source: str
    part: str
    sha256: str


@dataclass(frozen=True)
class RacePhotos:
    """What a race draws its photos from.

    Attributes:
        photos: in the order in which they are used.
        by_source: whether subfolders were the sources; else each photo, with all that look like it.
        skipped: reason -> number of files that are not used.
    """

    photos: tuple[RacePhoto, ...]
    by_source: bool
    skipped: Mapping[str, int]

    def of(self, part: str, most: int | None = None) -> tuple[RacePhoto, ...]:
        """Photos of one part."""
        return tuple(photo for photo in self.photos if photo.part == part)[:most]

    @property
    def sha256(self) -> str:
        """Hash over names, parts and contents: two with the same one are the same photos, dealt out alike."""
        return _hash("\n".join(f"{photo.name} {photo.part} {photo.sha256}" for photo in self.photos))

    def describe(self) -> str:
        """One line for people."""
        parts = ", ".join(f"{len(self.of(part))} to {part}" for part in SHARES)
        how = "by subfolder" if self.by_source else "photo by photo"
        return f"{len(self.photos)} photos, dealt out {how}: {parts}{skipped_words(self.skipped)}"


def choose_photos(folder: Path, most: int, min_side_px: int = MIN_SIDE_PX, what: str = "real photos") -> RacePhotos:
    """Choose photos of a folder and deal their sources out.

    Args:
        folder: with all below it; subfolders are sources if there are `MIN_SOURCES` of them.
        most: photos at most; of each subfolder in turn, so that a large one does not drown the others.
        min_side_px: shorter ones are skipped.
        what: they are, for the message where there are too few.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there are too few usable photos.
    """
    if not folder.is_dir():
        raise FileNotFoundError(2, "there is no such folder", str(folder))
    skipped: Counter[str] = Counter()
    read: list[tuple[Path, str, str | None]] = []
    found = find_photos([folder])
    skipped.update(found.left_out)
    for path in _in_turn(found.paths, folder):
        if len(read) == most:
            break
        try:
            pixels = read_pixels(path)
        except ValueError:
            skipped["unreadable"] += 1
            continue
        if min(pixels.shape[:2]) < min_side_px:
            skipped[f"smaller than {min_side_px} pixels"] += 1
        else:
            read.append((path, hashlib.sha256(path.read_bytes()).hexdigest(), pdq(pixels)))
    if len(read) < MIN_PHOTOS:
        reasons = skipped_words(skipped)
        raise ValueError(f"{folder} must hold at least {MIN_PHOTOS} {what}; found {len(read)} usable{reasons}")
    sources, by_source = _sources(folder, read)
    parts = _dealt(sources)
    photos = tuple(
        RacePhoto(path, f"{number:05d}", source, parts[source], sha256)
        for number, ((path, sha256, _), source) in enumerate(zip(read, sources, strict=True))
    )
    return RacePhotos(photos, by_source, dict(skipped))


def square(photo: RacePhoto, side_px: int) -> Pixels:
    """The middle of a photo, shrunk to (side_px, side_px, 3); blown up where the photo is smaller.

    Raises:
        ValueError: the file is another one than when the race began.
    """
    pixels = whole(photo)
    try:
        return cut_squares(pixels, side_px)[0]
    except TooSmall:
        side = min(pixels.shape[:2])
        middle = Image.fromarray(cut_squares(pixels, side)[0])
        return np.asarray(middle.resize((side_px, side_px), Image.Resampling.BICUBIC))


def whole(photo: RacePhoto) -> Pixels:
    """A photo as it is.

    Raises:
        ValueError: the file is another one than when the race began, or gone.
    """
    try:
        same = hashlib.sha256(photo.path.read_bytes()).hexdigest() == photo.sha256
        if same:
            return read_pixels(photo.path)
    except OSError as error:
        raise ValueError(f"the photo {photo.path} cannot be read any more: {error.strerror or error}") from error
    raise ValueError(f"the photo {photo.path} has changed since the race began")


def _in_turn(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Pictures of a folder, one of each subfolder in turn, in each by the hash of their paths."""
    place: Counter[str] = Counter()
    ranked = []
    for path in sorted(paths, key=lambda path: _hash(str(path.relative_to(folder)))):
        own = path.relative_to(folder).parts[0] if path.parent != folder else ""
        ranked.append((place[own], path))
        place[own] += 1
    return [path for _, path in sorted(ranked, key=lambda pair: pair[0])]


def _sources(folder: Path, read: Sequence[tuple[Path, str, str | None]]) -> tuple[list[str], bool]:
    folders = [path.relative_to(folder).parts[0] if path.parent != folder else "" for path, *_ in read]
    if len(set(folders)) >= MIN_SOURCES:
        return [name or path.name for name, (path, *_) in zip(folders, read, strict=True)], True
    return _alike(read), False


def _alike(read: Sequence[tuple[Path, str, str | None]]) -> list[str]:
    """For each photo the first one that it looks like, itself mostly: copies must not part."""
    firsts: list[tuple[str, str]] = []  # name, hash
    found = []
    for path, sha256, look in read:
        name = f"{path.name} {sha256[:8]}"
        if look is not None and firsts:
            apart = distances(np.array([packed(text) for _, text in firsts]), look)
            if apart.min() <= MAX_DISTANCE_BITS:
                found.append(firsts[int(apart.argmin())][0])
                continue
        if look is not None:
            firsts.append((name, look))
        found.append(name)
    return found


def _dealt(sources: Sequence[str]) -> dict[str, str]:
    """Source -> part, so that each part has about its share of the photos."""
    counts = Counter(sources)
    left = {part: share * len(sources) for part, share in SHARES.items()}
    parts = {}
    for source in sorted(counts, key=lambda name: (-counts[name], _hash(name))):
        part = max(left, key=lambda name: left[name])
        parts[source] = part
        left[part] -= counts[source]
    return parts


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
