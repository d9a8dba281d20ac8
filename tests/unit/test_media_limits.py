"""What a header claims is checked before anything allocates: lies cost nothing and are said in one line."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from PIL import Image

from forensics.errors import MediaError
from forensics.media import Media, images
from forensics.settings import Limits
from tests.make_files import (
    STILL_FORMATS,
    bmp_header,
    box,
    gif,
    numbered,
    png_chunk,
    png_header,
    quadrants,
    still,
    tiff_header,
    video,
)

SHORT, LONG = 3, 4
JPEG = still(quadrants(), "jpeg")
PNG = still(quadrants(), "png")


def lying_jpeg(width: int, height: int) -> bytes:
    at = JPEG.index(b"\xff\xc0")
    return JPEG[: at + 5] + struct.pack(">HH", height, width) + JPEG[at + 9 :]


def second_frame_header(width: int, height: int) -> bytes:
    """An honest frame header first, a lying one behind it."""
    at = JPEG.index(b"\xff\xc0")
    segment = JPEG[at : at + 2 + int.from_bytes(JPEG[at + 2 : at + 4], "big")]
    lying = segment[:5] + struct.pack(">HH", height, width) + segment[9:]
    return JPEG[: at + len(segment)] + lying + JPEG[at + len(segment) :]


def lying_webp(kind: bytes) -> bytes:
    bits = (16383) | (16383 << 14)
    content = {
        b"VP8X": bytes(4) + (65535).to_bytes(3, "little") + (65535).to_bytes(3, "little"),
        b"VP8L": b"\x2f" + struct.pack("<I", bits) + bytes(16),
        b"VP8 ": b"\x30\x01\0\x9d\x01\x2a" + struct.pack("<HH", 16383, 16383) + bytes(16),
    }[kind]
    chunk = kind + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def lying_heif(brand: bytes, width: int, height: int, *, pixels_first: bool = False) -> bytes:
    extent = box(b"ispe", struct.pack(">III", 0, width, height))
    meta = box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", extent)))
    pixels = box(b"mdat", bytes(2 << 20))
    return box(b"ftyp", brand + bytes(4) + brand + b"mif1") + (pixels + meta if pixels_first else meta + pixels)


def lying_tiff(width: int, height: int, tile: int = 0) -> bytes:
    entries = [(256, LONG, 1, width), (257, LONG, 1, height), (258, SHORT, 1, 8), (259, SHORT, 1, 1)]
    entries += [(262, SHORT, 1, 1), (273, LONG, 1, 200), (277, SHORT, 1, 1), (278, LONG, 1, height), (279, LONG, 1, 16)]
    entries += [(322, LONG, 1, tile), (323, LONG, 1, tile), (324, LONG, 1, 200), (325, LONG, 1, 16)] if tile else []
    return tiff_header(entries)


LIES = {
    "jpeg 65500": lying_jpeg(65500, 65500),
    "jpeg second header": second_frame_header(65500, 65500),
    "png 2^31": png_header(2**31 - 1, 2**31 - 1) + png_chunk(b"IDAT", zlib.compress(bytes(100))),
    "png gray bomb": png_header(30000, 30000, 1, 0) + png_chunk(b"IDAT", zlib.compress(bytes(30000 * 3751), 9)),
    "gif canvas": gif(65535, 65535, [(1, 1)]),
    "gif picture beyond its canvas": gif(4, 4, [(4, 4), (60000, 60000)]),
    "bmp": bmp_header(2_000_000_000, 2_000_000_000),
    "bmp top down": bmp_header(4, -(2**31)),
    "tiff": lying_tiff(4_000_000_000, 4_000_000_000),
    "tiff tile": lying_tiff(16, 16, tile=1 << 20),
    "webp canvas": lying_webp(b"VP8X"),
    "webp lossless": lying_webp(b"VP8L"),
    "webp lossy": lying_webp(b"VP8 "),
    "heic": lying_heif(b"heic", 100_000, 100_000),
    "heic with its boxes at the end": lying_heif(b"heic", 100_000, 100_000, pixels_first=True),
    "avif": lying_heif(b"avif", 100_000, 100_000),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_claims_too_much_is_refused_before_anything_allocates(lie: str) -> None:
    data = LIES[lie]
    tracemalloc.start()
    try:
        with pytest.raises(MediaError, match="the limit is 50 million") as caught:
            Media.open(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.code == "too-many-pixels"
    assert peak < 1 << 20


@pytest.mark.parametrize("fmt", STILL_FORMATS)
def test_one_pixel_over_the_limit_is_refused_and_the_limit_itself_is_not(
    fmt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = still(quadrants(64, 64), fmt)  # HEVC codes in blocks of 64
    assert Media.open(data, limits=Limits(max_pixels=64 * 64)).pixels.shape == (64, 64, 3)
    # Nothing but the header is looked at: no decoder is even opened.
    monkeypatch.setattr(images, "_open", lambda *_: pytest.fail("a decoder was opened"))
    with pytest.raises(MediaError) as caught:
        Media.open(data, limits=Limits(max_pixels=64 * 64 - 1))
    assert caught.value.code == "too-many-pixels"
    assert str(caught.value) == "the header claims 64 x 64 pixels; the limit is 4,095"


@pytest.mark.parametrize("fmt", ["gif", "png", "webp"])
def test_one_frame_over_the_limit_is_refused(fmt: str) -> None:
    pictures = [Image.new("RGB", (16, 16), (40 * i, 0, 0)) for i in range(5)]
    data = still(pictures[0], fmt, save_all=True, append_images=pictures[1:], duration=50)
    assert Media.open(data, limits=Limits(max_frames=5)).image.n_frames == 5
    with pytest.raises(MediaError) as caught:
        Media.open(data, limits=Limits(max_frames=4))
    assert caught.value.code == "too-many-frames"


def test_a_hundred_thousand_frames_are_counted_without_decoding() -> None:
    with pytest.raises(MediaError, match="more than 10,000 frames"):
        Media.open(gif(16, 16, [(1, 1)] * 100_000))


def test_frames_that_are_only_claimed_do_not_count() -> None:
    """An animation header that claims a million pictures over a file that holds one."""
    at = PNG.index(b"IDAT") - 4
    control = png_chunk(b"acTL", struct.pack(">II", 1_000_000, 0))
    control += png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 48, 32, 0, 0, 1, 100, 0, 0))
    media = Media.open(PNG[:at] + control + PNG[at:])
    assert media.image.n_frames == 1 and len(media.frames) == 1


@pytest.mark.parametrize("data", [lying_jpeg(0, 0), png_header(0, 0), bmp_header(0, 5), gif(10799, 0, [])])
def test_a_picture_without_a_side_is_broken(data: bytes) -> None:
    with pytest.raises(MediaError, match="header claims") as caught:
        Media.open(data)
    assert caught.value.code == "broken"


def test_the_size_of_the_file_is_checked_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sparse.png"
    with path.open("wb") as file:
        file.write(PNG)
        file.truncate(3 << 30)  # no room on disc is taken
    with pytest.raises(MediaError) as caught:
        Media.open(path)
    assert caught.value.code == "too-many-bytes"
    with pytest.raises(MediaError) as caught:
        Media.open(path, limits=Limits(max_bytes=4 << 30))
    assert caught.value.code == "too-many-bytes", "an image is read whole and has a limit of its own"


def test_bytes_and_streams_have_the_same_limits() -> None:
    tight = Limits(max_bytes=len(PNG) - 1)
    for source in (PNG, io.BytesIO(PNG)):
        with pytest.raises(MediaError) as caught:
            Media.open(source, limits=tight)
        assert caught.value.code == "too-many-bytes"
    assert Media.open(io.BytesIO(PNG), limits=Limits(max_bytes=len(PNG))).format == "png"


def test_a_video_may_be_larger_than_an_image() -> None:
    data = video(numbered(5))
    assert Media.open(data, limits=Limits(max_image_bytes=100)).format == "mp4"


def test_more_scans_than_any_encoder_writes_are_refused() -> None:
    data = still(quadrants(), "jpeg", progressive=True)
    at = data.rindex(b"\xff\xda")
    with pytest.raises(MediaError, match="scans"):
        Media.open(data[:-2] + data[at:-2] * 5000 + data[-2:])


def test_more_segments_or_chunks_than_any_encoder_writes_are_refused() -> None:
    with pytest.raises(MediaError, match="segments"):
        Media.open(JPEG[:2] + b"\xff\xfe\0\2" * 100_001 + JPEG[2:])
    at = PNG.index(b"IDAT") - 4
    with pytest.raises(MediaError, match="chunks"):
        Media.open(PNG[:at] + png_chunk(b"tEXt", b"") * 200_001 + PNG[at:])


def test_fewer_segments_are_read_through() -> None:
    assert Media.open(JPEG[:2] + b"\xff\xfe\0\4ab" * 60_000 + JPEG[2:]).pixels.shape == (32, 48, 3)
    assert Media.open(JPEG[:2] + b"\xff" * (1 << 20) + JPEG[3:]).pixels.shape == (32, 48, 3)


def test_a_profile_that_unpacks_to_megabytes_is_left_out() -> None:
    at = PNG.index(b"IDAT") - 4
    bomb = png_chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(64 << 20), 9))
    media = Media.open(PNG[:at] + bomb + PNG[at:])
    assert media.image.icc_name == "" and media.pixels.shape == (32, 48, 3)


def test_a_chain_of_directories_that_loops_ends() -> None:
    entries = [(256, LONG, 1, 4), (257, LONG, 1, 4), (258, SHORT, 1, 8), (259, SHORT, 1, 1), (262, SHORT, 1, 1)]
    entries += [(273, LONG, 1, 200), (277, SHORT, 1, 1), (278, LONG, 1, 4), (279, LONG, 1, 16)]
    media = Media.open(tiff_header(entries, following=8))
    assert media.image.n_frames == 1 and media.pixels.shape == (4, 4, 3)


def test_of_a_tag_that_occurs_twice_the_first_counts_as_in_decoders() -> None:
    entries = [(256, LONG, 1, 4), (257, LONG, 1, 4), (256, LONG, 1, 1), (258, SHORT, 1, 8), (259, SHORT, 1, 1)]
    entries += [(262, SHORT, 1, 1), (273, LONG, 1, 200), (277, SHORT, 1, 1), (278, LONG, 1, 4), (279, LONG, 1, 16)]
    media = Media.open(tiff_header(entries))
    assert media.pixels.shape == (media.image.height, media.image.width, 3) == (4, 4, 3)
    with pytest.raises(MediaError) as caught:
        Media.open(tiff_header(entries), limits=Limits(max_pixels=15))
    assert caught.value.code == "too-many-pixels"


def test_a_tag_that_claims_billions_of_values_is_refused() -> None:
    with pytest.raises(MediaError, match="4,294,967,295 values"):
        Media.open(tiff_header([(270, 2, 0xFFFFFFFF, 8)]))


def test_a_camera_raw_file_is_refused_with_advice() -> None:
    with pytest.raises(MediaError, match="camera raw") as caught:
        Media.open(tiff_header([(256, LONG, 1, 4), (257, LONG, 1, 4), (50706, 1, 4, 0x00000401)]))
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize("fmt", ["jpeg", "png", "gif", "tiff", "bmp", "webp", "avif", "heic"])
def test_a_cut_off_picture_says_so_in_plain_words(fmt: str) -> None:
    noise = Image.effect_noise((96, 64), 90).convert("RGB")
    data = still(noise, fmt)
    for share in (0.02, 0.3, 0.9):
        with pytest.raises(MediaError) as caught:
            _ = Media.open(data[: int(len(data) * share)]).pixels
        assert caught.value.code in ("truncated", "broken")
        assert len(str(caught.value)) < 200 and "\n" not in str(caught.value) and "0x" not in str(caught.value)
    assert caught.value.code == "truncated", "most of the picture is there: the file is cut off"


@pytest.mark.parametrize("source", ["folder", "missing"])
def test_what_is_no_file_is_unreadable(tmp_path: Path, source: str) -> None:
    with pytest.raises(MediaError) as caught:
        Media.open(tmp_path if source == "folder" else tmp_path / "gone.jpg")
    assert caught.value.code == "unreadable"


def test_an_error_is_one_line_whatever_the_decoder_said() -> None:
    error = MediaError("broken", "first\nsecond\r\n\tthird")
    assert str(error) == "first second third"
    with pytest.raises(ValueError, match="unknown error code"):
        MediaError("no-such-code", "x")
