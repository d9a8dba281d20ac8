"""Marks of encoders are read where they are whole and ignored where they are not."""

from __future__ import annotations

import pytest

from forensics.analyzers.jpeg.encoder_marks import encoder_marks
from tests.make_media import jpeg, photo


def with_segment(marker: int, body: bytes) -> bytes:
    data = jpeg(photo(1, width=64, height=64))
    return data[:2] + bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2) + body + data[2:]


def test_a_plain_file_carries_no_marks() -> None:
    assert encoder_marks(jpeg(photo(1, width=64, height=64))) == ()


def test_save_for_web_quality_is_read() -> None:
    body = b"Ducky\x00\x01\x00\x04" + (60).to_bytes(4) + b"\x00\x00"
    assert encoder_marks(with_segment(0xEC, body)) == (("Photoshop Save for Web", "quality 60 of 100"),)


@pytest.mark.parametrize("quality", [0, 4, 12])
def test_save_as_quality_is_read(quality: int) -> None:
    value = (quality - 4).to_bytes(2, signed=True) + bytes(5)
    body = b"Photoshop 3.0\x00" + b"8BIM\x04\x06\x00\x00" + len(value).to_bytes(4) + value
    assert encoder_marks(with_segment(0xED, body)) == (("Photoshop Save As", f"quality {quality} of 12"),)


@pytest.mark.parametrize("body", [b"Photoshop 3.0\x00", b"Photoshop 3.0\x008BIM\x04\x06\x00\x00\x00\x00\x00\x02\x7f"])
def test_cut_resources_are_ignored(body: bytes) -> None:
    assert encoder_marks(with_segment(0xED, body)) == ()


def test_long_comments_are_cut() -> None:
    ((label, text),) = encoder_marks(with_segment(0xFE, b"x" * 5000))
    assert label == "comment" and len(text) == 80
