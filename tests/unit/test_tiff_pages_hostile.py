"""A TIFF of pages that loops, lies, is cut off or packed to do harm costs no more than limits allow, and says so."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest

from forensics.containers import InsideLimits
from forensics.containers.kinds import container_kind_of
from forensics.containers.member import Member
from forensics.containers.unpacking import Unpacker
from forensics.errors import MediaError
from forensics.finding import Finding, Trace
from forensics.languages import language
from forensics.media import Media
from forensics.report import PAGES, missing
from forensics.scanner import Scanner
from forensics.settings import ScanSettings
from forensics.verdict import weigh
from tests.make_containers import zipped
from tests.make_tiffs import ASCII, LONG, SHORT, Sheet, sheet, tiff
from tests.unit.looking_inside import Looked, look
from tests.unit.test_tiff_pages import NAMES, grey, tables, values


def made(n: int = 3, **options: int) -> bytes:
    return tiff([sheet(grey(seed)) for seed in range(n)], **options)  # type: ignore[arg-type]


def code(found: Looked) -> str:
    return "" if found.error is None else found.error.code


def test_directories_that_loop_end_and_each_page_is_found_once(tmp_path: Path) -> None:
    found = look(made(end=-1), tmp_path)
    assert [*found.files] == NAMES and code(found) == "broken" and "lead back" in str(found.error)


@pytest.mark.parametrize("share", [0.45, 0.6, 0.7, 0.9, 0.999])
def test_of_a_file_that_is_cut_off_the_pages_before_the_cut_are_found(share: float, tmp_path: Path) -> None:
    data = made(5)
    cut = data[: round(len(data) * share)]
    n_whole = sum(table.at + table.n_bytes - 4 < len(cut) for table in tables(data))
    found = look(cut, tmp_path)
    assert len(found.files) == n_whole >= 2 and code(found) == "truncated"


def test_a_page_whose_strips_are_cut_off_is_handed_over_and_its_decoder_says_so(tmp_path: Path) -> None:
    data = bytearray(made(2))
    (offsets,) = [entry for entry in tables(bytes(data))[0].entries if entry.tag == 273]
    # The last strip begins where a hundred bytes are left.
    struct.pack_into("<I", data, offsets.at + offsets.n_bytes - 4, len(data) - 100)
    found = look(bytes(data), tmp_path)
    assert [*found.files] == NAMES[:2] and found.error is None
    with pytest.raises(MediaError) as caught:
        _ = Media.open(found.files["page-1.tif"]).pixels
    assert caught.value.code == "truncated"
    assert (Media.open(found.files["page-2.tif"]).pixels[..., 0] == grey(1)).all()


def test_a_directory_beyond_all_files_is_a_cut_and_no_fault(tmp_path: Path) -> None:
    one = sheet(grey(1))
    lone = Sheet(one.strips, {tag: value for tag, value in one.tags.items() if tag != 279})
    found = look(tiff([sheet(grey(0)), lone], is_big=True, end=(1 << 64) - 1), tmp_path)
    assert [*found.files] == NAMES[:2] and code(found) == "truncated"


def test_a_page_that_claims_more_than_the_file_holds_is_one_refusal(tmp_path: Path) -> None:
    lying = sheet(grey(1))
    one = Sheet(lying.strips, {**lying.tags, 270: (ASCII, b"12345678")})
    data = bytearray(tiff([sheet(grey(0)), one, sheet(grey(2))]))
    at = data.index(struct.pack("<HHI", 270, ASCII, 8))
    data[at + 4 : at + 8] = struct.pack("<I", 0xFFFFFF00)
    found = look(bytes(data), tmp_path)
    assert [*found.files] == [NAMES[0], NAMES[2]] and found.refused == {NAMES[1]: "broken"} and found.error is None
    (refused,) = [member for member in found.members if member.code]
    assert "its tag 270 claims 4,294,967,040 values" in refused.message


def test_a_page_that_is_too_large_is_refused_by_its_size_and_others_go_on(tmp_path: Path) -> None:
    bomb = sheet(grey(1), tags={256: (LONG, [60_000]), 257: (LONG, [60_000]), 259: (SHORT, [8])})
    found = look(tiff([bomb, sheet(grey(2))]), tmp_path)
    assert [*found.files] == NAMES[:2]
    with pytest.raises(MediaError) as caught:
        Media.open(found.files["page-1.tif"])
    assert caught.value.code == "too-many-pixels"


def test_pages_that_share_their_strips_are_a_bomb_if_they_unpack_beyond_the_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = bytes(200_000)
    one = Sheet((), {256: (SHORT, [400]), 257: (SHORT, [500]), 258: (SHORT, [8]), 259: (SHORT, [1]), 262: (SHORT, [1])})
    sheets = [
        Sheet((), {**one.tags, 273: (LONG, [8]), 279: (LONG, [len(body)]), 270: (ASCII, b"%08d\0" % number)})
        for number in range(50)
    ]
    data = tiff(sheets) + body
    found = look(data, tmp_path)
    assert not code(found) and len(found.files) == 50
    monkeypatch.setattr("forensics.containers.budget.RATIO_FLOOR_BYTES", 1 << 20)
    (tmp_path / "more").mkdir()
    found = look(data, tmp_path / "more", max_ratio=3.0)
    assert code(found) == "bomb" and len(found.files) == 5


def test_a_profile_that_all_pages_share_is_no_bomb(tmp_path: Path) -> None:
    profile = bytes(range(256)) * 400
    sheets = [sheet(grey(number), tags={34675: (7, bytes(9))}) for number in range(9)]
    data = bytearray(tiff(sheets))
    at = -1
    while (at := data.find(struct.pack("<HHI", 34675, 7, 9), at + 1)) >= 0:
        data[at + 4 : at + 12] = struct.pack("<II", len(profile), len(data))
    found = look(bytes(data) + profile, tmp_path)
    assert len(found.files) == 9 and found.error is None
    assert {values(page, 34675) for page in found.files.values()} == {profile}


def test_strips_that_overlap_within_a_page_are_copied_once(tmp_path: Path) -> None:
    one = sheet(grey(1), rows=40)
    many = Sheet((), {**one.tags, 273: (LONG, [8] * 5000), 279: (LONG, [2400] * 5000)})
    found = look(tiff([many, sheet(grey(2))]), tmp_path)
    assert len(found.files["page-1.tif"]) < 5000 * 8 + 4000


def test_too_many_pages_end_it_and_those_before_are_found(tmp_path: Path) -> None:
    found = look(made(5), tmp_path, max_members=3)
    assert [*found.files] == NAMES and code(found) == "too-many-members"


def test_directories_that_lie_in_each_other_end_it_soon(tmp_path: Path) -> None:
    """Each begins four bytes behind the last one, and most of its entries are those of that."""
    n = 20_000
    data = bytearray(made(2))
    data += bytes(len(data) & 1)
    start = len(data)
    data += bytes(12 * n + 6 * n)
    for at in range(start, start + 4 * n, 4):
        struct.pack_into("<H", data, at, n)
        struct.pack_into("<I", data, at + 2 + 12 * n, at + 4)
    second = tables(made(2))[1]
    struct.pack_into("<I", data, second.at + second.n_bytes - 4, start)
    found = look(bytes(data), tmp_path)
    assert code(found) == "broken" and "overlap" in str(found.error) and [*found.files] == NAMES[:2]


@pytest.mark.parametrize("tag", [330, 34665])
def test_directories_below_a_page_that_loop_end(tag: int, tmp_path: Path) -> None:
    one = sheet(grey(1))
    data = bytearray(tiff([Sheet(one.strips, {**one.tags, tag: (LONG, [0x01020304])}), sheet(grey(2))]))
    at = data.index(struct.pack("<HHII", tag, LONG, 1, 0x01020304))
    struct.pack_into("<I", data, at + 8, tables(bytes(data))[0].at)
    found = look(bytes(data), tmp_path)
    assert [*found.files] == NAMES[:2] and found.error is None
    assert (Media.open(found.files["page-1.tif"]).pixels[..., 0] == grey(1)).all()


def test_a_page_with_very_many_directories_below_is_one_refusal(tmp_path: Path) -> None:
    below, one = [Sheet((), {270: (ASCII, b"x\0")})] * 1500, sheet(grey(1))
    found = look(tiff([Sheet(one.strips, one.tags, {330: below}), sheet(grey(2))]), tmp_path)
    assert found.refused == {NAMES[0]: "broken"} and [*found.files] == [NAMES[1]]


def test_a_large_file_does_not_lie_in_memory(tmp_path: Path) -> None:
    """Two pages of 150 MB each, which take no room on disk."""
    tags = sheet(grey(1)).tags
    size = 150 << 20
    sheets = [Sheet((), {**tags, 273: (LONG, [4096 + i * size]), 279: (LONG, [size])}) for i in range(2)]
    path, found = tmp_path / "a.tif", list[Member]()
    with path.open("wb") as file:
        file.write(tiff(sheets))
        file.truncate(4096 + 2 * size)
    tracemalloc.start()
    try:
        assert container_kind_of(path) == "tiff"
        unpacker = Unpacker(path, "", tmp_path / "s", limits=InsideLimits(), max_file_bytes=1 << 20, tell=found.append)
        unpacker.run("tiff", "a.tif")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {member.code for member in found} == {"too-many-bytes"} and peak < 4 << 20


def test_what_is_no_tiff_is_none(tmp_path: Path) -> None:
    for number, data in enumerate((b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0+" + bytes(12), bytes(100))):
        path = tmp_path / f"{number}"
        path.write_bytes(data)
        assert container_kind_of(path) is None
    # As a reader that others believe: an archive whose first bytes changed while it was read.
    path, found = tmp_path / "x", list[Member]()
    path.write_bytes(zipped({"a.jpg": b"x"}))
    unpacker = Unpacker(path, "", tmp_path / "s", limits=InsideLimits(), max_file_bytes=1 << 20, tell=found.append)
    account, _ = unpacker.run("tiff", "x")
    assert not account.n_files and not found


def test_a_picture_whose_further_page_was_cut_off_says_so_and_is_not_called_traceless() -> None:
    data, german = made(3), language("de")
    cut = data[: tables(data)[1].at - 50]
    whole, lost = (Scanner(ScanSettings(analyzers=("metadata",))).scan(Media.open(one)) for one in (made(1), cut))
    assert not missing(whole.findings, {}) and not any(finding.analyzer == PAGES for finding in whole.findings)
    (said,) = [finding.summary for finding in lost.findings if finding.analyzer == PAGES]
    assert said.startswith("The file names a further page") and "nennt eine weitere Seite" in german.say(said)
    quiet = Finding("copy_move", Trace.GEOMETRY, "Nothing was copied.", llr=-0.5)
    verdict = weigh([quiet], missing=missing(lost.findings, {}))
    assert verdict.opinion == "inconclusive" and verdict.note.endswith("but a further page that it names is lost.")
    assert "eine weitere Seite" in german.say(verdict.note)
