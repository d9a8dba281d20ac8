"""Coefficients mean what other implementations say they mean, and lying headers cost nothing."""

from __future__ import annotations

import io
import struct
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from forensics.analyzers.jpeg.coefficients import coefficients_of, decode_luma, frame_header, read_coefficients
from forensics.errors import MediaError
from forensics.settings import Limits
from tests.make_media import jpeg, photo


def luma_of(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        image.draft("YCbCr", image.size)
        return np.asarray(image.convert("YCbCr"))[..., 0].astype(np.float32)


def test_decoding_our_coefficients_gives_the_pixels_that_libjpeg_decodes() -> None:
    data = jpeg(photo(1, width=160, height=96), 80)
    ours = decode_luma(read_coefficients(data, Limits()).luma)
    assert np.abs(ours - luma_of(data)).max() < 1.5


def test_blocks_are_transformed_as_scipy_transforms_them() -> None:
    luma = photo(2, width=80, height=64)[..., 0].astype(np.float32)
    values = coefficients_of(luma, (3, 5)).values
    for by, bx in ((0, 0), (2, 4), (6, 8)):
        block = luma[3 + 8 * by : 11 + 8 * by, 5 + 8 * bx : 13 + 8 * bx] - 128.0
        assert np.abs(dctn(block, norm="ortho").ravel() - values[by, bx]).max() <= 0.51


def test_only_whole_blocks_inside_the_picture_are_read() -> None:
    stored = read_coefficients(jpeg(photo(1, width=100, height=66)), Limits())
    assert stored.luma.values.shape == (8, 12, 64)
    assert (stored.header.width, stored.header.height, stored.header.subsampling) == (100, 66, "4:2:0")


def test_progressive_and_grey_files_are_read_alike() -> None:
    grey = Image.fromarray(photo(3, width=64, height=64)).convert("L")
    files = []
    for progressive in (False, True):
        out = io.BytesIO()
        grey.save(out, "JPEG", quality=70, progressive=progressive)
        files.append(read_coefficients(out.getvalue(), Limits()))
    assert [f.header.coding for f in files] == ["baseline", "progressive"]
    assert files[0].header.subsampling == "grey"
    assert np.array_equal(files[0].luma.values, files[1].luma.values)


def test_a_header_that_claims_too_many_pixels_is_refused_before_anything_is_read() -> None:
    data = bytearray(jpeg(photo(1, width=64, height=64)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65500, 65500)
    with pytest.raises(MediaError) as caught:
        read_coefficients(bytes(data), Limits())
    assert caught.value.code == "too-many-pixels"


def test_hundreds_of_metadata_segments_do_not_stop_the_reading() -> None:
    data = jpeg(photo(1, width=64, height=64))
    comments = b"\xff\xfe\x00\x05abc" * 300
    ours = read_coefficients(data[:2] + comments + data[2:], Limits())
    assert np.array_equal(ours.luma.values, read_coefficients(data, Limits()).luma.values)


def test_hundreds_of_scans_are_refused() -> None:
    with pytest.raises(MediaError, match="scans"):
        read_coefficients(jpeg(photo(1, width=64, height=64)) + b"\xff\xda" * 300, Limits())


@pytest.mark.parametrize("n_bytes", [3, 20, 160, 300])
def test_a_cut_header_is_a_media_error_and_no_scratch_file_stays(
    n_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(MediaError):
        read_coefficients(jpeg(photo(1, width=64, height=64))[:n_bytes], Limits())
    read_coefficients(jpeg(photo(1, width=64, height=64)), Limits())
    assert not list(tmp_path.iterdir())


def test_headers_that_cannot_be_meant_are_refused() -> None:
    data = jpeg(photo(1, width=64, height=64))
    at = data.index(b"\xff\xc0")
    for place, value in ((at + 4, 12), (at + 9, 2), (at + 11, 0x00), (at + 11, 0x51), (at + 14, 0x22 + 0x22)):
        broken = bytearray(data)
        broken[place] = value
        with pytest.raises(MediaError):
            frame_header(bytes(broken))


def test_the_limit_is_the_callers() -> None:
    data = jpeg(photo(1, width=64, height=64))
    with pytest.raises(MediaError):
        read_coefficients(data, replace(Limits(), max_pixels=64 * 64 - 1))
