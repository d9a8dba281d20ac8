"""What a file is, its content says: names and endings are the sender's choice."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.errors import MediaError
from forensics.media import Media
from forensics.media.sniff import HEAD_BYTES, IMAGE_FORMATS, VIDEO_FORMATS, sniff
from tests.make_files import STILL_FORMATS, VIDEO_CODECS, box, numbered, quadrants, still, video


@pytest.mark.parametrize("fmt", STILL_FORMATS)
def test_pictures_are_told_from_each_other(fmt: str) -> None:
    assert sniff(still(quadrants(), fmt)[:HEAD_BYTES]) == fmt
    assert fmt in IMAGE_FORMATS


@pytest.mark.parametrize("fmt", list(VIDEO_CODECS))
def test_clips_are_told_from_each_other(fmt: str) -> None:
    assert sniff(video(numbered(3), fmt)[:HEAD_BYTES]) == fmt
    assert fmt in VIDEO_FORMATS


@pytest.mark.parametrize("ending", ["jpg", "mp4", "txt", "zip", ""])
def test_the_name_decides_nothing(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(still(quadrants(), "png"))
    assert Media.open(path).format == "png"


@pytest.mark.parametrize(
    ("major", "compatible", "fmt"),
    [
        (b"heic", b"mif1heic", "heic"),
        (b"mif1", b"mif1heic", "heic"),
        (b"mif1", b"mif1avifmiaf", "avif"),
        (b"avif", b"avifmif1", "avif"),
        (b"avis", b"avismsf1", "avif"),
        (b"isom", b"isomiso2avc1mp41", "mp4"),
        (b"qt  ", b"qt  ", "mov"),
        (b"3gp5", b"3gp5isom", "mp4"),
        (b"M4V ", b"M4V isom", "mp4"),
    ],
)
def test_the_brands_tell_pictures_from_clips(major: bytes, compatible: bytes, fmt: str) -> None:
    assert sniff(box(b"ftyp", major + bytes(4) + compatible) + bytes(64)) == fmt


@pytest.mark.parametrize("atom", [b"moov", b"mdat", b"wide", b"free", b"skip"])
def test_quicktime_without_a_brand_is_a_clip(atom: bytes) -> None:
    assert sniff(box(atom, bytes(64))) == "mov"


@pytest.mark.parametrize("head", [(b"G" + bytes(187)) * 4, (bytes(4) + b"G" + bytes(187)) * 22])
def test_transport_streams_show_in_every_packet(head: bytes) -> None:
    assert sniff(head[:HEAD_BYTES]) == "ts"
    with pytest.raises(MediaError, match="content"):
        sniff(head[: 2 * 192] + bytes(192) + head[3 * 192 : HEAD_BYTES])


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"PK\x03\x04" + bytes(30), "ZIP"),
        (b"\x1f\x8b\x08" + bytes(30), "gzip"),
        (bytes(257) + b"ustar" + bytes(100), "tar"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<html><script>1</script></html>", "web page"),
        (b"\n <!DOCTYPE html>", "web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "XML"),
        (b"hello, world\n", "text"),
        (b"BM stands for bitmap in some files, but this is a note.", "text"),
        (b"GIF is how this note begins", "text"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "WAV"),
        (b"ID3\x04\0", "MP3"),
        (b"\x7fELF\x02", "program"),
        (bytes(4096), "content"),
        (b"\x89", "content"),
    ],
)
def test_what_is_no_media_is_called_by_its_name(head: bytes, word: str) -> None:
    with pytest.raises(MediaError, match=word) as caught:
        sniff(head)
    assert caught.value.code == "not-media"


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"8BPS\0\x01", "Photoshop"),
        (b"P6\n128 128\n255\n", "Netpbm"),
        (b"qoif" + bytes(10), "QOI"),
        (b"\xff\x0a" + bytes(10), "JPEG XL"),
        (b"\x00\x00\x01\xb3" + bytes(20), "MPEG"),
    ],
)
def test_media_that_is_not_examined_is_called_by_its_name(head: bytes, word: str) -> None:
    with pytest.raises(MediaError, match=word) as caught:
        sniff(head)
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"Rar!\x1a\x07\x00" + bytes(20), "RAR archive, which is not opened: unpack it first"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(20), "RAR archive"),
        (b"MSCF" + bytes(60), "CAB archive"),
        (b"PK\x07\x08PK\x03\x04" + bytes(40), "split"),
        (b"\x1d\x00-lh5-" + bytes(40), "LHA"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40), "before 2007"),
        (b"EVF\x09\x0d\x0a\xff\x00" + bytes(40), "EnCase image, which is not opened: mount it"),
        (bytes(510) + b"\x55\xaa", "disk image"),
    ],
)
def test_an_archive_that_is_not_opened_says_so_and_is_not_taken_for_no_media(head: bytes, word: str) -> None:
    with pytest.raises(MediaError, match=word) as caught:
        sniff(head)
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize(
    "head", [b"-----BEGIN PGP MESSAGE-----\n", b"age-encryption.org/v1\n", b"LUKS\xba\xbe\x00\x02"]
)
def test_what_is_locked_is_said_to_be_encrypted(head: bytes) -> None:
    with pytest.raises(MediaError) as caught:
        sniff(head)
    assert caught.value.code == "encrypted"


@pytest.mark.parametrize("data", [bytes(32769) + b"CD001\x01" + bytes(2000), bytes(70_000) + b"koly" + bytes(508)])
def test_a_disk_image_is_told_behind_its_first_bytes(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    with pytest.raises(MediaError, match="mount it and scan the folder") as caught:
        Media.open(path)
    assert caught.value.code == "unsupported"


def test_an_empty_file_is_said_to_be_empty() -> None:
    with pytest.raises(MediaError, match="empty") as caught:
        Media.open(b"")
    assert caught.value.code == "empty"


@pytest.mark.parametrize("magic", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"RIFF\0\0\0\0WEBPVP8 "])
def test_a_bare_signature_is_not_enough(magic: bytes) -> None:
    with pytest.raises(MediaError) as caught:
        Media.open(magic)
    assert caught.value.code in ("truncated", "broken")
