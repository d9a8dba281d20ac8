"""Fakes as labelled files: pictures, masks, the photos they were made from, a list of them, and a sheet to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from generators.base import FakeBatch, Generator, blank
from generators.images import Pixels, to_float, to_uint8
from generators.labels import A_SHEET, Form, encode, label, software
from generators.photos import Photo, Photos
from generators.sample_folder import EDIT, SampleFolder, SampleSettings
from generators.sheet import contact_sheet
from generators.signing import Signer
from generators.whole_files import write_whole

SHEET = "sheet.png"

MAX_SIDE_PX = 1024
"""A photo of today has ten times the pixels that a network on two processor cores rebuilds in a few seconds."""

N_AT_ONCE = 16
"""Fakes made from nothing in one batch."""

N_SHOWN = 64
"""Fakes on a sheet."""

COLUMN_NAMES = {"original": "original", "path": "fake", "mask": "mask"}
"""What stands on a sheet, by its column of the list, and what is written above it."""


@dataclass(frozen=True)
class Written:
    """What a run came to.

    Attributes:
        n_made: fakes written now.
        n_kept: fakes that were there from an earlier run.
        skipped: reason -> number of photos not used.
    """

    n_made: int
    n_kept: int
    skipped: dict[str, int]


def write_samples(
    generator: Generator,
    out: Path,
    *,
    n: int,
    seed: int = 0,
    form: Form = "png",
    photos: Sequence[Path] = (),
    max_side_px: int = MAX_SIDE_PX,
    signer: Signer | None = None,
    sheet: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Written:
    """Make fakes, or go on where an earlier run with the same settings was stopped.

    Args:
        generator: that makes them.
        out: folder, made if missing.
        n: how many there are to be at the end; photos are taken in turn, and then again from the first.
        seed: of the first.
        form: of the files.
        photos: folders of real photos, for a generator that needs sources.
        max_side_px: photos with a longer side are shrunk.
        signer: signs each fake.
        sheet: whether to draw the first ones as one picture.
        progress: called with 1 after each fake.

    Raises:
        ValueError: no usable photo, or the folder holds fakes of other settings.
        OSError: a folder is missing or not writable, or the disk is full; what was written stays.
    """
    where = tuple(str(folder.absolute()) for folder in photos)
    weights = generator.card.sha256 if generator.card is not None else ""
    settings = SampleSettings(generator.name, seed, form, max_side_px, signer is not None, where, software(), weights)
    folder = SampleFolder(out, settings, signer)
    n_kept = sum(folder.has(i) for i in range(n))
    supply = Photos(photos, generator.min_side_px, max_side_px)
    fakes = _altered(generator, supply, folder, n) if generator.needs_sources else _made(generator, folder, n)
    for i, fake, photo in fakes:
        if fake is not None:
            said = label(generator, seed=seed + i, recipe=fake.recipe)
            folder.add(i, fake.pixels, fake.mask, said, generator.family, photo)
        if progress is not None:
            progress(1)
    if sheet:
        said = label(generator, seed=seed, recipe=A_SHEET)
        write_whole(out / SHEET, encode(_sheet(folder), "png", said))
    return Written(n - n_kept, n_kept, dict(supply.skipped))


@dataclass(frozen=True, eq=False)
class _Fake:
    """One row of a batch as bytes: (H, W, 3) and (H, W) uint8."""

    pixels: Pixels
    mask: Pixels
    recipe: str

    @classmethod
    def of(cls, batch: FakeBatch, row: int) -> _Fake:
        mask = (batch.masks[row, 0] * 255).astype(np.uint8)
        return cls(to_uint8(batch.images[row : row + 1])[0], mask, batch.recipes[row])


_Numbered = tuple[int, _Fake | None, Photo | None]
"""Number of a fake, the fake if it is not there yet, and the photo that it is made from."""


def _made(generator: Generator, folder: SampleFolder, n: int) -> Iterator[_Numbered]:
    # Batches begin at the same seeds whatever the first one is: a generator may work in batches of its own.
    for start in range(-(folder.settings.seed % N_AT_ONCE), n, N_AT_ONCE):
        numbers = range(max(start, 0), min(n, start + N_AT_ONCE))
        if all(folder.has(i) for i in numbers):
            yield from ((i, None, None) for i in numbers)
            continue
        batch = generator.forge(blank(len(numbers)), seed=folder.settings.seed + numbers.start)
        for row, i in enumerate(numbers):
            yield i, None if folder.has(i) else _Fake.of(batch, row), None


def _altered(generator: Generator, supply: Photos, folder: SampleFolder, n: int) -> Iterator[_Numbered]:
    # One by one: photos differ in size, and no fake depends on its neighbours.
    for i, photo in zip(range(n), supply.endless(), strict=False):
        folder.add_original(photo)
        if folder.has(i):
            yield i, None, photo
        else:
            batch = generator.forge(to_float(photo.pixels), seed=folder.settings.seed + i)
            yield i, _Fake.of(batch, 0), photo


def _sheet(folder: SampleFolder) -> Pixels:
    """The first fakes; beside an altered one its original, and its mask unless it is white all over."""
    rows = [row for row in folder.rows() if row["generator"] != "-"][:N_SHOWN]
    in_part = any(row["family"] == EDIT for row in rows)
    columns = [column for column in COLUMN_NAMES if rows[0][column] and (column != "mask" or in_part)]
    tiles = [_read(folder.out / row[column]) for row in rows for column in columns]
    # Fakes alone need no name.
    names = [COLUMN_NAMES[column] for column in columns] if len(columns) > 1 else []
    n_columns = len(columns) * max(1, round((len(rows) / len(columns)) ** 0.5))
    return contact_sheet(tiles, n_columns, names=names)


def _read(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))
