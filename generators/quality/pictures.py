"""Which pictures of a folder are measured: one that `unforged generate sample` filled says itself what is in it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from generators.own_pictures import Own, own_kind
from generators.picture_folder import find_pictures
from generators.sample_folder import COLUMNS, LIST

NOT_FAKES = ("masks", "originals")
"""Folders that lie beside fakes, also where their list is gone."""
SHEET = "sheet.png"


def find_measured(folders: Sequence[Path], *, fakes: bool) -> tuple[Path, ...]:
    """Pictures of folders and all below them, sorted by path.

    Args:
        folders: where one of them, or one below, holds the list of `unforged generate sample`, that list decides.
        fakes: of such a list what was made; else the photos that it was made from. Without a list all are taken but for
            masks, originals and sheets beside what lies in a folder.

    Raises:
        ValueError: there are such lists, and nothing of this kind in them nor elsewhere.
    """
    lists = [path for folder in folders for path in sorted(folder.rglob(LIST)) if _is_own(path)]
    listed = {path.parent: _listed(path, fakes) for path in lists}
    found = {
        path
        for folder in folders
        for path in find_pictures([folder])
        if _is_measured(path, next((listed[above] for above in path.parents if above in listed), None), folder)
    }
    if lists and not found:
        raise ValueError(f"{lists[0]} names no {'fakes' if fakes else 'originals of fakes'}")
    return tuple(sorted(found))


def _is_measured(path: Path, listed: frozenset[Path] | None, folder: Path) -> bool:
    if listed is not None:
        return path in listed
    if own_kind(path) is Own.DRAWN:
        return False
    return (path.parent == folder or path.parent.name not in NOT_FAKES) and path.name != SHEET


def _is_own(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().rstrip("\n").split("\t") == [*COLUMNS]


def _listed(path: Path, fakes: bool) -> frozenset[Path]:
    """What the whole lines of a list name. Washed photos count as made, though their label is real."""
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if None not in row.values()]
    return frozenset(path.parent / row["path"] for row in rows if (row["generator"] != "-") == fakes)
