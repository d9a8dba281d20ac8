"""Generators in the dashboard: the same order makes the same labelled files, and a bad photo is refused in words."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dashboard.backend.courses import shipped_course, uploaded_course
from dashboard.backend.gallery import MAX_ALTERED, Order, generators, make, sample_sheet
from forensics import Media, Scanner, ScanSettings
from generators.catalog import GENERATORS
from generators.quality.log import LogLine, append
from generators.weights import ZOO
from tests.make_media import clip, decode, jpeg, moving_scene, photo


def members(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_every_generator_of_the_catalogue_is_shown_and_says_what_it_makes() -> None:
    found = generators()
    assert [maker.name for maker in found] == list(GENERATORS.names())
    assert all(maker.about and maker.family and not maker.missing for maker in found)


def test_an_order_makes_labelled_fakes_with_masks_and_a_list_and_nothing_of_this_computer(tmp_path: Path) -> None:
    scene = photo(1, width=160, height=120)
    made = make(Order("splice", seed=4, n=2), jpeg(scene, 97, subsampling=0))
    files = members(made.archive)
    assert set(files) == {
        "0000.png", "0001.png", "manifest.tsv", "masks/0000.png", "masks/0001.png", "originals/0000.png", "sheet.png",
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(files["manifest.tsv"].decode()), delimiter="\t"))
    assert [(row["label"], row["generator"], row["seed"]) for row in rows if row["label"] == "fake"] == [
        ("fake", "splice", "4"), ("fake", "splice", "5"),
    ]  # fmt: skip
    assert b"/tmp" not in b"".join(files.values()) and str(tmp_path).encode() not in b"".join(files.values())
    fake, mask, original = (decode(files[f"{where}0000.png"]) for where in ("", "masks/", "originals/"))
    assert np.array_equal(fake[mask[..., 0] == 0], original[mask[..., 0] == 0]), "the photo, outside of its mask"
    report = Scanner(ScanSettings(analyzers=("metadata",))).scan(Media.open(files["0000.png"]))
    assert report.verdict.opinion != "no trace found", "a fake says what it is"


def test_the_same_order_makes_the_same_archive() -> None:
    data = jpeg(photo(2, width=96, height=96))
    assert make(Order("copy_move", 1, 1), data).archive == make(Order("copy_move", 1, 1), data).archive
    assert make(Order("copy_move", 1, 1), data).archive != make(Order("copy_move", 2, 1), data).archive


def test_a_trained_generator_makes_as_many_as_are_ordered_and_tells_each() -> None:
    done: list[int] = []
    made = make(Order("face-64", seed=3, n=3, form="jpeg"), progress=done.append)
    assert sum(done) == made.n == 3
    assert {name for name in members(made.archive) if name.endswith(".jpg")} == {"0000.jpg", "0001.jpg", "0002.jpg"}


def test_a_sheet_of_a_generator_that_alters_shows_the_mask_where_only_a_part_is_new() -> None:
    part, whole = (Image.open(io.BytesIO(sample_sheet(name))) for name in ("removal", "superres-x2"))
    assert part.width / part.height == pytest.approx(1, abs=0.01), "six pictures wide, six high"
    assert whole.width / whole.height == pytest.approx(4 / 6, abs=0.01)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "upload one first"),
        (b"not a picture at all", "text, not an image"),
        (jpeg(photo(1, width=40, height=40)), "at least 64 pixels"),
        (jpeg(photo(1, width=160, height=120))[:900], "cut off|broken|truncated|end"),
    ],
    ids=["none", "no picture", "small", "cut off"],
)
def test_a_photo_that_cannot_be_used_is_refused_in_words(data: bytes | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make(Order("removal"), data)


def test_a_video_is_no_photo(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", moving_scene(1, 4, width=96, height=96))
    with pytest.raises(ValueError, match="this is a video"):
        make(Order("removal"), path.read_bytes())


def test_orders_that_would_keep_a_server_busy_are_refused() -> None:
    with pytest.raises(ValueError, match="1 to 64"):
        Order("face-64", n=65)
    with pytest.raises(ValueError, match=f"at most {MAX_ALTERED}"):
        make(Order("splice", n=MAX_ALTERED + 1), jpeg(photo(1, width=96, height=96)))


@pytest.mark.parametrize("stem", ["face-64-1", "photo-64-1"])
def test_the_course_of_a_shipped_gan_falls_towards_real_pictures(stem: str) -> None:
    course = shipped_course(stem)
    assert course is not None
    distance, shares = course.panels.values()
    assert [p.n_seen for p in distance] == sorted({p.n_seen for p in distance}) and len(distance) >= 2
    assert distance[-1].value < distance[0].value
    assert all(p.low <= p.value <= p.high for p in (*distance, *shares))


def test_a_network_without_a_log_has_no_course() -> None:
    assert shipped_course("inpaint-1") is None


def test_a_log_of_ones_own_is_drawn_and_what_is_none_is_refused(tmp_path: Path) -> None:
    found = uploaded_course((ZOO / "photo-64-1.log.jsonl").read_bytes())
    assert {p.curve for p in next(iter(found.panels.values()))} == {"fakes", "reals (floor)"}
    append(tmp_path / "log.jsonl", LogLine(100, loss_d=0.5))
    with pytest.raises(ValueError, match="no figure was measured"):
        uploaded_course((tmp_path / "log.jsonl").read_bytes())
    for data in (b"", b"\xff\xfe\x00", b'{"n_seen": "x"}\n{"n_seen": 1}', b"[1, 2]\n3"):
        with pytest.raises(ValueError):
            uploaded_course(data)
