"""Which pictures of a folder are measured: of what the tool itself has filled, what its list names."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from generators.quality.pictures import find_measured
from generators.sample_folder import LIST
from generators.samples import write_samples
from generators.splice import Splice
from tests.make_media import jpeg, photo


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three fakes of two photos, as `unforged generate sample` fills it, with one file of a stranger."""
    desk = tmp_path_factory.mktemp("desk")
    (desk / "photos").mkdir()
    for seed in (1, 2):
        (desk / "photos" / f"{seed}.jpg").write_bytes(jpeg(photo(seed, width=160, height=128)))
    write_samples(Splice(), desk / "out", n=3, photos=[desk / "photos"], sheet=True)
    Image.new("RGB", (64, 64)).save(desk / "out" / "stranger.png")
    return desk / "out"


def names(folder: Path, *, fakes: bool) -> list[str]:
    return [str(path.relative_to(folder)) for path in find_measured([folder], fakes=fakes)]


def test_the_list_of_a_filled_folder_says_what_is_a_fake_and_what_a_real(filled: Path) -> None:
    assert names(filled, fakes=True) == ["0000.png", "0001.png", "0002.png"]
    assert names(filled, fakes=False) == ["originals/0000.png", "originals/0001.png"]


def test_a_list_below_the_folder_counts_as_well(filled: Path) -> None:
    found = names(filled.parent, fakes=True)
    assert found == ["out/0000.png", "out/0001.png", "out/0002.png", "photos/1.jpg", "photos/2.jpg"]


def test_originals_that_are_named_themselves_are_all_taken(filled: Path) -> None:
    assert names(filled / "originals", fakes=False) == ["0000.png", "0001.png"]


@pytest.mark.parametrize("text", [None, "label\tpath\nfake\ta.png\n"], ids=["no list", "somebody else's list"])
def test_without_the_list_all_pictures_are_taken_but_those_beside_fakes(text: str | None, tmp_path: Path) -> None:
    for name in ("a.png", "b/c.png", "masks/a.png", "originals/a.png", "sheet.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    if text is not None:
        (tmp_path / LIST).write_text(text)
    assert names(tmp_path, fakes=True) == ["a.png", "b/c.png"] == names(tmp_path, fakes=False)


def test_a_list_without_what_is_wanted_says_so(filled: Path, tmp_path: Path) -> None:
    header = (filled / LIST).read_text().splitlines()[0]
    (tmp_path / LIST).write_text(f"{header}\nfake\t0000.png")  # a line that was cut off
    for fakes, words in ((True, "names no fakes"), (False, "names no originals")):
        with pytest.raises(ValueError, match=words):
            find_measured([tmp_path], fakes=fakes)
