"""A container that is locked, damaged or packed to do harm costs no more than limits allow, and says so."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from forensics.containers import InsideLimits
from forensics.containers.member import Member
from forensics.containers.unpacking import Unpacker
from tests.make_containers import encrypted_zip, jpeg_stream, overlapping_zip, pdf, seven_zipped, tarred, zipped
from tests.make_files import bmp_header
from tests.make_media import jpeg, photo
from tests.unit.looking_inside import ARCHIVES, FILES, HEIGHT, WIDTH, A, B, C, look, seven


def test_what_is_encrypted_is_refused_one_by_one(tmp_path: Path) -> None:
    found = look(encrypted_zip(FILES), tmp_path)
    assert found.refused == dict.fromkeys(FILES, "encrypted") and not found.files


def test_an_encrypted_7z_archive_says_so(tmp_path: Path) -> None:
    pytest.importorskip("py7zr", reason="the extra `archives` is not installed")
    found = look(seven_zipped(FILES, password="x"), tmp_path)
    assert found.error is not None and found.error.code == "encrypted" and not found.files


def test_an_encrypted_pdf_says_so(tmp_path: Path) -> None:
    import pypdf

    writer = pypdf.PdfWriter(clone_from=pypdf.PdfReader(io.BytesIO(pdf([jpeg_stream(A, WIDTH, HEIGHT)]))))
    writer.encrypt("x", algorithm="RC4-128")
    writer.write(tmp_path / "x.pdf")
    found = look((tmp_path / "x.pdf").read_bytes(), tmp_path)
    assert found.error is not None and found.error.code == "encrypted" and not found.files


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.xz", "tar.lz4", "winmail.dat"])
def test_what_comes_before_a_cut_is_found_and_the_cut_is_told(kind: str, tmp_path: Path) -> None:
    pixels = photo(5, width=500, height=400)
    data = ARCHIVES[kind]({"a.jpg": A, "b.jpg": jpeg(pixels, 98)})
    found = look(data[: len(data) * 6 // 10], tmp_path)
    assert found.files == {"a.jpg": A}
    assert found.error is not None and found.error.code in ("truncated", "broken")


def test_a_zip_archive_without_its_table_of_contents_is_truncated(tmp_path: Path) -> None:
    data = zipped(FILES)
    found = look(data[: len(data) // 2], tmp_path)
    assert found.error is not None and found.error.code == "truncated"


def test_a_damaged_member_is_one_refusal(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.jpg": A, "b.jpg": B}, method=0))
    data[data.index(A) + len(A) // 2] ^= 0xFF
    found = look(bytes(data), tmp_path)
    assert found.files == {"b.jpg": B} and found.refused == {"a.jpg": "broken"}


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "tar.lz4", "7z"])
def test_a_bomb_by_ratio_is_stopped_early(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.containers.budget.RATIO_FLOOR_BYTES", 1 << 20)
    white = bmp_header(4000, 1000) + b"\xff" * 12_000_000
    found = look(ARCHIVES[kind]({"a.jpg": A, "white.bmp": white, "z.jpg": B}), tmp_path)
    assert found.error is not None and found.error.code == "bomb"
    assert "white.bmp" not in found.files and found.files.get("a.jpg") == A


def test_what_is_no_media_is_not_unpacked_however_large_it_claims_to_be(tmp_path: Path) -> None:
    found = look(zipped({"zeros.jpg": bytes(100_000_000), "a.jpg": A}), tmp_path, max_bytes=1 << 20, max_ratio=2.0)
    assert found.refused == {"zeros.jpg": "not-media"} and found.files == {"a.jpg": A} and found.error is None


def test_members_that_share_their_bytes_are_a_bomb_if_they_unpack_beyond_the_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = look(overlapping_zip(50, A), tmp_path)
    assert found.error is not None and found.error.code == "broken" and found.files == {"0.jpg": A}
    (tmp_path / "more").mkdir()
    monkeypatch.setattr("forensics.containers.budget.RATIO_FLOOR_BYTES", 1 << 20)
    found = look(overlapping_zip(500, bmp_header(100, 100) + b"\xff" * 30_000), tmp_path / "more")
    assert found.error is not None and found.error.code == "bomb" and list(found.files) == ["0.jpg"]


def test_too_many_members_end_it_and_those_before_are_found(tmp_path: Path) -> None:
    nested = zipped({f"{i}.txt": b"x" for i in range(5)})
    found = look(zipped({"a.jpg": A, "n.zip": nested, "z.jpg": B}), tmp_path, max_members=4)
    assert found.files == {"a.jpg": A}
    assert found.error is not None and found.error.code == "too-many-members"
    assert [m.code for m in found.members if m.name == "n.zip"] == ["too-many-members"]


def test_scratch_space_is_bounded(tmp_path: Path) -> None:
    found = look(tarred({"a.jpg": A, "b.jpg": B, "c.jpg": C}), tmp_path, max_bytes=len(A) + len(B))
    assert found.files == {"a.jpg": A, "b.jpg": B}
    assert found.error is not None and found.error.code == "too-many-bytes"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_ends_it_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path_open, scratch = Path.open, tmp_path / "scratch"

    def opened(self: Path, mode: str = "r", **how: Any) -> Any:
        is_full = self.parent == scratch and "x" in mode
        return path_open(Path("/dev/full"), "wb") if is_full else path_open(self, mode, **how)

    monkeypatch.setattr(Path, "open", opened)
    found = look(zipped({"in.zip": zipped(FILES), "b.jpg": B}, method=0), tmp_path)
    assert found.error is not None and found.error.code == "unreadable" and "no room" in str(found.error)
    assert not found.files


def test_one_file_over_the_limit_is_one_refusal(tmp_path: Path) -> None:
    large = jpeg(photo(6, width=600, height=600), 98)
    found = look(zipped({"large.jpg": large, "a.jpg": A}), tmp_path, max_file_bytes=len(large) - 1)
    assert found.files == {"a.jpg": A} and found.refused == {"large.jpg": "too-many-bytes"} and found.error is None


def test_containers_are_opened_to_the_limit_and_the_next_is_refused(tmp_path: Path) -> None:
    data, way = zipped({"a.jpg": A}), "a.jpg"
    for depth in (3, 2, 1):
        data, way = zipped({f"{depth}.zip": data}), f"{depth}.zip!/{way}"
    assert look(data, tmp_path, max_depth=4).files == {way: A}
    (tmp_path / "shallow").mkdir()
    found = look(data, tmp_path / "shallow", max_depth=3)
    assert found.refused == {"1.zip!/2.zip!/3.zip": "too-deep"} and not found.files


def test_an_archive_that_holds_itself_is_opened_once(tmp_path: Path) -> None:
    data = zipped({"a.jpg": A})
    path, found = tmp_path / "container", list[Member]()
    path.write_bytes(zipped({"again.zip": data}))
    own = hashlib.sha256(data).hexdigest()
    # A true quine takes a page of hand-made deflate: the hash of the inner one stands for it.
    unpacker = Unpacker(path, own, tmp_path / "s", limits=InsideLimits(), max_file_bytes=1 << 30, tell=found.append)
    account, error = unpacker.run("zip", "q")
    assert account.left_out == {"duplicate": 1} and error is None and not found


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = seven(FILES)
    monkeypatch.setitem(__import__("sys").modules, "py7zr", None)
    found = look(data, tmp_path)
    assert found.error is not None and "pip install 'unforged[archives]'" in str(found.error)


@pytest.mark.parametrize("name", InsideLimits.__dataclass_fields__)
def test_a_limit_of_nothing_is_the_callers_mistake(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be above 0"):
        InsideLimits(**{name: 0})  # type: ignore[arg-type]
