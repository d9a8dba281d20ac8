"""Picture sets: lists and folders are read as written, sources stay whole, leaks and shortcuts are found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors.bias import Surface, bias_audit, file_surface, washed_surface
from detectors.data import Example, matched_sources, read_pixels, split_by_source
from detectors.leaks import leaks
from detectors.picture_set import read_list, read_set
from generators.launder import draw
from tests.make_media import decode, jpeg, photo, png


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def many(n_by_source: dict[str, tuple[int, int]]) -> list[Example]:
    """So many reals and fakes of each source."""
    return [
        Example(Path(f"{name}-{label}-{i}"), label, name)
        for name, counts in n_by_source.items()
        for label, n in enumerate(counts)
        for i in range(n)
    ]


def test_a_list_with_paths_is_read_as_written(tmp_path: Path) -> None:
    write(tmp_path / "a/one.jpg", b"x")
    table = tmp_path / "manifest.tsv"
    table.write_text(
        "path\tsplit\tlabel\tfamily\tgenerator\tsource\n"
        "a/one.jpg\ttrain\tfake\tdiffusion\tsd-9\tsomebody/repo\n"
        "a/gone.jpg\ttrain\treal\tphotos\t-\tsomebody/repo\n"
    )
    found = read_set([tmp_path])
    assert found.missing == ("a/gone.jpg",)
    assert found.examples == (Example(tmp_path / "a/one.jpg", 1, "somebody/repo", "sd-9", "diffusion", "train"),)


def test_a_list_with_files_lies_by_split_label_and_generator_or_source(tmp_path: Path) -> None:
    fake = write(tmp_path / "more/train/fake/kling-9/f.mp4", b"x")
    real = write(tmp_path / "more/eval/real/me__mine/r.jpg", b"x")
    table = tmp_path / "more.tsv"
    table.write_text(
        "file\tsplit\tlabel\tkind\tfamily\tgenerator\tcontent\trepo\tnote\n"
        'f.mp4\ttrain\tfake\tvideo\tt2v\tkling-9\tperson\tme/mine\t"mark" at the right, crop=0,2,40,30\n'
        "r.jpg\teval\treal\timage\t-\t-\tscene\tme/mine\t\n"
    )
    clip, picture = read_list(table, [tmp_path]).examples
    assert (clip.path, clip.is_video, clip.crop, clip.source) == (fake, True, (0, 2, 40, 30), "me/mine")
    assert (picture.path, picture.label, picture.content, picture.crop) == (real, 0, "scene", None)


def test_two_sets_may_hold_files_of_the_same_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name / "0000.png", b"x")
        table = tmp_path / name / "manifest.tsv"
        table.write_text(f"path\tlabel\tsource\tgenerator\tmask\n0000.png\tfake\tme\t{name}\tmasks/0000.png\n")
    found = read_set([tmp_path / "one", tmp_path / "two"]).examples
    assert [(e.generator, e.path, e.mask) for e in found] == [
        (name, tmp_path / name / "0000.png", tmp_path / name / "masks/0000.png") for name in ("one", "two")
    ]


@pytest.mark.parametrize("line", ["a.jpg\tgenuine\tme", "\treal\tme"])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    table = tmp_path / "list.tsv"
    table.write_text(f"path\tlabel\tsource\n{line}\n")
    with pytest.raises(ValueError, match="line 2: wants a label"):
        read_list(table, [tmp_path])


def test_a_list_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", b"x")
    table = tmp_path / "list.tsv"
    table.write_text("label\tpath\tsource\r\nfake\ta.jpg\tme\r\n", encoding="utf-8-sig")
    assert read_list(table, [tmp_path]).examples == (Example(tmp_path / "a.jpg", 1, "me"),)


def test_a_file_counts_once_however_often_it_is_named(tmp_path: Path) -> None:
    for name in ("real/phone/a.jpg", "fake/sd-9/b.jpg"):
        write(tmp_path / "set" / name, b"x")
    (tmp_path / "other").symlink_to(tmp_path / "set")
    once = read_set([tmp_path / "set"])
    assert read_set([tmp_path / "set", tmp_path / "set" / ".." / "set", tmp_path / "other"]) == once
    table = tmp_path / "list.tsv"
    row = "{label}\tset/real/phone/a.jpg\tme\t{split}\t{note}\n"
    uses = [("real", "train", ""), ("real", "train", "crop=0,0,2,2"), ("fake", "train", ""), ("real", "eval", "")]
    rows = [row.format(label=label, split=split, note=note) for label, split, note in uses]
    table.write_text("label\tpath\tsource\tsplit\tnote\n" + "".join(rows * 2))
    assert len(read_set([tmp_path], [table, table]).examples) == len(uses)


def test_a_set_without_any_file_says_what_is_missing(tmp_path: Path) -> None:
    table = tmp_path / "list.tsv"
    table.write_text("label\tpath\tsource\nfake\tgone/a.jpg\tme\nreal\tgone/b.jpg\tme\n")
    with pytest.raises(ValueError, match=r"no picture was found .*; 2 listed but not there, such as gone/a\.jpg"):
        read_set([tmp_path, tmp_path], [table, table])


def test_plain_folders_name_class_and_source(tmp_path: Path) -> None:
    for name in ("real/phone/a.jpg", "real/b.png", "fake/sd-9/c.webp", "fake/sd-9/notes.txt"):
        write(tmp_path / name, b"x")
    a, b, c = read_set([tmp_path]).examples
    assert {(e.label, e.source) for e in (a, b)} == {(0, "phone"), (0, f"{tmp_path.name}/real")}
    assert (c.label, c.source, c.generator) == (1, "sd-9", "sd-9")


def test_a_folder_that_is_no_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither a list"):
        read_set([tmp_path])
    with pytest.raises(ValueError, match="there is no folder"):
        read_set([tmp_path / "gone"])


def test_pixels_come_upright_over_white_and_cropped(tmp_path: Path) -> None:
    pixels = photo(1, width=96, height=64)
    turned = write(
        tmp_path / "turned.jpg",
        jpeg(pixels, 95, exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"),
    )
    assert np.array_equal(read_pixels(Example(turned, 0, "s")), np.rot90(decode(jpeg(pixels, 95)), -1))
    plain = Example(write(tmp_path / "plain.png", png(pixels)), 0, "s", crop=(8, 4, 40, 30))
    assert np.array_equal(read_pixels(plain), pixels[4:34, 8:48])
    clear = cv2.imencode(".png", np.zeros((8, 8, 4), np.uint8))[1].tobytes()
    assert read_pixels(Example(write(tmp_path / "clear.png", clear), 0, "s")).min() == 255
    with pytest.raises(ValueError, match="its crop is"):
        read_pixels(replace(plain, crop=(80, 4, 40, 30)))


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cut\.jpg cannot be read"):
        read_pixels(Example(write(tmp_path / "cut.jpg", jpeg(photo(1, width=64, height=64))[:500]), 0, "s"))


@pytest.mark.parametrize("seed", range(8))
def test_no_source_is_on_both_sides_of_a_split(seed: int) -> None:
    examples = many({f"s{i}": (i % 3 * 5, (i + 1) % 4 * 4) for i in range(20)} | {"large": (400, 300)})
    kept, held = split_by_source(examples, share=0.1, seed=seed)
    assert not {e.source for e in kept} & {e.source for e in held}
    assert len(kept) + len(held) == len(examples)
    for label in (0, 1):
        total = sum(e.label == label for e in examples)
        assert sum(e.label == label for e in held) >= 0.1 * total
    assert "large" not in {e.source for e in held}


def test_a_split_that_would_lack_a_class_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        split_by_source(many({"a": (5, 5)}), share=0.2, seed=0)


def test_matched_sources_hold_enough_of_both_classes() -> None:
    examples = many({"both": (6, 7), "few": (50, 2), "reals": (9, 0)})
    assert matched_sources(examples) == ("both",)
    assert matched_sources(examples, n_least=2) == ("both", "few")


def test_the_same_file_and_the_same_picture_are_leaks(tmp_path: Path) -> None:
    pixels = photo(7, width=256, height=192)
    seen = [Example(write(tmp_path / f"{i}.jpg", jpeg(photo(i, width=256, height=192))), 0, "a") for i in (7, 8)]
    small = cv2.resize(pixels, (160, 120), interpolation=cv2.INTER_AREA).astype(np.uint8)
    held = [
        Example(write(tmp_path / "copy.jpg", seen[1].path.read_bytes()), 1, "b"),
        Example(write(tmp_path / "small.webp", png(small)), 1, "b"),
        Example(write(tmp_path / "other.jpg", jpeg(photo(9, width=256, height=192))), 1, "b"),
    ]
    copy, resized = leaks(seen, held)
    assert (copy.seen, copy.held_out, copy.distance_bits) == (seen[1].path, held[0].path, None)
    assert (resized.seen, resized.held_out) == (seen[0].path, held[1].path) and resized.distance_bits is not None


def of_file(example: Example) -> Surface:
    return file_surface(example, read_pixels(example))


def test_a_set_whose_format_tells_the_class_fails_and_says_so(tmp_path: Path) -> None:
    examples = []
    for i in range(60):
        pixels, label = photo(i, width=96, height=96), i % 2
        data = png(pixels) if label else jpeg(pixels)
        examples.append(Example(write(tmp_path / str(i), data), label, f"s{i % 6}"))
    audit = bias_audit([of_file(e) for e in examples], [e.label for e in examples], [e.source for e in examples])
    assert audit.auroc > 0.95 and not audit.passes and audit.by_feature["format"] > 0.95
    assert audit.by_feature["brightness"] < 0.75 and (audit.n_fake, audit.n_real) == (30, 30)


def test_one_chain_for_both_classes_closes_the_shortcut() -> None:
    rng = np.random.default_rng(1)
    labels = (np.arange(160) % 2).tolist()
    surfaces = [
        washed_surface(photo(int(rng.integers(1 << 20)), width=96, height=96), draw("wild", seed=i)) for i in range(160)
    ]
    audit = bias_audit(surfaces, labels, ["s"] * 160)
    assert audit.passes
    told = [replace(s, brightness=s.brightness + 60 * label) for s, label in zip(surfaces, labels, strict=True)]
    assert not bias_audit(told, labels, ["s"] * 160).passes


def test_the_surface_is_what_was_planted(tmp_path: Path) -> None:
    grey = np.full((40, 60, 3), 100, np.uint8)
    found = of_file(Example(write(tmp_path / "g.png", png(grey)), 0, "s", content="wall"))
    assert (found.format, found.width, found.height, found.content) == ("png", 60, 40, "wall")
    assert found.brightness == 100 and found.contrast == 0 and found.sharpness == pytest.approx(-3)
    assert np.isnan(found.table)
    coarse, fine = (of_file(Example(write(tmp_path / f"{q}", jpeg(photo(1), q)), 0, "s")) for q in (30, 95))
    assert coarse.table > 5 * fine.table and coarse.bytes_per_pixel < fine.bytes_per_pixel
    washed = washed_surface(photo(1), draw("q50", seed=0))
    assert washed.format == "jpeg" and (washed.width, washed.height) == (768, 576)
    shrunk = washed_surface(photo(1), draw("q50", seed=0), side_px=64)
    assert (shrunk.width, shrunk.height) == (64, 64) and shrunk.table == washed.table
    assert fine.table < washed.table < coarse.table


def test_too_few_pictures_are_not_audited() -> None:
    surface = Surface("png", 8, 8, float("nan"), 1.0, 0.0, 1.0, 1.0, "")
    with pytest.raises(ValueError, match="at least 5 pictures"):
        bias_audit([surface] * 6, [0, 0, 0, 0, 0, 1], ["s"] * 6)


def test_examples_without_source_or_with_another_label_are_refused() -> None:
    with pytest.raises(ValueError, match="needs a source"):
        Example(Path("a"), 0, "")
    with pytest.raises(ValueError, match="0 or 1"):
        Example(Path("a"), 2, "s")
