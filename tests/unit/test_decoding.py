"""Measurements, training and generators see the pixels that a scan sees, whatever a file does to them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from detectors.bias import file_surface
from detectors.data import Example
from detectors.data import read_pixels as read_example
from detectors.picture_set import read_set
from forensics.errors import MediaError
from forensics.media import Media
from generators.decoding import read_pixels as read_file
from generators.opening import PICTURE_FORMATS
from generators.picture_folder import find_pictures
from tests.make_files import gamma_tag, icc, quadrants, still
from tests.make_media import decode, jpeg, photo
from tests.unit.test_media_images import adobe_profile
from tests.unit.test_media_limits import lying_heif

SCENE = photo(1, width=96, height=64)


def ramp() -> Image.Image:
    return Image.fromarray(np.linspace(0, 65535, 96 * 64).round().astype(np.uint16).reshape(64, 96))


def veiled() -> Image.Image:
    image = Image.fromarray(SCENE)
    image.putalpha(Image.fromarray(np.linspace(0, 255, 96 * 64).astype(np.uint8).reshape(64, 96)))
    return image


def palette() -> Image.Image:
    return quadrants().convert("P", palette=Image.Palette.ADAPTIVE, colors=4)


def turned(fmt: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return still(Image.fromarray(SCENE), fmt, exif=exif)


def turned_heic(orientation: int) -> bytes:
    """The encoder writes the turn as boxes, and Exif that says the same."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return still(Image.fromarray(SCENE), "heic", exif=exif.tobytes())


def noted(orientation: int) -> bytes:
    """A turn that stands in XMP alone, which no scan follows."""
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", f'<x:xmpmeta tiff:Orientation="{orientation}"/>')
    return still(Image.fromarray(SCENE), "png", pnginfo=text)


def twelve_bits() -> bytes:
    """A grey TIFF of 12 bits, two pixels in three bytes."""
    levels = np.linspace(0, 4095, 256).round().astype(int).tolist()
    pairs = zip(levels[::2], levels[1::2], strict=True)
    packed = b"".join(bytes((a >> 4, (a & 15) << 4 | b >> 8, b & 255)) for a, b in pairs)
    short, long = 3, 4
    entries = [(256, short, 256), (257, short, 1), (258, short, 12), (259, short, 1), (262, short, 1)]
    entries += [(273, long, 8 + 2 + 12 * 9 + 4), (277, short, 1), (278, short, 1), (279, long, len(packed))]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, 9) + table + bytes(4) + packed


FILES: dict[str, bytes] = {
    "jpeg": jpeg(SCENE),
    "grey jpeg": still(Image.fromarray(SCENE).convert("L"), "jpeg"),
    "cmyk jpeg": still(Image.fromarray(SCENE).convert("CMYK"), "jpeg"),
    "16-bit png": still(ramp(), "png"),
    "16-bit tiff": still(ramp(), "tiff"),
    "12-bit tiff": twelve_bits(),
    "float tiff": still(Image.fromarray(np.linspace(-2, 6, 96 * 64, dtype=np.float32).reshape(64, 96)), "tiff"),
    "rgba png": still(veiled(), "png"),
    "grey and alpha png": still(veiled().convert("LA"), "png"),
    "rgba webp": still(veiled(), "webp"),
    "transparent palette png": still(palette(), "png", transparency=0),
    "transparent palette gif": still(palette(), "gif", transparency=0),
    "palette bmp": still(palette(), "bmp"),
    "adobe rgb jpeg": still(Image.fromarray(SCENE), "jpeg", icc_profile=adobe_profile()),
    "adobe rgb png": still(veiled(), "png", icc_profile=adobe_profile()),
    "linear grey png": still(
        Image.fromarray(SCENE).convert("L"), "png", icc_profile=icc(b"GRAY", {b"kTRC": gamma_tag(1.0)})
    ),
    "broken profile": still(Image.fromarray(SCENE), "png", icc_profile=b"\xff" * 200),
    "broken exif": jpeg(SCENE, exif=b"Exif\0\0MM\0*\0\0\xff\xff"),
    "turn out of range": turned("jpeg", 77),
    "turn in xmp": noted(6),
    "heic": still(Image.fromarray(SCENE), "heic"),
    "grey heic": still(Image.fromarray(SCENE).convert("L"), "heic"),
    "12-bit grey heic": still(ramp(), "heic"),
    "rgba heic": still(veiled(), "heic"),
    "adobe rgb heic": still(Image.fromarray(SCENE), "heic", icc_profile=adobe_profile()),
    "rgba avif": still(veiled(), "avif"),
    **{f"heic turned {n}": turned_heic(n) for n in (3, 5, 6, 8)},
    **{f"{fmt} turned {n}": turned(fmt, n) for fmt in ("jpeg", "png", "webp", "tiff", "avif") for n in (3, 5, 6, 8)},
}

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nshowpage\n"
NETPBM = b"P6 1 1 255\n\0\0\0"


@pytest.mark.parametrize("name", FILES)
def test_all_readers_see_what_a_scan_sees(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(FILES[name])
    seen = Media.open(path).pixels
    for pixels in (read_example(Example(path, 0, "s")), read_file(path)):
        assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous
        assert np.array_equal(pixels, seen)


@pytest.mark.parametrize("fmt", sorted(PICTURE_FORMATS))
def test_every_format_of_a_scan_is_found_in_folders_and_opened(fmt: str, tmp_path: Path) -> None:
    endings = {"jpeg": (".jpg", ".JPEG"), "tiff": (".tif", ".tiff"), "heic": (".heic", ".heif", ".HIF")}
    data = still(quadrants(), fmt)
    for i, ending in enumerate(endings.get(fmt, (f".{fmt}",))):
        for label in ("real", "fake"):
            (tmp_path / label).mkdir(exist_ok=True)
            (tmp_path / label / f"{i}{ending}").write_bytes(data)
    found = read_set([tmp_path]).examples
    assert len(found) == 2 * (i + 1)
    assert all(np.array_equal(read_example(example), Media.open(data).pixels) for example in found)
    assert file_surface(found[0], read_example(found[0])).bytes_per_pixel > 0
    assert len(find_pictures([tmp_path])) == (0 if fmt == "gif" else len(found))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        POSTSCRIPT,
        b"P6 1 1 255\n\0\0\0",
        FILES["jpeg"][:80],
        FILES["heic"][:-900],
        FILES["heic"][:60],
    ],
    ids=["empty", "text", "postscript", "netpbm", "cut jpeg", "cut heic", "header of a heic"],
)
def test_what_a_scan_refuses_no_reader_takes(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "picture.heic"
    path.write_bytes(data)
    with pytest.raises(MediaError):
        _ = Media.open(path).pixels
    for read in (lambda: read_example(Example(path, 0, "s")), lambda: read_file(path)):
        with pytest.raises(ValueError, match=r"picture\.heic cannot be read: "):
            read()


def test_a_missing_file_and_a_lying_header_are_told_in_one_way(tmp_path: Path) -> None:
    (tmp_path / "lying.heic").write_bytes(lying_heif(b"heic", 100_000, 100_000))
    for name in ("gone.heic", "lying.heic"):
        with pytest.raises(ValueError, match=f"{name} cannot be read: "):
            read_file(tmp_path / name)


def test_a_plain_jpeg_is_what_its_decoder_gives(tmp_path: Path) -> None:
    path = tmp_path / "plain.jpg"
    path.write_bytes(FILES["jpeg"])
    assert np.array_equal(read_file(path), decode(FILES["jpeg"]))
    assert np.array_equal(read_example(Example(path, 0, "s")), decode(FILES["jpeg"]))


@pytest.mark.parametrize(
    ("name", "truth"),
    [("16-bit png", np.linspace(0, 255, 96 * 64).reshape(64, 96, 1)), ("jpeg turned 6", np.rot90(SCENE, -1))],
)
def test_readers_agree_on_what_was_planted(name: str, truth: Any, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(FILES[name])
    assert np.abs(read_file(path) - np.asarray(truth, float)).mean() < 3
