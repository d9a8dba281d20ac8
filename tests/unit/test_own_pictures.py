"""What the tool wrote itself is no photo to it later: masks, sheets, fakes and copies, wherever they lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from detectors.picture_set import read_set
from detectors.race.forging import write_png
from forensics.cli import main
from generators.labels import encode
from generators.laundered import Launder
from generators.own_pictures import Own, own_kind
from generators.picture_folder import find_photos, find_pictures, read_folders
from generators.sample_folder import LIST
from generators.samples import write_samples
from generators.splice import Splice
from tests.make_media import jpeg, photo

DRAWN, FAKE, COPY = (str(kind) for kind in Own)


@pytest.fixture
def holiday(tmp_path: Path) -> Path:
    """Two photos, and below them the output of a run that altered them, with its sheet."""
    folder = tmp_path / "holiday"
    folder.mkdir()
    for seed in (1, 2):
        (folder / f"{seed}.jpg").write_bytes(jpeg(photo(seed, width=160, height=128)))
    write_samples(Splice(), folder / "fakes", n=3, photos=[folder], sheet=True)
    return folder


def test_a_run_into_its_own_folder_of_photos_goes_on_with_the_same_photos(holiday: Path) -> None:
    found = find_photos([holiday])
    assert [path.name for path in found.paths] == ["1.jpg", "2.jpg"]
    assert found.left_out == {DRAWN: 4, FAKE: 3, COPY: 2} and len(find_pictures([holiday])) == 11
    written = write_samples(Splice(), holiday / "fakes", n=5, photos=[holiday])
    rows = (holiday / "fakes" / LIST).read_text().splitlines()
    assert sum(row.startswith("real\t") for row in rows) == 2 and written.skipped == {DRAWN: 4, FAKE: 3, COPY: 2}


def test_what_is_left_out_is_said(holiday: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["generate", "sample", "splice", "--photos", str(holiday), "-n", "1", "--out", str(tmp_path / "out")]
    assert main(asked) == 0
    assert f"photos skipped: 3 {FAKE}, 4 {DRAWN}, 2 {COPY}" in capsys.readouterr().err
    assert read_folders([holiday], 64).describe() == f"2 pictures; skipped 3 {FAKE}, 4 {DRAWN}, 2 {COPY}"


def test_copies_are_photos_where_nothing_else_lies(holiday: Path) -> None:
    assert len(find_photos([holiday / "fakes" / "originals"]).paths) == 2
    assert not find_photos([holiday / "fakes" / "masks"]).paths


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_a_washed_photo_is_a_photo_still_and_a_fake_is_none_in_any_form(form: str, holiday: Path) -> None:
    for maker, kind in ((Launder(), None), (Splice(), Own.FAKE)):
        out = holiday.parent / maker.name
        write_samples(maker, out, n=1, photos=[holiday], form=form, sheet=True)  # type: ignore[arg-type]
        (made,) = out.glob("0000.*")
        assert own_kind(made) is kind and own_kind(out / "sheet.png") is Own.DRAWN
        assert own_kind(next(iter((out / "originals").iterdir()))) is Own.COPY


def test_pictures_of_strangers_stay_whatever_they_say(tmp_path: Path) -> None:
    told = {"a": {}, "b": {"Software": "unforgedly 1", "Description": "Mask of b"}, "c": {"Description": "unforged"}}
    for name, texts in told.items():
        info = PngInfo()
        for key, value in texts.items():
            info.add_text(key, value)
        Image.new("L", (80, 80)).save(tmp_path / f"{name}.png", pnginfo=info)
    Image.new("L", (80, 80)).save(tmp_path / "d.jpg", comment=b"unforged")
    (tmp_path / "e.png").write_bytes(b"no picture")
    found = find_photos([tmp_path])
    assert len(found.paths) == 5 and not found.left_out


def test_masks_of_any_name_and_pictures_of_races_are_told(tmp_path: Path) -> None:
    write_png(tmp_path / "race.png", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "moved.png").write_bytes(encode(np.zeros((8, 8), np.uint8), "png", "Mask of something"))
    assert find_photos([tmp_path]).left_out == {DRAWN: 2}


def test_folders_of_a_set_hold_no_masks_and_nothing_on_the_wrong_side(holiday: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "real").symlink_to(holiday, target_is_directory=True)
    (tmp_path / "set" / "fake").symlink_to(holiday / "fakes", target_is_directory=True)
    found = read_set([tmp_path / "set"])
    assert [e.path.name for e in found.examples if e.label] == ["0000.png", "0001.png", "0002.png"]
    assert all("originals" in e.path.parts or e.path.suffix == ".jpg" for e in found.examples if not e.label)
    assert found.left_out == {DRAWN: 8, FAKE: 3, COPY: 2}
    assert f"left out 8 {DRAWN}" in found.gone
