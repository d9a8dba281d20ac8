"""Pictures come out upright, in sRGB and 8 bits, whatever their file does to them."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from forensics.errors import MediaError
from forensics.media import Kind, Media
from forensics.settings import Limits
from tests.make_files import STILL_FORMATS, gamma_tag, icc, png_chunk, png_header, quadrants, still, xyz_tag
from tests.make_media import decode, photo, png

INVERSE = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a picture lies in a file of each EXIF orientation (Exif 2.32, tag 0x0112)."""

# Primaries of Adobe RGB (1998) and sRGB, adapted to D50, as their profiles carry them; rows X, Y, Z.
ADOBE_XYZ = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
SRGB_XYZ = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])


def mean_error(pixels: Any, truth: Any) -> float:
    return float(np.abs(np.asarray(pixels, float) - np.asarray(truth, float)).mean())


def adobe_profile() -> bytes:
    tags = {b"%cXYZ" % c: xyz_tag(ADOBE_XYZ[:, i]) for i, c in enumerate(b"rgb")}
    return icc(b"RGB ", tags | {b"%cTRC" % c: gamma_tag(563 / 256) for c in b"rgb"})


def srgb_of(linear: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """IEC 61966-2-1 curve, 0..255."""
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("fmt", STILL_FORMATS)
def test_every_format_is_told_by_its_content_and_decoded(fmt: str) -> None:
    image = quadrants()
    media = Media.open(still(image, fmt), name="wrong.txt")
    assert (media.kind, media.format) == (Kind.IMAGE, fmt)
    assert (media.image.width, media.image.height, media.image.n_frames, media.image.bits) == (48, 32, 1, 8)
    assert media.pixels.dtype == np.uint8 and not media.pixels.flags.writeable
    assert mean_error(media.pixels, image) < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("fmt", ["jpeg", "png", "webp", "tiff", "avif"])
def test_every_orientation_is_undone(fmt: str, orientation: int) -> None:
    upright = quadrants()
    turn = INVERSE[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    media = Media.open(still(upright if turn is None else upright.transpose(turn), fmt, exif=exif))
    assert media.image.orientation == orientation
    assert media.pixels.shape == (media.image.height, media.image.width, 3) == (32, 48, 3)
    assert mean_error(media.pixels, upright) < 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_turned_by_its_own_boxes(orientation: int) -> None:
    upright = quadrants()
    turn = INVERSE[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright if turn is None else upright.transpose(turn)
    media = Media.open(still(stored, "heic", exif=exif.tobytes()))
    assert media.pixels.shape == (32, 48, 3)
    assert mean_error(media.pixels, upright) < 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_stored_luma_lies_as_the_file_does(orientation: int) -> None:
    turn = INVERSE[orientation]
    stored = quadrants() if turn is None else quadrants().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    media = Media.open(still(stored, "png", exif=exif))
    assert mean_error(media.stored_luma, stored.convert("L")) < 1
    assert np.array_equal(media.upright(media.stored_luma), media.luma)


def test_an_orientation_out_of_range_changes_nothing() -> None:
    exif = Image.Exif()
    exif[0x0112] = 9999
    media = Media.open(still(quadrants(), "jpeg", exif=exif))
    assert media.image.orientation == 1 and media.pixels.shape == (32, 48, 3)


@pytest.mark.parametrize("fmt", ["png", "jpeg", "webp", "tiff"])
def test_a_wide_gamut_is_converted_as_its_primaries_say(fmt: str) -> None:
    levels = np.linspace(40, 215, 8).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3).repeat(8, 0).repeat(8, 1)
    lossless = {"webp": {"lossless": True}}.get(fmt, {})
    media = Media.open(still(Image.fromarray(grid), fmt, icc_profile=adobe_profile(), **lossless))
    assert media.image.icc_name == "planted"
    linear = (grid / 255.0) ** (563 / 256) @ (np.linalg.inv(SRGB_XYZ) @ ADOBE_XYZ).T
    truth = srgb_of(linear)
    assert mean_error(truth, grid) > 8, "the test needs a profile that changes something"
    inside = ((linear > 0.01) & (linear < 0.99)).all(-1)
    error = np.abs(media.pixels.astype(float) - truth)[inside]
    assert error.mean() < 1.5
    if fmt != "jpeg":
        assert error.max() <= 2


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_grey_profile_is_converted_also_under_alpha(mode: str) -> None:
    ramp = np.arange(256, dtype=np.uint8)[None].repeat(16, 0)
    grey = Image.fromarray(ramp)
    if mode == "LA":
        grey.putalpha(255)
    media = Media.open(still(grey, "png", icc_profile=icc(b"GRAY", {b"kTRC": gamma_tag(1.0)})))
    assert media.image.mode == mode
    truth = srgb_of(np.arange(256) / 255.0)
    assert np.abs(media.pixels[0, 16:, 0] - truth[16:]).max() <= 2


def test_an_srgb_profile_leaves_every_pixel_as_it_is() -> None:
    from PIL import ImageCms

    pixels = photo(1, width=64, height=48)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    media = Media.open(still(Image.fromarray(pixels), "png", icc_profile=profile))
    assert media.image.icc_name and np.array_equal(media.pixels, pixels)


@pytest.mark.parametrize(
    "profile",
    [
        b"\xff" * 200,
        icc(b"GRAY", {b"kTRC": gamma_tag(1.0)}),
        icc(b"RGB ", {b"%cXYZ" % c: xyz_tag((0, 0, 0)) for c in b"rgb"} | {b"%cTRC" % c: gamma_tag(1) for c in b"rgb"}),
    ],
    ids=["garbage", "for another layout", "all black"],
)
def test_a_profile_that_makes_no_sense_is_ignored_and_said_so(profile: bytes) -> None:
    pixels = photo(1, width=64, height=48)
    media = Media.open(still(Image.fromarray(pixels), "png", icc_profile=profile))
    assert np.array_equal(media.pixels, pixels)
    assert "ignored" in media.image.icc_name


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    levels = np.linspace(0, 65535, 256).round().astype(np.uint16)[None].repeat(4, 0)
    for fmt in ("png", "tiff"):
        media = Media.open(still(Image.fromarray(levels), fmt))
        assert media.image.bits == 16
        assert np.abs(media.pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_sixteen_bits_of_colour_keep_their_upper_byte() -> None:
    rgb = np.zeros((4, 256, 3), ">u2")
    rgb[..., 0] = np.arange(256) << 8 | 0x7F
    rows = b"".join(b"\0" + row.tobytes() for row in rgb)
    import zlib

    data = png_header(256, 4, bits=16) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    media = Media.open(data)
    assert media.image.bits == 16
    assert np.array_equal(media.pixels[0, :, 0], np.arange(256)) and not media.pixels[..., 1:].any()


def test_twelve_bits_of_grey_fill_the_range() -> None:
    levels = np.linspace(0, 4095, 256).round().astype(np.uint32)
    packed = b"".join(
        bytes((a >> 4, (a & 15) << 4 | b >> 8, b & 255)) for a, b in zip(levels[::2], levels[1::2], strict=True)
    )
    short, long = 3, 4
    entries = [(256, short, 1, 256), (257, short, 1, 1), (258, short, 1, 12), (259, short, 1, 1), (262, short, 1, 1)]
    entries += [(273, long, 1, 8 + 2 + 12 * 9 + 4), (277, short, 1, 1), (278, short, 1, 1), (279, long, 1, len(packed))]
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    media = Media.open(b"II*\0" + struct.pack("<IH", 8, 9) + table + bytes(4) + packed)
    assert (media.image.bits, media.image.mode) == (12, "I;16")
    assert np.abs(media.pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 255.0), (-2.0, 6.0)])
def test_floating_point_grey_is_scaled_to_its_range(low: float, high: float) -> None:
    values = np.linspace(low, high, 256, dtype=np.float32)[None].repeat(4, 0)
    values[3, 0] = np.nan
    media = Media.open(still(Image.fromarray(values), "tiff"))
    assert np.abs(media.pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_cmyk_and_palette_and_grey_and_one_bit_become_rgb() -> None:
    image = quadrants()
    cmyk = Media.open(still(image.convert("CMYK"), "jpeg"))
    assert cmyk.image.mode == "CMYK" and mean_error(cmyk.pixels, image) < 6
    palette = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    for fmt in ("png", "gif", "bmp", "tiff"):
        media = Media.open(still(palette, fmt))
        assert media.image.mode == "P" and np.array_equal(media.pixels, np.asarray(image)), fmt
    grey = Media.open(still(image.convert("L"), "jpeg"))
    assert grey.image.mode == "L" and np.ptp(grey.pixels.astype(int), axis=2).max() == 0
    one = Media.open(still(image.convert("1"), "png"))
    assert one.image.bits == 1 and set(np.unique(one.pixels)) == {0, 255}


@pytest.mark.parametrize("fmt", ["png", "webp", "tiff", "avif", "heic"])
def test_alpha_lies_over_white(fmt: str) -> None:
    image = quadrants().convert("RGBA")
    alpha = np.zeros((32, 48), np.uint8)
    alpha[:, 24:] = 255
    alpha[16:, :24] = 128
    image.putalpha(Image.fromarray(alpha))
    media = Media.open(still(image, fmt, **({"lossless": True} if fmt == "webp" else {})))
    assert media.image.has_alpha
    assert np.abs(media.pixels[4:12, 4:20].astype(int) - 255).max() <= 3  # nothing there: white
    half = np.array([40, 40, 200]) * 128 / 255 + 255 * 127 / 255
    assert np.abs(media.pixels[20:28, 4:20] - half).max() <= 6
    assert np.abs(media.pixels[20:28, 28:44].astype(int) - 150).max() <= 6


def test_a_transparent_colour_of_a_palette_is_white() -> None:
    palette = quadrants().convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    red = palette.getpixel((0, 0))
    for fmt in ("png", "gif"):
        media = Media.open(still(palette, fmt, transparency=red))
        assert media.image.has_alpha
        assert (media.pixels[4, 4] == 255).all() and (media.pixels[28, 44] == 150).all(), fmt


@pytest.mark.parametrize("fmt", ["gif", "webp", "png", "avif"])
def test_an_animation_is_frames_with_their_time_stamps(fmt: str) -> None:
    pictures = [Image.new("RGB", (48, 32), (40 * i, 100, 100)) for i in range(5)]
    waits_ms = [100, 200, 50, 300, 100]
    data = still(pictures[0], fmt, save_all=True, append_images=pictures[1:], duration=waits_ms)
    media = Media.open(data)
    assert media.image.n_frames == 5
    starts_s = np.concatenate([[0], np.cumsum(waits_ms)[:-1]]) / 1000
    for frames in (media.frames, tuple(media.decoded_frames(side_px=64))):
        assert [frame.index for frame in frames] == list(range(5))
        assert np.allclose([frame.time_s for frame in frames], starts_s, atol=1e-6)
        assert np.allclose([int(frame.pixels[9, 9, 0]) for frame in frames], [0, 40, 80, 120, 160], atol=6)
    assert mean_error(media.pixels, pictures[0]) < 6


def test_a_long_animation_is_sampled_from_its_first_to_its_last_picture() -> None:
    pictures = [Image.new("RGB", (48, 32), (5 * i, 100, 100)) for i in range(50)]
    data = still(pictures[0], "png", save_all=True, append_images=pictures[1:], duration=40)
    frames = Media.open(data, limits=Limits(n_frames=8, frame_side_px=24)).frames
    assert [round(frame.time_s / 0.04) for frame in frames] == [0, 7, 14, 21, 28, 35, 42, 49]
    assert [int(frame.pixels[5, 5, 0]) for frame in frames] == [0, 35, 70, 105, 140, 175, 210, 245]
    assert {frame.pixels.shape for frame in frames} == {(16, 24, 3)}


def test_an_animation_that_breaks_off_gives_what_came_before() -> None:
    pictures = [Image.fromarray(photo(i, width=64, height=48)) for i in range(6)]
    data = still(pictures[0], "gif", save_all=True, append_images=pictures[1:], duration=100)
    whole = Media.open(data).frames
    part = Media.open(data[: len(data) * 2 // 3]).frames
    assert 1 <= len(part) < len(whole)
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(part[:2], whole, strict=False))


def test_pictures_on_disc_and_in_memory_are_one(tmp_path: Any) -> None:
    data = still(quadrants(), "png")
    (tmp_path / "a.jpg").write_bytes(data)
    disc, memory = Media.open(tmp_path / "a.jpg"), Media.open(data)
    assert disc.name == "a.jpg" and memory.name == "stdin"
    assert (disc.sha256, disc.format, disc.size_bytes) == (memory.sha256, memory.format, memory.size_bytes)
    assert np.array_equal(disc.pixels, memory.pixels)
    with disc.stream() as stream:
        assert stream.read() == data == disc.data


def test_hostile_metadata_never_reaches_the_decoder() -> None:
    """100,000 notes and a text of 64 MB packed into 64 kB: no pixel hangs on either."""
    import zlib

    text = PngInfo()
    text.add_text("k", "v")
    data = still(quadrants(), "png", pnginfo=text)
    at = data.index(b"IDAT") - 4
    bomb = png_chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(64 << 20), 9))
    notes = b"".join(png_chunk(b"tEXt", b"k%d\0v" % i) for i in range(100_000))
    media = Media.open(data[:at] + bomb + notes + data[at:])
    assert np.array_equal(media.pixels, np.asarray(quadrants()))


def test_what_follows_the_picture_does_no_harm() -> None:
    for fmt in ("jpeg", "png"):
        data = still(quadrants(), fmt)
        assert np.array_equal(Media.open(data + b"PK\x03\x04" + bytes(64)).pixels, Media.open(data).pixels)


def test_asking_an_image_for_a_video_is_refused() -> None:
    media = Media.open(png(photo(1, width=64, height=48)))
    with pytest.raises(MediaError, match="not a video"):
        _ = media.video


def test_a_second_decoder_agrees() -> None:
    import cv2

    pixels = photo(3, width=160, height=120)
    for fmt in ("jpeg", "png", "bmp", "tiff"):
        data = still(Image.fromarray(pixels), fmt)
        other = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        assert np.abs(Media.open(data).pixels.astype(int) - other.astype(int)).max() <= 3, fmt
    assert np.array_equal(Media.open(png(pixels)).pixels, decode(png(pixels)))
