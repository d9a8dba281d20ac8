"""In a ZIP archive one odd or damaged member costs itself, and a lost table of contents costs little more."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from tests.make_containers import zipped
from tests.unit.looking_inside import A, B, C, look

THREE = {"a.jpg": A, "b.jpg": B, "c.jpg": C}
ENTRY, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def entry_of(data: bytes, number: int) -> int:
    """Where the entry of a file in the table of contents begins."""
    at = -1
    for _ in range(number + 1):
        at = data.index(ENTRY, at + 1)
    return at


def streamed(files: dict[str, bytes]) -> bytes:
    """An archive that was written where nobody can go back: sizes follow the files."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise io.UnsupportedOperation

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def test_a_member_without_a_name_is_examined(tmp_path: Path) -> None:
    found = look(zipped({"a.jpg": A, "": B, "c.jpg": C}), tmp_path)
    assert found.files == {"a.jpg": A, "unnamed": B, "c.jpg": C} and found.error is None


def test_a_name_that_is_no_utf_8_is_examined(tmp_path: Path) -> None:
    data = zipped({"a.jpg": A, "ü.jpg": B, "c.jpg": C}).replace("ü".encode(), b"\xff\xfe")
    found = look(data, tmp_path)
    assert found.files == {"a.jpg": A, "\\xff\\xfe.jpg": B, "c.jpg": C} and found.error is None


@pytest.mark.parametrize(("at", "value"), [(6, 99), (12, 0), (14, 0)], ids=["version", "time", "date"])
def test_what_is_not_needed_to_unpack_a_member_is_not_looked_at(at: int, value: int, tmp_path: Path) -> None:
    data = bytearray(zipped(THREE))
    struct.pack_into("<H", data, entry_of(data, 1) + at, value)
    found = look(bytes(data), tmp_path)
    assert found.files == THREE and found.error is None


def test_a_bad_extra_field_costs_nothing(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in THREE.items():
            info = zipfile.ZipInfo(name)
            info.extra = b"\x01\x00\x99\x00" if name == "b.jpg" else b""
            archive.writestr(info, data)
    found = look(out.getvalue(), tmp_path)
    assert found.files == THREE and found.error is None


def test_a_member_whose_size_is_lost_is_one_refusal(tmp_path: Path) -> None:
    data = bytearray(zipped(THREE))
    struct.pack_into("<I", data, entry_of(data, 1) + 20, 0xFFFFFFFF)
    found = look(bytes(data), tmp_path)
    assert found.files == {"a.jpg": A, "c.jpg": C} and found.refused == {"b.jpg": "broken"} and found.error is None


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("start", [0, 4, 40])
def test_damaged_data_is_one_refusal_without_names_of_exceptions(method: int, start: int, tmp_path: Path) -> None:
    data = bytearray(zipped(THREE, method=method))
    first = data.index(b"b.jpg") + 5 + start
    data[first : first + 30] = bytes(byte ^ 0xFF for byte in data[first : first + 30])
    found = look(bytes(data), tmp_path)
    assert found.files == {"a.jpg": A, "c.jpg": C} and found.refused == {"b.jpg": "broken"} and found.error is None
    assert {member.message for member in found.members if member.code} == {"it cannot be unpacked: its data is damaged"}


def test_a_member_packed_in_an_unknown_way_is_one_refusal(tmp_path: Path) -> None:
    data = bytearray(zipped(THREE))
    struct.pack_into("<H", data, entry_of(data, 1) + 10, 98)
    found = look(bytes(data), tmp_path)
    assert found.files == {"a.jpg": A, "c.jpg": C} and found.refused == {"b.jpg": "unsupported"}


def test_an_entry_that_leads_nowhere_is_one_refusal(tmp_path: Path) -> None:
    data = bytearray(zipped(THREE))
    struct.pack_into("<I", data, entry_of(data, 2) + 42, len(data) + 1000)
    found = look(bytes(data), tmp_path)
    assert found.files == {"a.jpg": A, "b.jpg": B} and found.refused == {"c.jpg": "broken"}


def test_a_file_that_is_called_a_folder_is_examined(tmp_path: Path) -> None:
    found = look(zipped({"a.jpg": A, "in/": b"", "b.jpg/": B}), tmp_path)
    assert found.files == {"a.jpg": A, "b.jpg/": B} and not found.refused


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_before_a_cut_are_found_and_the_one_in_it_is_told(method: int, tmp_path: Path) -> None:
    data = zipped(THREE, method=method)
    found = look(data[: data.index(b"c.jpg") + 1000], tmp_path)
    assert found.files == {"a.jpg": A, "b.jpg": B} and found.refused == {"c.jpg": "truncated"}
    assert found.error is not None and found.error.code == "truncated"


def test_a_cut_in_the_table_of_contents_costs_no_file(tmp_path: Path) -> None:
    data = zipped(THREE)
    for cut in (data.index(ENTRY), entry_of(data, 1) + 10, len(data) - 10):
        (tmp_path / f"{cut}").mkdir()
        found = look(data[:cut], tmp_path / f"{cut}")
        assert found.files == THREE and not found.refused
        assert found.error is not None and found.error.code == "truncated"


def test_damage_in_the_table_of_contents_costs_no_file(tmp_path: Path) -> None:
    data = bytearray(zipped(THREE))
    data[entry_of(data, 1)] ^= 0xFF
    found = look(bytes(data), tmp_path)
    assert found.files == THREE and found.error is not None and found.error.code == "broken"


def test_the_table_of_contents_helps_as_far_as_it_goes_where_sizes_follow_files(tmp_path: Path) -> None:
    data = bytearray(streamed(THREE))
    assert look(bytes(data), tmp_path).files == THREE
    data[entry_of(data, 1)] ^= 0xFF
    (tmp_path / "damaged").mkdir()
    found = look(bytes(data), tmp_path / "damaged")
    assert found.files == {"a.jpg": A} and found.refused == {"b.jpg": "truncated"} and found.error is not None


def test_limits_hold_where_the_table_of_contents_is_lost(tmp_path: Path) -> None:
    data = zipped(THREE)
    found = look(data[: data.index(ENTRY)], tmp_path, max_members=2)
    assert found.files == {"a.jpg": A, "b.jpg": B}
    assert found.error is not None and found.error.code == "too-many-members"


def test_archives_that_are_joined_are_both_read_and_told(tmp_path: Path) -> None:
    found = look(zipped({"a.jpg": A}) + zipped({"b.jpg": B}), tmp_path)
    assert found.files == {"a.jpg": A, "b.jpg": B}
    assert found.error is not None and found.error.code == "broken"


def test_the_table_of_an_archive_within_is_not_taken_for_that_of_the_whole(tmp_path: Path) -> None:
    data = zipped({"a.jpg": A, "in.zip": zipped({"b.jpg": B}), "c.jpg": C}, method=zipfile.ZIP_STORED)
    found = look(data[: data.rindex(LOCAL)], tmp_path)
    assert {*found.files.values()} == {A, B} and found.error is not None


def test_numbers_of_64_bits_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    data = zipped(THREE)
    assert b"PK\x06\x06" in data
    found = look(data, tmp_path)
    assert found.files == THREE and found.error is None


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize(
    ("at", "sizes"),
    [(20, (100_000,)), (20, ((1 << 31) - 1,)), (24, (10,)), (24, (100_000,)), (20, (100_000, 100_000)), (20, (0, 0))],
    ids=["packed more", "packed beyond the end", "unpacked less", "unpacked more", "both more", "none"],
)
def test_lies_of_the_table_about_sizes_cost_no_file_and_are_told(
    method: int, at: int, sizes: tuple[int, ...], tmp_path: Path
) -> None:
    data = bytearray(zipped(THREE, method=method))
    struct.pack_into(f"<{len(sizes)}I", data, entry_of(data, 1) + at, *sizes)
    found = look(bytes(data), tmp_path)
    assert found.files == THREE and not found.refused
    assert found.error is not None and found.error.code == "broken" and "lies about the sizes" in str(found.error)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_sizes_before_a_file_do_not_matter_where_the_table_is_right(method: int, tmp_path: Path) -> None:
    data = bytearray(zipped(THREE, method=method))
    struct.pack_into("<II", data, data.index(LOCAL, 4) + 18, 100_000, 10)
    found = look(bytes(data), tmp_path)
    assert found.files == THREE and found.error is None


def test_where_all_sizes_lie_alike_only_a_file_that_is_not_packed_is_lost(tmp_path: Path) -> None:
    for method, files in ((zipfile.ZIP_STORED, {"a.jpg": A, "c.jpg": C}), (zipfile.ZIP_DEFLATED, THREE)):
        data = bytearray(zipped(THREE, method=method))
        for at in (data.index(LOCAL, 4) + 18, entry_of(data, 1) + 20):
            struct.pack_into("<II", data, at, 100_000, 100_000)
        (folder := tmp_path / f"{method}").mkdir()
        found = look(bytes(data), folder)
        assert found.files == files and found.error is not None and found.error.code == "broken"


def test_a_file_that_is_called_an_empty_folder_is_examined(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.jpg": A, "b.jpg/": B}))
    struct.pack_into("<I", data, entry_of(data, 1) + 24, 0)
    found = look(bytes(data), tmp_path)
    assert found.files == {"a.jpg": A, "b.jpg/": B} and found.error is not None


def test_a_small_size_does_not_get_a_file_past_the_limits(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.jpg": A, "b.jpg": B + bytes(1 << 20)}))
    struct.pack_into("<I", data, entry_of(data, 1) + 24, 10)
    found = look(bytes(data), tmp_path, max_file_bytes=len(A))
    assert found.files == {"a.jpg": A} and found.refused == {"b.jpg": "too-many-bytes"}
