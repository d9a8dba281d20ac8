"""A damaged tar archive loses what is damaged and no more, and says so; what was joined to it is read as well."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.make_containers import PACKERS, tarred
from tests.unit.looking_inside import A, B, C, look

BLOCK = tarfile.BLOCKSIZE
THREE = {"a.jpg": A, "b.jpg": B, "c.jpg": C}


def header_at(data: bytes, name: str) -> int:
    return data.index(name.encode() + b"\0")


def without_end(files: Mapping[str, bytes]) -> bytes:
    """Up to the end of the last file, which is filled up to a whole block."""
    data = tarred(files)
    last = [*files][-1]
    return data[: header_at(data, last) + BLOCK + -(-len(files[last]) // BLOCK) * BLOCK]


def linked(files: Mapping[str, bytes], links: Mapping[str, str]) -> bytes:
    """A tar archive of files, and hard links to them."""
    return tarred(files, links=links, kind=tarfile.LNKTYPE)


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()], ids=["tar", *PACKERS])
def test_a_damaged_header_costs_its_file_and_is_told(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    data = bytearray(tarred(THREE))
    data[header_at(data, "b.jpg") + 150] ^= 0xFF
    found = look(pack(bytes(data)), tmp_path)
    assert found.files == {"a.jpg": A, "c.jpg": C}
    assert found.error is not None and found.error.code == "broken" and "damaged" in str(found.error)


def test_a_damaged_header_behind_a_long_name_costs_its_file(tmp_path: Path) -> None:
    name = "b" * 150 + ".jpg"
    data = bytearray(tarred({"a.jpg": A, name: B, "c.jpg": C}))
    # The long name has headers of its own, and the header of the file follows them.
    data[data.rindex(b"b" * 99) + 150] ^= 0xFF
    found = look(bytes(data), tmp_path)
    assert found.files == {"a.jpg": A, "c.jpg": C}
    assert found.error is not None and found.error.code == "broken"


@pytest.mark.parametrize("n_bytes", [0, 1, 300, BLOCK - 1])
def test_a_cut_at_or_in_a_header_is_told(n_bytes: int, tmp_path: Path) -> None:
    data = tarred(THREE)
    found = look(data[: header_at(data, "c.jpg") + n_bytes], tmp_path)
    assert found.files == {"a.jpg": A, "b.jpg": B}
    assert found.error is not None and found.error.code == "truncated"


def test_an_archive_without_its_zeros_may_be_cut_off_and_one_block_of_them_will_do(tmp_path: Path) -> None:
    data = without_end(THREE)
    found = look(data, tmp_path)
    assert found.files == THREE and found.error is not None and found.error.code == "truncated"
    for zeros in (BLOCK, BLOCK + 100, 40 * BLOCK):
        (tmp_path / f"{zeros}").mkdir()
        found = look(data + bytes(zeros), tmp_path / f"{zeros}")
        assert found.files == THREE and found.error is None


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()], ids=["tar", *PACKERS])
def test_archives_that_are_joined_are_all_read(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    found = look(pack(tarred({"a.jpg": A}) + tarred({"b.jpg": B})), tmp_path)
    assert found.files == {"a.jpg": A, "b.jpg": B} and found.error is None


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz"])
def test_packed_archives_that_are_joined_are_all_read(ending: str, tmp_path: Path) -> None:
    pack = PACKERS[ending]
    found = look(pack(tarred({"a.jpg": A})) + pack(tarred({"b.jpg": B})), tmp_path)
    assert found.files == {"a.jpg": A, "b.jpg": B} and found.error is None


def test_joined_archives_share_their_limits(tmp_path: Path) -> None:
    found = look(tarred({"a.jpg": A}) + tarred({"b.jpg": B}), tmp_path, max_members=1)
    assert found.files == {"a.jpg": A}
    assert found.error is not None and found.error.code == "too-many-members"


def test_what_is_no_archive_behind_one_is_told(tmp_path: Path) -> None:
    found = look(tarred({"a.jpg": A}) + b"payload" * 200, tmp_path)
    assert found.files == {"a.jpg": A} and found.error is not None and found.error.code == "broken"


@pytest.mark.parametrize("size", [1 << 62, -(1 << 62)])
def test_a_size_that_lies_ends_at_once(size: int, tmp_path: Path) -> None:
    info = tarfile.TarInfo("b.txt")
    info.size = size
    found = look(without_end({"a.jpg": A}) + info.tobuf(tarfile.GNU_FORMAT) + b"x" * 5000, tmp_path)
    assert found.files == {"a.jpg": A}
    assert found.error is not None and found.error.code in ("truncated", "broken")


def test_headers_within_headers_end_with_one_clear_line(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 12
    nested = (info.tobuf(tarfile.USTAR_FORMAT) + b"12 path=abc\n".ljust(BLOCK, b"\0")) * 3000
    found = look(without_end({"a.jpg": A}) + nested + tarred({"b.jpg": B}), tmp_path)
    assert found.files["a.jpg"] == A
    assert found.error is not None and "Error" not in str(found.error)


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()], ids=["tar", *PACKERS])
def test_a_hard_link_to_a_hidden_file_gives_what_the_folder_gives(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    files = {"./.thumb.jpg": A, "./b.jpg": B, "./.other.jpg": C}
    data = linked(files, {"./seen.jpg": "./.thumb.jpg", "./again.jpg": "./.thumb.jpg", "./b2.jpg": "./b.jpg"})
    found = look(pack(data), tmp_path)
    assert found.files == {"b.jpg": B, "seen.jpg": A} and found.error is None
    assert found.account.left_out == {"hidden": 2, "link": 2}


def test_a_hard_link_names_the_latest_file_of_that_name(tmp_path: Path) -> None:
    data = without_end({".t.jpg": A}) + linked({".t.jpg": B}, {"seen.jpg": ".t.jpg"})
    assert look(data, tmp_path).files == {"seen.jpg": B}


def test_a_hard_link_before_a_cut_is_followed(tmp_path: Path) -> None:
    data = linked({".t.jpg": A}, {"seen.jpg": ".t.jpg"}).rstrip(b"\0")
    found = look(data + bytes(-len(data) % BLOCK), tmp_path)
    assert found.files == {"seen.jpg": A} and found.error is not None and found.error.code == "truncated"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("data", [A, tarred({"c": A})], ids=["file", "tar"])
def test_what_was_packed_is_kept_whatever_lies_behind_it(
    pack: Callable[[bytes], bytes], data: bytes, tmp_path: Path
) -> None:
    found = look(pack(data) + b"j" * 70, tmp_path)
    assert found.files == {"c": A}
    assert found.error is not None and found.error.code == "broken" and "left out" in str(found.error)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_zeros_between_and_behind_packed_members_are_nothing(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    half = len(A) // 2
    found = look(pack(A[:half]) + bytes(200_000) + pack(A[half:]) + bytes(100_000), tmp_path)
    assert found.files == {"c": A} and found.error is None


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_data_that_is_damaged_is_told_without_names_of_exceptions(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    data = bytearray(pack(A))
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xff" * 40
    found = look(bytes(data), tmp_path)
    assert not found.files and found.error is not None
    assert found.error.code == "truncated" and "Error" not in str(found.error)
