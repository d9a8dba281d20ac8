"""In a 7z archive a file whose checksum is wrong costs itself, however the archive is packed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.looking_inside import A, B, C, look

py7zr = pytest.importorskip("py7zr", reason="the extra `archives` is not installed")

FILES = {"a.jpg": A, "empty.txt": b"", "notes.txt": b"words " * 99, "b.jpg": B, "c.jpg": C}
SOUND = {"a.jpg": A, "b.jpg": B, "c.jpg": C}


def stored(files: dict[str, bytes]) -> bytes:
    """A 7z archive whose files are not packed."""
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", filters=[{"id": py7zr.FILTER_COPY}]) as archive:
        for name, data in files.items():
            archive.writef(io.BytesIO(data), name)
    return out.getvalue()


def joined(files: dict[str, bytes]) -> bytes:
    """The same, each file in a folder of its own."""
    out = io.BytesIO(stored({}))
    for name, data in files.items():
        out.seek(0)
        with py7zr.SevenZipFile(out, "a", filters=[{"id": py7zr.FILTER_COPY}]) as archive:
            archive.writef(io.BytesIO(data), name)
    return out.getvalue()


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("pack", [stored, joined])
def test_a_wrong_checksum_is_one_refusal(pack: Callable[[dict[str, bytes]], bytes], name: str, tmp_path: Path) -> None:
    data = bytearray(pack(FILES))
    data[data.index(SOUND[name]) + 400] ^= 0xFF
    found = look(bytes(data), tmp_path)
    assert found.error is None
    assert found.files == {other: content for other, content in SOUND.items() if other != name}
    assert found.refused == {name: "broken", "empty.txt": "empty", "notes.txt": "not-media"}
    assert all("Error" not in member.message for member in found.members)


def test_a_damaged_file_that_is_not_wanted_costs_nothing(tmp_path: Path) -> None:
    data = bytearray(stored({".hidden.jpg": C, "a.jpg": A, "b.jpg": B}))
    data[data.index(C) + 400] ^= 0xFF
    found = look(bytes(data), tmp_path)
    assert found.files == {"a.jpg": A, "b.jpg": B} and found.error is None
    assert found.account.left_out == {"hidden": 1}


def test_damage_in_the_table_of_contents_is_told_without_names_of_exceptions(tmp_path: Path) -> None:
    data = bytearray(stored(FILES))
    data[-20] ^= 0xFF
    found = look(bytes(data), tmp_path)
    assert found.error is not None and found.error.code == "broken" and "7zFile" not in str(found.error)
