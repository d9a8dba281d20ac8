"""Generators at work: sample sheets, and labelled fakes with a seed as a zip archive."""

from __future__ import annotations

import io
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from forensics.installed import Maker, makers
from forensics.media import Kind, Media
from generators.base import Generator, blank
from generators.catalog import GENERATORS
from generators.images import Images, Pixels, to_uint8
from generators.labels import Form, encode, label
from generators.sample_folder import SETTINGS
from generators.samples import SHEET, write_samples
from generators.sheet import contact_sheet

__all__ = ["MAX_ALTERED", "MAX_MADE", "Made", "Maker", "Order", "generators", "make", "sample_sheet"]

MAX_MADE = 64
"""Fakes from nothing in one go: one sheet."""

MAX_ALTERED = 8
"""Fakes of a photo in one go: a network takes some seconds for each on two processor cores."""

N_ROWS = 6
"""Rows of a sample sheet of a generator that alters pictures."""

MODELS = {"face": "face-64"}
"""Family -> generator of the pictures that its samples alter, as no photo ships; all others alter scenes."""

SCENES = "photo-64"

FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The same fakes make the same archive; a zip knows no earlier time."""

_at_work = threading.Lock()
"""One order at a time: several networks at once would take the memory of as many."""


@dataclass(frozen=True)
class Order:
    """What is to be made.

    Attributes:
        generator: written name.
        seed: of the first fake.
        n: how many.
        form: of the files.
    """

    generator: str
    seed: int = 0
    n: int = 1
    form: Form = "png"

    def __post_init__(self) -> None:
        if self.seed < 0 or not 1 <= self.n <= MAX_MADE or self.form not in ("png", "jpeg"):
            raise ValueError(f"an order is of 1 to {MAX_MADE} fakes with a seed from 0 on, not {self}")


@dataclass(frozen=True)
class Made:
    """What came of an order.

    Attributes:
        sheet: PNG of all fakes; beside altered ones the photo and the mask.
        archive: zip of labelled files and their list.
        n: fakes.
    """

    sheet: bytes
    archive: bytes
    n: int


def generators() -> tuple[Maker, ...]:
    """Every generator of the catalogue, whether or not it can be used here."""
    return tuple(makers())


def sample_sheet(name: str, *, seed: int = 0) -> bytes:
    """What a generator makes, as one labelled PNG: the first seeds, none left out.

    Generators that alter pictures alter some that a GAN made: picture, fake and, where only a part is new, mask.

    Raises:
        ImportError: an extra is missing.
        LookupError, ValueError: there is no such generator, or its weights are not its card's.
    """
    generator = GENERATORS.load(name)()
    tiles, n_columns = _altered(generator, seed) if generator.needs_sources else (_made(generator, seed), 8)
    # Networks of 64 pixels: enlarged without smoothing, so that every pixel is seen as it is.
    sheet = contact_sheet(tiles, n_columns).repeat(2, 0).repeat(2, 1)
    return encode(sheet, "png", label(generator, seed=seed, recipe="a sheet of several"))


def make(order: Order, photo: bytes | None = None, progress: Callable[[int], None] | None = None) -> Made:
    """Make labelled fakes.

    Args:
        order: what is to be made.
        photo: file to alter, for generators that need one; it is decoded within the limits of a scan and never kept.
        progress: called with 1 after each fake.

    Raises:
        MediaError: the photo is none, broken or too large.
        ValueError: the photo is missing, too small or a video; or too many fakes are asked for.
        ImportError: an extra is missing.
        OSError: the disk is full.
    """
    generator = GENERATORS.load(order.generator)()
    if generator.needs_sources and order.n > MAX_ALTERED:
        raise ValueError(f"{order.generator} makes at most {MAX_ALTERED} fakes of a photo at a time")
    pixels = _pixels(photo, generator) if generator.needs_sources else None
    with _at_work, tempfile.TemporaryDirectory(prefix="unforged-") as folder:
        out, photos = Path(folder) / "fakes", Path(folder) / "photos"
        if pixels is not None:
            photos.mkdir()
            Image.fromarray(pixels).save(photos / "photo.png", compress_level=1)
        write_samples(
            generator, out, n=order.n, seed=order.seed, form=order.form, sheet=True, progress=progress,
            photos=() if pixels is None else (photos,),
        )  # fmt: skip
        return Made((out / SHEET).read_bytes(), _archive(out), order.n)


def _made(generator: Generator, seed: int) -> list[Pixels]:
    return list(to_uint8(generator.forge(blank(MAX_MADE), seed=seed).images))


def _altered(generator: Generator, seed: int) -> tuple[list[Pixels], int]:
    model = GENERATORS.load(MODELS.get(generator.family, SCENES))()
    originals: Images = model.forge(blank(2 * N_ROWS), seed=seed).images
    batch = generator.forge(originals, seed=seed)
    columns = [to_uint8(originals), to_uint8(batch.images)]
    if not batch.masks.all():
        columns.append(to_uint8(np.repeat(batch.masks, 3, axis=1)))
    return [tile for row in zip(*columns, strict=True) for tile in row], 2 * len(columns)


def _pixels(photo: bytes | None, generator: Generator) -> Pixels:
    if photo is None:
        raise ValueError(f"{generator.name} alters a photo; upload one first")
    media = Media.open(photo, name="photo")
    if media.kind is not Kind.IMAGE:
        raise ValueError("this is a video; a photo is wanted")
    if min(media.pixels.shape[:2]) < generator.min_side_px:
        raise ValueError(f"the photo needs at least {generator.min_side_px} pixels a side")
    return media.pixels


def _archive(folder: Path) -> bytes:
    """All files but the settings, which name folders of this computer."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _files(folder):
            info = zipfile.ZipInfo(str(path.relative_to(folder)), FIRST_DAY)
            info.compress_type = zipfile.ZIP_STORED if path.suffix in (".png", ".jpg") else zipfile.ZIP_DEFLATED
            archive.writestr(info, path.read_bytes())
    return out.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != SETTINGS)
