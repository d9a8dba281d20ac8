"""A set that is to travel: small, whole, fakes and photos treated alike, and read like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detectors.data import Example, read_pixels
from detectors.packing import HOW_PACKED, Packing, pack
from detectors.picture_set import read_set
from forensics.cli import main
from tests.make_media import jpeg, photo, png
from tests.unit.test_set_audit import listed


def pictures(folder: Path) -> list[Example]:
    """A photo and a fake of each of two sources, all of the same name."""
    examples = []
    for number in range(4):
        path = folder / str(number) / "picture.png"
        path.parent.mkdir()
        path.write_bytes(png(photo(number, width=300, height=120 + 100 * (number % 2))))
        examples.append(Example(path, number % 2, f"source {number // 2}", "maker", "gan", "train", "scene"))
    return examples


def test_every_picture_becomes_a_square_of_it_in_the_same_format(tmp_path: Path) -> None:
    examples = pictures(tmp_path)
    assert pack(examples, tmp_path / "out", Packing(side_px=200, quality=100)) == ()
    packed = read_set([tmp_path / "out"]).examples
    assert len(packed) == len(examples)
    for before, after in zip(examples, packed, strict=True):
        assert (after.label, after.source, after.generator, after.split, after.content) == (
            (before.label, before.source, before.generator, before.split, before.content)
        )
        whole, square = read_pixels(before).astype(int), read_pixels(after).astype(int)
        assert square.shape == (min(200, whole.shape[0]), 200, 3)
        places = [(y, x) for y in range(whole.shape[0] - square.shape[0] + 1) for x in range(whole.shape[1] - 200 + 1)]
        nearest = min(np.abs(whole[y : y + square.shape[0], x : x + 200] - square).mean() for y, x in places)
        assert nearest < 1.5, "it is a part of the picture at its own resolution"
        with Image.open(after.path) as image:
            assert image.format == "JPEG" and image.layer[0][1:3] == (1, 1)  # type: ignore[attr-defined]


def test_pictures_of_one_name_and_source_are_all_kept_and_none_is_packed_twice(tmp_path: Path) -> None:
    twins = [Example(e.path, 0, "one") for e in pictures(tmp_path)]
    pack(twins, tmp_path / "out")
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.jpg")}
    assert len(first) == len(twins)
    pack(twins, tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.jpg")} == first


def test_the_command_packs_one_split_and_says_what_could_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(photo(1, width=200, height=150)))
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    (tmp_path / "c.jpg").write_bytes(jpeg(photo(2, width=200, height=150)))
    examples = [
        Example(tmp_path / f"{name}.jpg", 0, "one", split=split)
        for name, split in zip("abc", ("train", "train", "eval"), strict=True)
    ]
    data, out = listed(tmp_path, examples), tmp_path / "out"
    assert main(["pack-set", "--data", str(data), "--split", "train", "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert "1 pictures" in said.out and "b.jpg cannot be read" in said.err
    assert [e.path.name for e in read_set([out]).examples] == ["a.jpg.jpg"]
    assert main(["pack-set", "--data", str(data), "--split", "other", "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["pack-set", "--data", str(data), "--quality", "80", "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert '"quality": 95' in line and [e.path.name for e in read_set([out]).examples] == ["a.jpg.jpg"]


def test_pictures_of_an_unknown_way_stay_alone_and_a_way_without_pictures_binds_nobody(tmp_path: Path) -> None:
    examples, out = pictures(tmp_path), tmp_path / "out"
    out.mkdir()
    (out / HOW_PACKED).write_text("{}")  # a run that was stopped before its first picture
    pack(examples, out)
    (out / HOW_PACKED).unlink()
    with pytest.raises(ValueError, match="take another folder"):
        pack(examples, out)


@pytest.mark.parametrize("wrong", [{"side_px": 0}, {"quality": 101}])
def test_what_makes_no_pictures_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="make no pictures"):
        Packing(**wrong)
