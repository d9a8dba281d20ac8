"""The folder of a run of fakes: its files, and the list that `unforged evaluate` reads.

A stopped run goes on: each file appears whole, and what was made gets its line in the list last.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from generators.images import Pixels
from generators.labels import A_COPY, Form, Label, encode
from generators.photos import Photo
from generators.signing import Signer
from generators.whole_files import write_whole

LIST = "manifest.tsv"
SETTINGS = "settings.json"

COLUMNS = ("label", "path", "source", "generator", "family", "seed", "recipe", "original", "mask", "photo")

EDIT = "edit"
"""Family, in the words of the detectors' lists, of photos of which a part was altered: not wholly synthetic."""

Row = Mapping[str, str]


@dataclass(frozen=True)
class SampleSettings:
    """What decides the content of each file; how many there are decides none.

    Attributes:
        generator: written name.
        seed: of the first fake; fake i is that of `seed + i`.
        form: of the files; masks always are PNG.
        max_side_px: photos with a longer side are shrunk.
        signed: whether fakes carry a C2PA manifest.
        photos: folders of photos.
        software: that made them.
        weights: hash of the generator's; "" where nothing was trained.
    """

    generator: str
    seed: int
    form: Form
    max_side_px: int
    signed: bool
    photos: tuple[str, ...]
    software: str
    weights: str = ""


class SampleFolder:
    """A folder that is being filled.

    Args:
        out: the folder, made if missing.
        settings: of the run.
        signer: signs each fake.

    Raises:
        ValueError: it holds fakes of other settings, or a list of somebody else's.
        OSError: it cannot be made or written to.
    """

    def __init__(self, out: Path, settings: SampleSettings, signer: Signer | None = None) -> None:
        self.out, self.settings, self._signer = out, settings, signer
        self._check()
        for folder in (out, out / "masks", out / "originals") if settings.photos else (out,):
            folder.mkdir(parents=True, exist_ok=True)
        write_whole(out / SETTINGS, self._said)
        # Files whose line was not reached are made again.
        rows = [row for row in self.rows() if (out / row["path"]).is_file()]
        self._listed = {row["path"] for row in rows}
        write_whole(out / LIST, "".join(map(_line, [dict(zip(COLUMNS, COLUMNS, strict=True)), *rows])).encode())

    def name(self, i: int) -> str:
        """File name of fake i, and in `originals` of photo i."""
        return f"{i:04d}.{'jpg' if self.settings.form == 'jpeg' else 'png'}"

    def has(self, i: int) -> bool:
        """Whether fake i is there and listed."""
        return self.name(i) in self._listed

    def rows(self) -> list[Row]:
        """What the list holds, but for a line that was cut off."""
        try:
            text = (self.out / LIST).read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return []
        whole = text[: text.rfind("\n") + 1]
        rows: Iterable[dict[str, str]] = csv.DictReader(io.StringIO(whole), delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row for row in rows if set(row) == set(COLUMNS) and None not in row.values()]

    def add_original(self, photo: Photo) -> None:
        """Write the photo as its fakes are written, in the same form and size, once."""
        name = f"originals/{self.name(photo.number)}"
        if name not in self._listed:
            said = f"{A_COPY}{_cell(photo.name)}"
            write_whole(self.out / name, encode(photo.pixels, self.settings.form, said))
            self._list({"label": "real", "path": name, "source": photo.source, "generator": "-", "photo": photo.name})

    def add(self, i: int, fake: Pixels, mask: Pixels, said: Label, family: str, photo: Photo | None) -> None:
        """Write fake i, its mask if it was made from a photo, and last its line.

        Args:
            i: number of the fake.
            fake: (H, W, 3) uint8.
            mask: (H, W) uint8, 255 where it was made or changed.
            said: its label.
            family: of the generator.
            photo: that it was made from.
        """
        row = {"path": self.name(i), "generator": said.generator, "seed": str(said.seed), "recipe": said.recipe}
        row["label"] = "real" if said.action == "washed" else "fake"
        row["source"] = said.generator if photo is None else photo.source
        row["family"] = family if mask.all() else EDIT
        parent = b""
        if photo is not None:
            row |= {
                "original": f"originals/{self.name(photo.number)}",
                "mask": f"masks/{i:04d}.png",
                "photo": photo.name,
            }
            parent = (self.out / row["original"]).read_bytes()
            write_whole(self.out / row["mask"], encode(mask, "png", f"Mask of {row['path']}: white where it differs"))
        data = encode(fake, self.settings.form, said)
        if self._signer is not None:
            data = self._signer.sign(data, self.settings.form, said, parent=parent)
        write_whole(self.out / row["path"], data)
        self._list(row)

    @property
    def _said(self) -> bytes:
        return (json.dumps(asdict(self.settings), indent=2) + "\n").encode()

    def _check(self) -> None:
        place = self.out / SETTINGS
        if place.is_file() and place.read_bytes() != self._said:
            raise ValueError(f"{self.out} holds fakes of other settings (see {SETTINGS} there); take another folder")
        if not place.is_file() and (self.out / LIST).exists():
            raise ValueError(f"{self.out} holds a {LIST} of somebody else's; take another folder")

    def _list(self, row: Row) -> None:
        place = self.out / LIST
        try:
            with place.open("a", encoding="utf-8") as file:
                file.write(_line(row))
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(place)) from None
        self._listed.add(row["path"])


def _line(row: Row) -> str:
    return "\t".join(_cell(row.get(column, "")) for column in COLUMNS) + "\n"


def _cell(text: str) -> str:
    """On one line and without tabs; names that are no UTF-8 with escapes."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.encode("utf-8", "backslashreplace").decode()
