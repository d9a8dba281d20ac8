"""Pages of a TIFF come out as files of their own: same pixels, same bytes, same tags, and the rest is told."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from forensics.containers.kinds import container_kind_of
from forensics.errors import MediaError
from forensics.media import Media
from forensics.media.tiff_layout import Chain, Layout, Table
from tests.make_containers import mail, pdf, zipped
from tests.make_files import icc
from tests.make_media import photo
from tests.make_tiffs import ASCII, LONG, SHORT, UNDEFINED, Sheet, pages, sheet, tiff
from tests.unit.looking_inside import look

NAMES = ["page-1.tif", "page-2.tif", "page-3.tif"]


def grey(seed: int, width: int = 60, height: int = 40) -> NDArray[np.uint8]:
    return photo(seed, width=width, height=height)[..., 0].copy()


def coloured(n: int, mode: str = "RGB") -> list[Image.Image]:
    return [Image.fromarray(photo(seed, width=80 + 8 * seed, height=64)).convert(mode) for seed in range(n)]


def tables(data: bytes) -> list[Table]:
    return [*Chain(Layout(data))]


def strips(data: bytes, tag: int = 273) -> list[bytes]:
    """What lies at the offsets of the first page, as long as it says."""
    layout = Layout(data)
    told = {
        entry.tag: layout.numbers(entry).tolist() for entry in tables(data)[0].entries if entry.tag in (tag, tag + 6)
    }
    return [data[at : at + size] for at, size in zip(told[tag], told[tag + 6], strict=True)]


def values(data: bytes, tag: int, table: Table | None = None) -> bytes:
    (entry,) = [entry for entry in (table or tables(data)[0]).entries if entry.tag == tag]
    return entry.field[: entry.n_bytes] if entry.is_inline else data[entry.at : entry.at + entry.n_bytes]


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_pages_keep_their_bytes_whatever_the_byte_order_and_word(order: str, is_big: bool, tmp_path: Path) -> None:
    made = [sheet(grey(seed), rows=seed + 5, tags={305: (ASCII, b"a scanner of many words\0")}) for seed in range(3)]
    found = look(tiff(made, order=order, is_big=is_big), tmp_path)
    assert [*found.files] == NAMES and found.error is None and not found.account.left_out
    assert found.account.format == "tiff"
    for seed, data in enumerate(found.files.values()):
        assert strips(data) == [*made[seed].strips] and len(tables(data)) == 1
        assert values(data, 305) == b"a scanner of many words\0"
        if (order, is_big) != (">", True):  # which Pillow does not read
            assert (Media.open(data).pixels[..., 0] == grey(seed)).all()


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"])
def test_pages_have_the_pixels_and_tags_that_decoders_see(compression: str | None, tmp_path: Path) -> None:
    images = coloured(3, "1" if compression == "group4" else "RGB")
    data = pages(images, compression=compression, dpi=(300, 200), description="a file", icc_profile=icc(b"RGB ", {}))
    found = look(data, tmp_path)
    assert [*found.files] == NAMES
    with Image.open(io.BytesIO(data)) as whole:
        for number, page in enumerate(found.files.values()):
            whole.seek(number)
            with Image.open(io.BytesIO(page)) as alone:
                assert (np.asarray(alone) == np.asarray(whole)).all()
                wanted, got = (dict(one.tag_v2) for one in (whole, alone))  # type: ignore[attr-defined]
                assert wanted.pop(273) and got.pop(273) and wanted == got


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA", "I;16", "F"])
def test_pages_keep_their_mode_and_depth(mode: str, tmp_path: Path) -> None:
    if mode == "I;16":
        images = [
            Image.fromarray(np.arange(seed, 48 * 64 + seed, dtype=np.uint16).reshape(48, 64)) for seed in range(3)
        ]
    else:
        images = coloured(3, mode)
    for image, page in zip(images, look(pages(images), tmp_path).files.values(), strict=True):
        with Image.open(io.BytesIO(page)) as alone:
            assert alone.mode == mode and (np.asarray(alone) == np.asarray(image)).all()


def test_tiles_come_along(tmp_path: Path) -> None:
    tiles = [grey(seed, 16, 16).tobytes() for seed in range(6)]
    own = {256: (SHORT, [48]), 257: (SHORT, [32]), 258: (SHORT, [8]), 259: (SHORT, [1]), 262: (SHORT, [1])}
    own |= {277: (SHORT, [1]), 322: (SHORT, [16]), 323: (SHORT, [16]), 325: (SHORT, [256] * 6)}
    data = bytearray(tiff([Sheet(tiles, own), sheet(grey(9))]))
    at = tables(bytes(data))[0].at + 2
    # StripOffsets, the only ones that are written, become TileOffsets.
    entry = next(i for i in range(at, at + 120, 12) if data[i : i + 2] == struct.pack("<H", 273))
    data[entry : entry + 2] = struct.pack("<H", 324)
    first = look(bytes(data), tmp_path).files["page-1.tif"]
    layout = Layout(first)
    (offsets,) = [layout.numbers(one).tolist() for one in tables(first)[0].entries if one.tag == 324]
    assert [first[i : i + 256] for i in offsets] == tiles


def test_exif_and_directories_below_a_page_come_along(tmp_path: Path) -> None:
    interop = Sheet((), {1: (ASCII, b"R98\0")})
    exif = Sheet((), {36867: (ASCII, b"2024:01:01 10:00:00\0")}, {40965: [interop]})
    gps = Sheet((), {1: (ASCII, b"N\0")})
    small = [sheet(grey(seed, 16, 12), tags={254: (LONG, [1])}) for seed in (5, 6)]
    first = sheet(grey(1))
    made = [Sheet(first.strips, first.tags, {34665: [exif], 34853: [gps], 330: small}), sheet(grey(2))]
    page = look(tiff(made), tmp_path).files["page-1.tif"]
    with Image.open(io.BytesIO(page)) as image:
        exif_read = image.getexif()
        assert exif_read.get_ifd(34665)[36867] == "2024:01:01 10:00:00" and exif_read.get_ifd(34853)[1] == "N"
        assert exif_read.get_ifd(40965)[1] == "R98"
    layout = Layout(page)
    (below,) = [layout.numbers(entry).tolist() for entry in tables(page)[0].entries if entry.tag == 330]
    for seed, at in zip((5, 6), below, strict=True):
        table = layout.table(at)
        assert table is not None and table.following == 0
        assert page[layout.number(values(page, 273, table)) :][: 16 * 12] == grey(seed, 16, 12).tobytes()


def test_smaller_versions_masks_and_what_has_no_size_are_counted_and_no_pages(tmp_path: Path) -> None:
    small, mask = (sheet(grey(seed, 20, 16), tags={254: (LONG, [bit])}) for seed, bit in ((5, 1), (6, 4)))
    nothing, signature = Sheet((), {270: (ASCII, b"words\0")}), Sheet((), {52545: (UNDEFINED, b"x" * 80)})
    found = look(tiff([sheet(grey(1)), small, sheet(grey(2)), mask, nothing, signature]), tmp_path)
    assert [*found.files] == NAMES[:2] and found.account.left_out == {"no picture": 3, "signature": 1}
    assert found.account.names[0] == ("directory-2", "no picture")


def test_a_signature_of_the_whole_is_left_out_and_told_and_not_called_broken(tmp_path: Path) -> None:
    signed = sheet(grey(1), tags={52545: (UNDEFINED, b"x" * 80)})
    found = look(tiff([signed, sheet(grey(2))]), tmp_path)
    assert found.account.left_out == {"signature": 1} and [*found.files] == NAMES[:2]
    assert 52545 not in {entry.tag for entry in tables(found.files["page-1.tif"])[0].entries}


@pytest.mark.parametrize("behind", [[], [1], [4], [1, 4]])
def test_one_page_is_a_picture_as_ever(behind: list[int], tmp_path: Path) -> None:
    small = [sheet(grey(5, 20, 16), tags={254: (LONG, [bit])}) for bit in behind]
    path = tmp_path / "a.tif"
    path.write_bytes(tiff([sheet(grey(1)), *small]))
    assert container_kind_of(path) is None
    media = Media.open(path)
    assert media.image.n_frames == 1 and (media.pixels[..., 0] == grey(1)).all()


@pytest.mark.parametrize("raw", [{50706: (1, b"\1\4\0\0")}, {}])
def test_camera_raw_stays_what_it_was(raw: dict[int, tuple[int, bytes]], tmp_path: Path) -> None:
    data = bytearray(tiff([sheet(grey(1), tags=raw), sheet(grey(2))]))
    if not raw:
        data[8:10] = b"CR"
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    assert container_kind_of(path) is None
    with pytest.raises(MediaError, match="camera raw"):
        Media.open(path)


@pytest.mark.parametrize("is_file", [False, True])
def test_several_pages_are_no_picture(is_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tiff([sheet(grey(1)), sheet(grey(2))])
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    # It will be read to be unpacked, and not twice.
    monkeypatch.setattr("hashlib.sha256", lambda *_: pytest.fail("it was read as a whole"))
    with pytest.raises(MediaError, match="a TIFF of several pages") as caught:
        Media.open(path if is_file else data)
    assert caught.value.code == "not-media"


def test_pages_are_found_in_an_archive_a_mail_and_a_document(tmp_path: Path) -> None:
    data = tiff([sheet(grey(seed), tags={305: (ASCII, b"x" * 5000)}) for seed in range(3)])
    attached = ("/Type /EmbeddedFile", data)
    for outer, way in ((zipped({"in/a.tif": data}), "in/a.tif"), (mail({"a.tif": data}), "a.tif")):
        assert [*look(outer, tmp_path).files] == [f"{way}!/{name}" for name in NAMES]
        for path in (tmp_path / "scratch").iterdir():
            path.unlink()
    pytest.importorskip("pypdf")
    assert [*look(pdf([attached]), tmp_path).files] == [f"object-3!/{name}" for name in NAMES]


def test_pages_lie_one_container_deeper(tmp_path: Path) -> None:
    data = zipped({"a.tif": tiff([sheet(grey(1)), sheet(grey(2))]), "b.tif": tiff([sheet(grey(3))])})
    found = look(data, tmp_path, max_depth=1)
    assert found.refused == {"a.tif": "too-deep"} and [*found.files] == ["b.tif"]


def test_equal_pages_are_duplicates(tmp_path: Path) -> None:
    found = look(tiff([sheet(grey(1)), sheet(grey(2)), sheet(grey(1))]), tmp_path)
    assert [*found.files] == NAMES[:2] and found.account.left_out == {"duplicate": 1}


def test_old_style_jpeg_comes_along(tmp_path: Path) -> None:
    """A stream and a table that further tags lead to (TIFF 6.0, section 22)."""
    table, stream = bytes(range(64)), b"\xff\xd8" + bytes(500) + b"\xff\xd9"
    # Where they lie is filled in afterwards.
    tags = {**sheet(grey(1)).tags, 279: (LONG, [504]), 513: (LONG, [8]), 514: (LONG, [504]), 519: (LONG, [8])}
    data = bytearray(tiff([Sheet([stream], tags), sheet(grey(2))]) + table)
    for tag, offset in ((513, Layout(bytes(data)).number(values(bytes(data), 273))), (519, len(data) - 64)):
        at = data.index(struct.pack("<HHII", tag, LONG, 1, 8))
        data[at + 8 : at + 12] = struct.pack("<I", offset)
    page = look(bytes(data), tmp_path).files["page-1.tif"]
    read = {tag: Layout(page).number(values(page, tag)) for tag in (273, 513, 519)}
    assert page[read[513] : read[513] + 504] == stream and read[273] == read[513]
    assert page[read[519] : read[519] + 64] == table


@pytest.mark.parametrize("missing", [True, False])
def test_a_strip_without_a_length_reaches_as_far_as_decoders_look(missing: bool, tmp_path: Path) -> None:
    whole = [sheet(grey(seed), rows=40, tags={279: (LONG, [7])}) for seed in range(3)]
    kept = [{tag: value for tag, value in one.tags.items() if not missing or tag != 279} for one in whole]
    found = look(tiff([Sheet(one.strips, tags) for one, tags in zip(whole, kept, strict=True)]), tmp_path)
    assert [*found.files] == NAMES
    for seed, page in enumerate(found.files.values()):
        with Image.open(io.BytesIO(page)) as image:
            assert (np.asarray(image) == grey(seed)).all()
