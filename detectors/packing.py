"""A set of pictures made small enough to travel, for a run on a machine that the pictures do not lie on."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from detectors.data import Example, Reader, read_picture
from detectors.residual_crops import random_square
from detectors.washed_views import number_of
from generators.images import Pixels
from generators.whole_files import write_whole

LIST = "packed.tsv"
"""The list of a packed set, in its folder."""

HOW_PACKED = "packing.json"
"""Beside it: in which way, so that no two ways meet in one folder."""

COLUMNS = ("label", "path", "source", "generator", "family", "split", "content")


@dataclass(frozen=True)
class Packing:
    """What is kept of each picture, fakes and photos alike: whatever it costs, it must not tell the classes apart.

    Attributes:
        side_px: of the square that is cut out of a larger picture, at a place drawn from its name; smaller sides stay.
        quality: of the JPEG that every picture becomes, without subsampling of colours.
    """

    side_px: int = 640
    quality: int = 95

    def __post_init__(self) -> None:
        if self.side_px < 1 or not 1 <= self.quality <= 100:
            raise ValueError(f"a side of {self.side_px} pixels and a JPEG quality of {self.quality} make no pictures")


def pack(
    examples: Sequence[Example],
    out: Path,
    packing: Packing | None = None,
    *,
    reader: Reader = read_picture,
    progress: Callable[[int], None] | None = None,
) -> tuple[str, ...]:
    """Write a set that `detectors.picture_set.read_set` reads: one JPEG a picture, and a list.

    Args:
        examples: pictures; clips and what cannot be read are left out, and masks do not come along.
        out: folder for the set; made if missing. Pictures that are there already are kept as they are.
        packing: defaults if None.
        reader: of examples.
        progress: called with the number of pictures done since the last call.

    Returns:
        Why pictures were left out, a line each.

    Raises:
        OSError: the disk is full, or the folder not writable.
        ValueError: the folder holds pictures that were packed in another way.
    """
    packing = packing or Packing()
    out.mkdir(parents=True, exist_ok=True)
    _agree(packing, out)
    rows, unread, taken = [], [], Counter[Path]()
    for example in examples:
        place = _place(example, taken)
        try:
            if not (out / place).is_file():
                (pixels,) = reader(example)
                square = random_square(pixels, packing.side_px, np.random.default_rng(number_of(example.path.name)))
                (out / place).parent.mkdir(parents=True, exist_ok=True)
                write_whole(out / place, _jpeg(square, packing.quality))
        except ValueError as error:
            unread.append(str(error))
        else:
            label = "fake" if example.label else "real"
            rows.append(
                [label, place, example.source, example.generator, example.family, example.split, example.content]
            )
        if progress is not None:
            progress(1)
    text = io.StringIO()
    csv.writer(text, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None).writerows([COLUMNS, *rows])
    write_whole(out / LIST, text.getvalue().encode())
    return tuple(unread)


def _agree(packing: Packing, out: Path) -> None:
    """Write down how pictures of this folder are packed, or see that it is the same way as before."""
    wanted, kept = json.dumps(asdict(packing)), out / HOW_PACKED
    found = kept.read_text(encoding="utf-8", errors="replace") if kept.is_file() else "who knows what"
    if found != wanted and next(out.glob("*/*/*.jpg"), None) is not None:
        raise ValueError(f"{out} holds pictures packed with {found}: take another folder")
    write_whole(kept, wanted.encode())


def _place(example: Example, taken: Counter[Path]) -> Path:
    """Where a picture lies in the set; several of one source may have the same name."""
    owner = hashlib.sha256(example.source.encode()).hexdigest()[:8]
    name = Path("fake" if example.label else "real", owner, example.path.name)
    taken[name] += 1
    number = f"-{taken[name]}" if taken[name] > 1 else ""
    return name.with_name(f"{name.name}{number}.jpg")


def _jpeg(pixels: Pixels, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()
