"""Grey TIFFs of 16 and 32 bits look as they are meant, whoever wrote them; other kinds of numbers are not "broken"."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from forensics.errors import MediaError
from forensics.media import Media
from generators.decoding import upright_srgb

RAMP = np.linspace(0, 1, 64 * 48).reshape(48, 64)
SEEN = np.rint(RAMP * 255)

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
RAW, DEFLATE = 1, 8


def tiff(
    values: NDArray[np.generic],
    *,
    order: str = "<",
    packed: bool = False,
    photometric: int = BLACK_IS_ZERO,
    planar: int = 1,
) -> bytes:
    """A TIFF of one strip, or of one for each channel.

    Args:
        values: (H, W), (H, W, C), or (C, H, W) where planar is 2.
    """
    values = values.astype(values.dtype.newbyteorder(order))
    n = 1 if values.ndim == 2 else values.shape[0] if planar == 2 else values.shape[2]
    height, width = values.shape[1:] if planar == 2 else values.shape[:2]
    parts = [part.tobytes() for part in (values if planar == 2 else [values])]
    parts = [zlib.compress(part) for part in parts] if packed else parts
    form = {"u": 1, "i": 2, "f": 3, "c": 6}[values.dtype.kind]
    tags: list[tuple[int, str, list[int]]] = [
        (256, "I", [width]),
        (257, "I", [height]),
        (258, "H", [values.itemsize * 8] * n),
        (259, "H", [DEFLATE if packed else RAW]),
        (262, "H", [photometric]),
        (273, "I", [8 + sum(map(len, parts[:i])) for i in range(len(parts))]),
        (277, "H", [n]),
        (278, "I", [height]),
        (279, "I", [len(part) for part in parts]),
        (284, "H", [planar]),
        (339, "H", [form] * n),
    ]
    at = 8 + sum(map(len, parts))
    behind, table, elsewhere = at + 2 + 12 * len(tags) + 4, b"", b""
    for tag, kind, held in tags:
        body = struct.pack(f"{order}{len(held)}{kind}", *held)
        if len(body) > 4:
            body, elsewhere = struct.pack(f"{order}I", behind + len(elsewhere)), elsewhere + body
        table += struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[kind], len(held)) + body.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", at)
    return head + b"".join(parts) + struct.pack(f"{order}H", len(tags)) + table + bytes(4) + elsewhere


BIG = (
    b"MM\0+"
    + struct.pack(">HHQQ", 8, 0, 16, 2)
    + b"".join(struct.pack(">HHQH6x", tag, 3, 1, 8) for tag in (256, 257))
    + bytes(8)
)


def seen(data: bytes) -> NDArray[np.uint8]:
    """What a scan sees, and whoever else reads the file."""
    pixels = Media.open(data).pixels
    assert np.array_equal(pixels, upright_srgb(Image.open(io.BytesIO(data))))
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    return pixels[..., 0]


def off(data: bytes, expected: NDArray[np.float64]) -> float:
    return float(np.abs(seen(data).astype(float) - expected).max())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "values",
    [
        RAMP.astype(np.float32),
        (RAMP * 255).astype(np.float32),
        (RAMP * 1e9 - 5e8).astype(np.float32),
        np.rint(RAMP * 255).astype(np.int32),
        np.rint(RAMP * 65535).astype(np.int32),
        np.rint(RAMP * 1e9 - 5e8).astype(np.int32),
        np.rint(RAMP * 65535).astype(np.uint16),
        np.rint(RAMP * 60000 - 30000).astype(np.int16),
    ],
    ids=[
        "0 to 1",
        "floats to 255",
        "floats around 0",
        "ints to 255",
        "ints to 65535",
        "ints around 0",
        "16 bits",
        "signed",
    ],
)
def test_grey_of_many_bits_is_scaled_in_either_byte_order_packed_or_not(
    values: NDArray[np.generic], order: str, packed: bool
) -> None:
    assert off(tiff(values, order=order, packed=packed), SEEN) <= 1


def test_whole_numbers_without_a_sign_do_not_wrap() -> None:
    assert off(tiff(np.rint(RAMP * (2**32 - 1)).astype(np.uint32)), SEEN) <= 1


@pytest.mark.parametrize("values", [RAMP.astype(np.float32), np.rint(RAMP * 65535).astype(np.uint16)], ids=["f", "16"])
def test_zero_is_white_where_the_file_says_so(values: NDArray[np.generic]) -> None:
    assert off(tiff(values, photometric=WHITE_IS_ZERO), 255 - SEEN) <= 1


def test_channels_of_16_bits_that_lie_apart_are_read_or_refused_and_never_noise() -> None:
    planes = np.repeat(np.rint(RAMP * 65535).astype(np.uint16)[None], 3, 0)
    assert off(tiff(planes, photometric=RGB, planar=2, packed=True), SEEN) <= 1
    with pytest.raises(MediaError, match="channels of 16 bits that lie apart") as caught:
        _ = Media.open(tiff(planes, photometric=RGB, planar=2)).pixels
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tiff(RAMP), "a floating-point number of 64 bits"),
        (tiff(RAMP.astype(np.float16)), "a floating-point number of 16 bits"),
        (
            tiff(np.repeat(RAMP[..., None], 3, 2).astype(np.float32), photometric=RGB),
            "3 floating-point numbers of 32 bits",
        ),
        (tiff((RAMP * 2**31).astype(np.uint32), order=">"), "a whole number of 32 bits"),
        (tiff((RAMP * 9).astype(np.uint16), order=">", photometric=0), "a whole number of 16 bits, zero for white"),
        (BIG, "a BigTIFF whose numbers begin with their highest"),
    ],
    ids=["double", "half", "rgb", "big-endian", "white", "bigtiff"],
)
def test_numbers_that_no_decoder_here_knows_are_unsupported_and_named(data: bytes, words: str) -> None:
    with pytest.raises(MediaError, match=words) as caught:
        Media.open(data)
    assert caught.value.code == "unsupported"


def test_a_directory_that_makes_no_sense_is_broken() -> None:
    data = tiff(RAMP.astype(np.float32)).replace(
        struct.pack("<HHIHH", 258, 3, 1, 32, 0), struct.pack("<HHIHH", 258, 3, 1, 999, 0)
    )
    with pytest.raises(MediaError) as caught:
        Media.open(data)
    assert caught.value.code == "broken"
