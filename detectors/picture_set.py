"""Reads sets of real and fake pictures, from lists or from folders named real and fake, and says what is gone."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from detectors.data import Example
from generators.opening import ENDINGS
from generators.own_pictures import Own, own_kind

T = TypeVar("T")

LABELS = {"real": 0, "fake": 1}

VIDEO_ENDINGS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".flv", ".wmv"})

_CROP = re.compile(r"\bcrop=(\d+),(\d+),(\d+),(\d+)")


@dataclass(frozen=True)
class PictureSet:
    """What was found of a set.

    Attributes:
        examples: those whose file is there.
        missing: names that are listed but not there.
        left_out: what this tool itself wrote into folders and is no example there -> number of files.
    """

    examples: tuple[Example, ...]
    missing: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def gone(self) -> str:
        """What is missing or was left out, to follow what was found; "" where nothing is."""
        missing = f"; {len(self.missing)} listed but not there, such as {self.missing[0]}" if self.missing else ""
        return missing + "".join(f"; left out {n} {what}" for what, n in self.left_out.items())


def read_set(folders: Sequence[Path], lists: Sequence[Path] = ()) -> PictureSet:
    """Read a set from its lists, or from folders named real and fake; each file counts once, however often it is named.

    Args:
        folders: where the files lie; a listed file may lie in any of them.
        lists: tab-separated lists; without any, those called *.tsv in the folders. Without any at all, each folder
            holds `real/` and `fake/`, whose subfolders are the sources, and of fakes the generators too.

    Raises:
        ValueError: a folder or list is not what it should be, or nothing was found.
    """
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"there is no folder {folder}")
    folders = _first_of_each(folders, Path.resolve)
    listed = _first_of_each(lists, Path.resolve) or [path for f in folders for path in sorted(f.glob("*.tsv"))]
    parts = [read_list(path, folders) for path in listed] if listed else [_read_folders(f) for f in folders]
    examples = _first_of_each((example for part in parts for example in part.examples), _use)
    left_out = Counter[str]()
    for part in parts:
        left_out.update(part.left_out)
    found = PictureSet(tuple(examples), tuple(name for part in parts for name in part.missing), dict(left_out))
    if not found.examples:
        raise ValueError(f"no picture was found in {', '.join(map(str, folders))}{found.gone}")
    return found


def read_list(path: Path, folders: Sequence[Path]) -> PictureSet:
    """Read a tab-separated list.

    Args:
        path: its first line names the columns: label (real or fake), path (from the folder) or file (then it lies in
            split/label/<generator, or for reals the source>/), source or repo, and if known split, generator, family,
            content, kind (image or video), note (which may hold crop=x,y,width,height) and mask (a path from the
            folder: white where the picture was altered).
        folders: where the files may lie if not beside the list; there as here, also in a folder named as the list is.

    Raises:
        ValueError: a column or value is not what it should be.
    """
    # Beside the list first: two sets may hold files of the same names.
    roots = [root for folder in (path.parent, *folders) for root in (folder, folder / path.stem)]
    examples, missing = [], []
    try:
        # Spreadsheets begin UTF-8 with a byte order mark.
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"the list {path} cannot be read: {error}") from error
    for number, row in enumerate(rows, 2):
        if row.get("label") not in LABELS or not (row.get("path") or row.get("file")):
            raise ValueError(f"{path}, line {number}: wants a label (real or fake) and a path or file")
        place = _place(row)
        root = next((root for root in roots if (root / place).is_file()), None)
        if root is None:
            missing.append(str(place))
        else:
            examples.append(_example(root, place, row))
    return PictureSet(tuple(examples), tuple(missing))


def _first_of_each(items: Iterable[T], key: Callable[[T], Hashable]) -> list[T]:
    """Those whose key no earlier one has, in their order."""
    found: dict[Hashable, T] = {}
    for item in items:
        found.setdefault(key(item), item)
    return list(found.values())


def _use(example: Example) -> Hashable:
    """The same for rows that use the same part of a file alike; another label or split is for audits to find."""
    return example.path.resolve(), example.crop, example.label, example.split


def _place(row: dict[str, str]) -> Path:
    if row.get("path"):
        return Path(row["path"])
    owner = row.get("generator", "") if row["label"] == "fake" else _source(row).replace("/", "__")
    return Path(row.get("split", ""), row["label"], owner, row["file"])


def _source(row: dict[str, str]) -> str:
    return row.get("source") or row.get("repo") or ""


def _example(root: Path, place: Path, row: dict[str, str]) -> Example:
    note = row.get("note") or ""
    crop = _CROP.search(note)
    return Example(
        path=root / place,
        label=LABELS[row["label"]],
        source=_source(row),
        generator=row.get("generator") or "-",
        family=row.get("family") or "-",
        split=row.get("split") or "",
        content=row.get("content") or "",
        is_video=row.get("kind") == "video" or place.suffix.lower() in VIDEO_ENDINGS,
        crop=(int(crop[1]), int(crop[2]), int(crop[3]), int(crop[4])) if crop is not None else None,
        note=note,
        mask=root / row["mask"] if row.get("mask") else None,
    )


def _read_folders(folder: Path) -> PictureSet:
    """Read `real/` and `fake/`: no fake of this tool is a real one, and no copy that it made of a photo a fake."""
    examples, left_out = [], Counter[str]()
    for name, label in LABELS.items():
        root = folder / name
        if not root.is_dir():
            raise ValueError(f"{folder} holds neither a list (*.tsv) nor the folders real and fake")
        for path in sorted(root.rglob("*")):
            is_video = path.suffix.lower() in VIDEO_ENDINGS
            if path.is_file() and (is_video or path.suffix.lower() in ENDINGS):
                kind = own_kind(path)
                if kind in (Own.DRAWN, Own.COPY if label else Own.FAKE):
                    left_out[str(kind)] += 1
                    continue
                parts = path.relative_to(root).parts
                source = parts[0] if len(parts) > 1 else f"{folder.name}/{name}"
                generator = source if label else "-"
                examples.append(Example(path, label, source, generator, is_video=is_video))
    return PictureSet(tuple(examples), left_out=left_out)
