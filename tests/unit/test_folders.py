"""Whatever is named in whatever order, each file is met once, and files that were walked past take no memory."""

from __future__ import annotations

import os
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from forensics.folders import Folders
from forensics.inputs import expand


def tree(top: Path, chance: random.Random) -> list[Path]:
    """Folders in folders with files and, here and there, links to files and folders; returns everything."""
    folders, files = [top], []
    for number in range(12):
        folders.append(chance.choice(folders) / f"d{number}")
        folders[-1].mkdir()
    for number in range(30):
        files.append(chance.choice(folders) / f"{chance.choice(['.', '..', ''])}f{number}.jpg")
        files[-1].write_bytes(b"x")
    for number in range(12):
        link = chance.choice(folders) / f"{chance.choice('aez')}{number}.jpg"
        link.symlink_to(chance.choice(files + folders))
        files.append(link)
    return folders + files


@pytest.mark.parametrize("seed", range(20))
def test_each_file_is_met_once_whatever_is_named_and_wherever_links_lead(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    everything = tree(tmp_path, chance)
    named = [str(path) for path in chance.sample(everything, 6)]
    met = [os.path.realpath(task.path) for task in expand(named) if not task.path.is_dir()]
    # One source at a time meets the same files, some of them several times.
    wanted = {os.path.realpath(task.path) for one in named for task in expand([one]) if not task.path.is_dir()}
    assert len(met) == len(set(met)) and set(met) == wanted


def test_a_folder_that_is_left_out_is_not_walked_into(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("a.jpg", "out/b.jpg"):
        (tmp_path / name).write_bytes(b"x")
    assert list(Folders(str(tmp_path / "out")).walk(str(tmp_path))) == [str(tmp_path / "a.jpg")]


def test_a_link_to_a_folder_is_handed_on_once_and_not_followed(tmp_path: Path) -> None:
    for name in ("inside/a.jpg", "elsewhere/b.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x")
    top = tmp_path / "inside"
    for name, target in (("link", "../elsewhere"), ("loop", "."), (".hidden", "../elsewhere")):
        (top / name).symlink_to(target)
    assert list(Folders().walk(str(top))) == [str(top / name) for name in ("a.jpg", "link", "loop")]
    both = [task.shown for task in expand([str(top), str(top), str(top)])]
    assert both == [str(top / name) for name in ("a.jpg", "link", "loop")]
    named = [task.shown for task in expand([f"{top}/link/", str(top)])]
    assert named == [f"{top}/link/b.jpg", str(top / "a.jpg"), str(top / "loop")], "that one was followed"


def test_what_cannot_be_walked_or_followed_is_handed_on_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "to itself").symlink_to("to itself")
    (tmp_path / "to nothing").symlink_to("nowhere")
    (tmp_path / "too long").symlink_to("x" * 300)
    scandir = os.scandir

    def refused(path: str) -> Any:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    met = [task.shown for task in expand([str(tmp_path), str(tmp_path)])]
    assert [task.shown for task in expand(["x" * 300])] == ["x" * 300]
    assert met == [str(tmp_path / name) for name in ("locked", "to itself", "to nothing", "too long")]


def test_files_that_were_walked_past_take_no_memory(tmp_path: Path) -> None:
    for number in range(2000):
        if number % 100 == 0:
            folder = tmp_path / f"{number:06d}"
            folder.mkdir()
        (folder / f"picture-{number:06d}.jpg").touch()
    walk = Folders().walk(str(tmp_path))
    tracemalloc.start()
    try:
        held = [tracemalloc.get_traced_memory()[0] for n, _ in enumerate(walk, 1) if n in (500, 1500)]
    finally:
        tracemalloc.stop()
    # Ten folders came in between.
    assert held[1] - held[0] < 10 * 1000
