"""Contact sheets and whole files."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from generators.sheet import GAP_PX, contact_sheet
from generators.whole_files import write_whole


def flat(level: int, height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((height, width, 3), level, np.uint8)


def test_tiles_stand_row_by_row_at_their_own_size() -> None:
    sheet = contact_sheet([flat(level, 10, 10) for level in (1, 2, 3)], 2)
    assert sheet.shape == (20 + GAP_PX, 20 + GAP_PX, 3)
    assert (sheet[0, 0, 0], sheet[0, -1, 0], sheet[-1, 0, 0], sheet[-1, -1, 0]) == (1, 2, 3, 255)


def test_large_tiles_are_shrunk_and_none_is_blown_up() -> None:
    sheet = contact_sheet([flat(7, 64, 256), flat(9, 4, 4)], 1, side_px=32)
    assert sheet.shape == (2 * 32 + GAP_PX, 32, 3)
    assert (sheet == 7).all(axis=2).sum() == 32 * 8 and (sheet == 9).all(axis=2).sum() == 16


def test_names_stand_above_every_column_and_leave_the_tiles_as_they_are() -> None:
    tiles = [flat(level, 80, 80) for level in (1, 2, 3, 4)]
    plain, named = contact_sheet(tiles, 4), contact_sheet(tiles, 4, names=("fake", "mask"))
    line, below = named[: -len(plain)], named[-len(plain) :]
    assert np.array_equal(below, plain)
    first, second, third = (line[:, i * (80 + GAP_PX) : i * (80 + GAP_PX) + 80] for i in range(3))
    assert first.min() < 100 and np.array_equal(first, third) and not np.array_equal(first, second)


def test_columns_grow_with_their_names() -> None:
    sheet = contact_sheet([flat(0, 8, 8)], 1, names=("reconstruct-f4",))
    assert sheet.shape[1] > 60 and (sheet[-8:] == 0).all(axis=2).sum() == 8 * 8


def test_a_sheet_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs tiles"):
        contact_sheet([], 3)


def test_a_write_that_fails_leaves_the_earlier_file_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole(tmp_path / "a", b"before")

    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space") as caught:
        write_whole(tmp_path / "a", b"after")
    assert caught.value.filename == str(tmp_path / "a")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"before")]
