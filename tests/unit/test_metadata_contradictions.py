"""Contradictions: planted ones are told, genuine entries are not, and none of them counts."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from forensics.analyzers.tags import contradictions
from forensics.analyzers.tags.fields import read_tags
from forensics.media import Media
from tests.make_media import photo

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PICTURE = photo(1, width=320, height=240)


def found(data: bytes) -> set[str]:
    media = Media.open(data)
    return {c.code for c in contradictions.find(media, read_tags(media), NOW)[0]}


def tagged(pixels: NDArray[np.uint8] = PICTURE, **entries: object) -> bytes:
    names = {"taken": 0x9003, "digitized": 0x9004, "width": 0xA002, "height": 0xA003}
    exif = Image.Exif()
    for name, value in entries.items():
        if name in names:
            exif.get_ifd(0x8769)[names[name]] = value
        elif name == "modified":
            exif[0x0132] = value
        elif name == "gps":
            exif.get_ifd(0x8825)[0x001D] = value
        elif name == "orientation":
            exif[0x0112] = value
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90, exif=exif.tobytes())
    return out.getvalue()


def thumbnail_exif(thumb: Image.Image, orientation: int = 1) -> bytes:
    out = io.BytesIO()
    thumb.save(out, "JPEG", quality=85)
    jpeg = out.getvalue()
    entry = lambda tag, kind, value: tag.to_bytes(2, "big") + kind.to_bytes(2, "big") + b"\0\0\0\1" + value  # noqa: E731
    first = b"\0\1" + entry(0x0112, 3, orientation.to_bytes(2, "big") + b"\0\0") + (26).to_bytes(4, "big")
    second = b"\0\2" + entry(0x0201, 4, (56).to_bytes(4, "big")) + entry(0x0202, 4, len(jpeg).to_bytes(4, "big"))
    return b"Exif\0\0MM\0*\0\0\0\x08" + first + second + b"\0\0\0\0" + jpeg


def with_thumbnail(thumb: Image.Image, orientation: int = 1) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PICTURE).save(out, "JPEG", quality=90, exif=thumbnail_exif(thumb, orientation))
    return out.getvalue()


GENUINE = {"taken": "2024:05:01 10:00:00", "digitized": "2024:05:01 10:00:00", "modified": "2024:05:02 09:00:00"}


def test_genuine_entries_do_not_contradict() -> None:
    assert found(tagged(**GENUINE, gps="2024:05:01", width=320, height=240)) == set()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"taken": "2031:01:01 00:00:00", "modified": "2031:01:02 00:00:00"}, "future"),
        ({"modified": "2023:01:01 00:00:00"}, "order"),
        ({"gps": "2021:01:01"}, "gps"),
        ({"modified": "1970:01:01 00:00:00"}, "ancient"),
        ({"width": 4000, "height": 3000}, "size"),
    ],
)
def test_a_planted_contradiction_is_told(change: dict[str, object], code: str) -> None:
    assert code in found(tagged(**{**GENUINE, **change}))


@pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "", "    :  :     :  :  ", "2024:13:45 99:99:99", "yesterday"])
def test_dates_that_were_never_set_are_no_contradiction(text: str) -> None:
    assert found(tagged(taken=text, modified=text)) == set()


def test_a_size_recorded_turned_by_90_degrees_is_no_contradiction() -> None:
    assert found(tagged(width=240, height=320)) == set()


def test_the_thumbnail_of_the_picture_agrees_and_another_does_not() -> None:
    own = Image.fromarray(PICTURE).resize((160, 120), Image.Resampling.LANCZOS)
    other = Image.fromarray(photo(99, width=160, height=120))
    assert found(with_thumbnail(own)) == set()
    assert found(with_thumbnail(other)) == {"thumbnail"}


def test_black_bars_of_a_thumbnail_are_no_contradiction() -> None:
    wide = Image.fromarray(PICTURE[30:210])
    out = io.BytesIO()
    boxed = Image.new("RGB", (160, 120))
    boxed.paste(wide.resize((160, 90), Image.Resampling.LANCZOS), (0, 15))
    wide.save(out, "JPEG", quality=90, exif=thumbnail_exif(boxed))
    assert found(out.getvalue()) == set()


def test_a_turned_picture_agrees_with_a_thumbnail_as_stored() -> None:
    own = Image.fromarray(PICTURE).resize((160, 120), Image.Resampling.LANCZOS)
    assert found(with_thumbnail(own, orientation=6)) == set()


def test_a_thumbnail_that_cannot_be_read_is_no_contradiction() -> None:
    out = io.BytesIO()
    broken = thumbnail_exif(Image.new("RGB", (160, 120)))[:-200]
    Image.fromarray(PICTURE).save(out, "JPEG", exif=broken)
    assert found(out.getvalue()) == set()
