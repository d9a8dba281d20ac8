"""Pictures are drawn again only of the very same file, small and newly encoded, whatever the file does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.pictures import unpack
from forensics.redrawing import THUMBNAIL_SIDE_PX, Redrawer
from tests.make_media import decode, jpeg, photo


@pytest.fixture(scope="module")
def redrawer() -> Iterator[Redrawer]:
    with Redrawer() as made:
        yield made


@pytest.fixture
def picture(tmp_path: Path) -> tuple[Path, str]:
    data = jpeg(photo(1, width=640, height=480))
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()


def test_a_thumbnail_is_small_and_not_the_file_itself(redrawer: Redrawer, picture: tuple[Path, str]) -> None:
    thumbnail = redrawer.thumbnail(*picture)
    assert decode(thumbnail).shape == (120, THUMBNAIL_SIDE_PX, 3)
    assert len(thumbnail) < 12_000 and thumbnail not in picture[0].read_bytes()


def test_a_pack_holds_what_an_upload_would_have_kept(redrawer: Redrawer, picture: tuple[Path, str]) -> None:
    kept = unpack(redrawer.pack(*picture))
    assert list(kept.frames) == [0.0] and set(kept.layers) == {"noise", "spectrum"}


def test_another_file_in_its_place_a_broken_one_and_none_are_not_drawn(
    redrawer: Redrawer, picture: tuple[Path, str], tmp_path: Path
) -> None:
    path, _ = picture
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(path.read_bytes()[:300])
    digest = hashlib.sha256(broken.read_bytes()).hexdigest()
    assert redrawer.thumbnail(path, "0" * 64) == b""
    assert redrawer.thumbnail(broken, digest) == b""
    assert redrawer.thumbnail(tmp_path / "gone.jpg", digest) == b""
    assert redrawer.thumbnail(tmp_path, digest) == b""
    assert redrawer.thumbnail(*picture)


def test_a_process_that_died_is_replaced(redrawer: Redrawer, picture: tuple[Path, str]) -> None:
    assert redrawer.thumbnail(*picture)
    process = redrawer._process
    assert process is not None
    process.kill()
    process.join()
    assert redrawer.thumbnail(*picture)


def test_a_picture_that_takes_too_long_is_given_up(picture: tuple[Path, str]) -> None:
    with Redrawer(timeout_s=0.0) as hurried:
        assert hurried.thumbnail(*picture) == b""
