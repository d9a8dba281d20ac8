"""unforged generate list and sample: what is written is labelled, listed, repeatable, and goes on after a stop."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detectors.data import EDIT, read_pixels
from detectors.picture_set import read_set
from forensics.analyzers.metadata import Metadata
from forensics.analyzers.provenance import Provenance
from forensics.cli import main
from forensics.finding import Claim
from forensics.media import Media
from forensics.settings import ScanSettings
from generators.base import FakeBatch
from generators.catalog import GENERATORS
from generators.images import Images
from generators.sample_folder import COLUMNS, LIST
from tests.contracts.broken_generators import CARD, Maker
from tests.make_c2pa import signer
from tests.make_media import decode, jpeg, photo


class Faces(Maker):
    """Stands for a trained generator that needs no photo."""

    name = "faces"
    card = CARD


class Stopping(Faces):
    """Is interrupted in its second batch."""

    def forge(self, sources: Images, *, seed: int) -> FakeBatch:
        if seed > 0:
            raise KeyboardInterrupt
        return super().forge(sources, seed=seed)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {**GENERATORS.places(), "faces": f"{__name__}:Faces", "lacking": "generators.nowhere:Lacking"}
    monkeypatch.setattr(GENERATORS, "places", lambda: places)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three usable photos, one of them in a subfolder, one too small, and a broken one."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "phone").mkdir()
    for name, seed, width in (("a.jpg", 1, 160), ("b c.jpg", 2, 128), ("phone/d.jpg", 3, 96)):
        (folder / name).write_bytes(jpeg(photo(seed, width=width, height=80)))
    (folder / "small.jpg").write_bytes(jpeg(photo(4, width=64, height=48)))
    (folder / "broken.jpg").write_bytes(jpeg(photo(5, width=96, height=80))[:700])
    return folder


def sample(*arguments: object) -> int:
    return main(["generate", "sample", *map(str, arguments)])


def rows(out: Path) -> list[dict[str, str]]:
    with (out / LIST).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("unforged: error: ")
    return str(said)


def test_every_generator_is_listed_and_what_one_lacks_hides_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "list", "--json"]) == 0
    found = {entry["name"]: entry for entry in map(json.loads, capsys.readouterr().out.splitlines())}
    assert list(found) == list(GENERATORS.names())
    assert found["splice"] | {"about": ""} == {
        "name": "splice", "family": "forgery", "needs_photos": True, "weights": "none", "about": "", "available": True
    }  # fmt: skip
    assert found["faces"]["weights"] == CARD.stem and found["faces"]["needs_photos"] is False
    assert found["lacking"]["available"] is False and found["lacking"]["about"].startswith("not available: ")
    assert main(["generate", "list"]) == 0
    listed = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in listed] == list(found) and {len(row) for row in listed} == {5}


def test_fakes_of_photos_come_with_masks_originals_and_a_list(photos: Path, tmp_path: Path) -> None:
    assert sample("splice", "-n", 5, "--photos", photos, "--out", tmp_path) == 0
    fakes = [row for row in rows(tmp_path) if row["label"] == "fake"]
    reals = [row for row in rows(tmp_path) if row["label"] == "real"]
    assert [row["path"] for row in fakes] == [f"{i:04d}.png" for i in range(5)]
    assert [row["seed"] for row in fakes] == ["0", "1", "2", "3", "4"]
    assert [row["photo"] for row in fakes] == ["a.jpg", "b c.jpg", "phone/d.jpg", "a.jpg", "b c.jpg"]
    assert [row["source"] for row in reals] == ["a", "b c", "phone"]
    assert all(row["family"] == EDIT and row["generator"] == "splice" and row["recipe"] for row in fakes)
    for row in fakes:
        fake, original = (decode((tmp_path / row[key]).read_bytes()) for key in ("path", "original"))
        mask = np.array(Image.open(tmp_path / row["mask"])) > 0
        assert mask.shape == fake.shape[:2] == original.shape[:2]
        assert np.array_equal(fake[~mask], original[~mask]) and not np.array_equal(fake[mask], original[mask])


def test_an_original_is_the_photo_itself(photos: Path, tmp_path: Path) -> None:
    sample("removal", "-n", 1, "--photos", photos, "--out", tmp_path)
    original = decode((tmp_path / "originals" / "0000.png").read_bytes())
    assert np.array_equal(original, decode((photos / "a.jpg").read_bytes()))


def test_the_list_is_read_by_evaluate_with_pairs_on_one_side_of_a_split(photos: Path, tmp_path: Path) -> None:
    sample("splice", "-n", 3, "--photos", photos, "--out", tmp_path)
    found = read_set([tmp_path])
    assert found.missing == () and len(found.examples) == 6
    sources: dict[str, set[int]] = {}
    for example in found.examples:
        assert read_pixels(example).ndim == 3
        sources.setdefault(example.source, set()).add(example.label)
    assert set(map(frozenset, sources.values())) == {frozenset({0, 1})}


def test_a_washed_photo_is_listed_as_real(photos: Path, tmp_path: Path) -> None:
    sample("launder", "-n", 2, "--photos", photos, "--out", tmp_path)
    assert [row["label"] for row in rows(tmp_path)] == ["real"] * 4
    assert {row["generator"] for row in rows(tmp_path)} == {"-", "launder"}


@pytest.mark.parametrize(("form", "ending"), [("png", "png"), ("jpeg", "jpg")])
def test_the_scanner_reads_the_label_of_what_was_written(form: str, ending: str, photos: Path, tmp_path: Path) -> None:
    def claims(path: Path) -> list[Claim | None]:
        return [f.claim for f in Metadata(ScanSettings()).examine(Media.open(path)) if f.llr is not None]

    sample("faces", "-n", 1, "--format", form, "--sheet", "--out", tmp_path / "faces")
    sample("copy_move", "-n", 1, "--format", form, "--photos", photos, "--out", tmp_path / "copies")
    assert claims(tmp_path / "faces" / f"0000.{ending}") == [Claim.SYNTHETIC]
    assert claims(tmp_path / "faces" / "sheet.png") == [Claim.SYNTHETIC]
    assert claims(tmp_path / "copies" / f"0000.{ending}") == [Claim.MANIPULATED]
    assert claims(tmp_path / "copies" / "originals" / f"0000.{ending}") == []
    assert claims(tmp_path / "copies" / "masks" / "0000.png") == []


def test_with_a_certificate_fakes_are_signed(photos: Path, tmp_path: Path) -> None:
    keys = signer("Fake Maker")
    (tmp_path / "c.pem").write_bytes(keys.chain)
    (tmp_path / "k.pem").write_bytes(keys.key)
    signing = ("--certificate", tmp_path / "c.pem", "--key", tmp_path / "k.pem")
    sample("faces", "-n", 1, *signing, "--out", tmp_path / "faces")
    sample("splice", "-n", 1, *signing, "--photos", photos, "--out", tmp_path / "splices")
    (made,) = Provenance(ScanSettings()).examine(Media.open(tmp_path / "faces" / "0000.png"))
    (spliced,) = Provenance(ScanSettings()).examine(Media.open(tmp_path / "splices" / "0000.png"))
    assert made.claim is Claim.SYNTHETIC and "Fake Maker" in made.summary
    assert ("ingredient parentOf", "the photo") in spliced.details


def test_the_same_command_gives_the_same_bytes_and_another_seed_moves_along(photos: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("next", 4)):
        sample("faces", "-n", 20, "--seed", seed, "--out", tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    moved = [decode((tmp_path / name / f"{i:04d}.png").read_bytes()) for name, i in (("one", 17), ("next", 16))]
    assert np.array_equal(*moved)


@pytest.mark.parametrize("name", ["faces", "splice"])
def test_a_run_that_was_stopped_goes_on_to_the_same_files(name: str, photos: Path, tmp_path: Path) -> None:
    arguments = (name, "-n", 14, *(("--photos", photos) if name == "splice" else ()))
    sample(*arguments, "--out", tmp_path / "whole")
    sample(*arguments, "--out", tmp_path / "stopped")
    out = tmp_path / "stopped"
    text = (out / LIST).read_text()
    # As a kill leaves it: the list ends in half a line, and of the fake behind it there is no whole file.
    (out / LIST).write_text(text[: text.index("\t0011.png") + 5])
    (out / "0012.png").unlink()
    (out / "0003.png").unlink()
    sample(*arguments, "--out", out)
    whole, again = contents(tmp_path / "whole"), contents(out)
    assert sorted(whole.pop(LIST).splitlines()) == sorted(again.pop(LIST).splitlines())
    assert whole == again


def test_more_can_be_asked_for_later(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample("faces", "-n", 2, "--out", tmp_path)
    sample("faces", "-n", 5, "--out", tmp_path)
    assert "3 made, 2 were there" in capsys.readouterr().err
    assert len(rows(tmp_path)) == 5 and tuple(rows(tmp_path)[0]) == COLUMNS


def test_an_interrupted_run_says_how_far_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(GENERATORS, "places", lambda: {"faces": f"{__name__}:Stopping"})
    assert sample("faces", "-n", 40, "--out", tmp_path) == 130
    assert capsys.readouterr().err == "interrupted with 16 of 40 done; the same command goes on from there\n"
    assert len(rows(tmp_path)) == 16


def test_photos_larger_than_wanted_are_shrunk(photos: Path, tmp_path: Path) -> None:
    sample("splice", "-n", 1, "--max-side", 128, "--photos", photos, "--out", tmp_path)
    assert Image.open(tmp_path / "0000.png").size == (128, 64)


def test_what_was_skipped_is_counted(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample("splice", "-n", 4, "--photos", photos, "--out", tmp_path) == 0
    assert "photos skipped: 1 unreadable, 1 with a side under 64 pixels" in capsys.readouterr().err


def test_a_sheet_shows_each_fake_beside_its_original_and_mask(photos: Path, tmp_path: Path) -> None:
    sample("splice", "-n", 2, "--sheet", "--photos", photos, "--out", tmp_path)
    sheet = np.array(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape[1] == 3 * 128 + 2 * 2
    assert len(read_set([tmp_path]).examples) == 4, "the sheet is no sample"


@pytest.fixture
def wrong(photos: Path, tmp_path: Path) -> Iterator[dict[str, tuple[tuple[object, ...], str]]]:
    (tmp_path / "empty").mkdir()
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "1.jpg").write_bytes((photos / "small.jpg").read_bytes())
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / LIST).write_text("label\tpath\nreal\t1.png\n")
    (tmp_path / "file").write_bytes(b"")
    out, cert = ("--out", tmp_path / "out"), photos / "a.jpg"
    yield {
        "unknown": (("nonsense", *out), "there is no generator 'nonsense'; there is "),
        "none wanted": (("faces", "-n", 0, *out), "0 is not in the range"),
        "no photos": (("splice", *out), "--photos DIR says where they are"),
        "needless photos": (("faces", "--photos", photos, *out), "takes no --photos"),
        "no weights": (("outside", "--photos", photos, *out), "--weights FILE says where they are"),
        "needless weights": (("faces", "--weights", cert, *out), "are for the generator 'outside', not for faces"),
        "missing folder": (("splice", "--photos", tmp_path / "gone", *out), "does not exist"),
        "empty folder": (("splice", "--photos", tmp_path / "empty", *out), "none at all"),
        "too small": (("splice", "--photos", tmp_path / "small", *out), "1 with a side under 64 pixels"),
        "half a signature": (("faces", "--certificate", cert, *out), "--certificate and --key go together"),
        "no certificate": (("faces", "--certificate", cert, "--key", cert, *out), "holds no PEM certificate"),
        "foreign list": (("faces", "--out", tmp_path / "foreign"), "of somebody else's"),
        "a file": (("faces", "--out", tmp_path / "file"), "is a file"),
    }


@pytest.mark.parametrize(
    "case",
    [
        "unknown", "none wanted", "no photos", "needless photos", "no weights", "needless weights", "missing folder",
        "empty folder", "too small", "half a signature", "no certificate", "foreign list", "a file",
    ],
)  # fmt: skip
def test_wrong_use_is_one_clear_line_and_code_2(
    case: str, wrong: dict[str, tuple[tuple[object, ...], str]], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, said = wrong[case]
    assert sample(*arguments) == 2
    assert said in error_of(capsys)


def test_a_folder_with_fakes_of_other_settings_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample("faces", "-n", 1, "--out", tmp_path)
    before = contents(tmp_path)
    capsys.readouterr()
    assert sample("faces", "-n", 1, "--seed", 1, "--out", tmp_path) == 2
    assert "holds fakes of other settings" in error_of(capsys) and contents(tmp_path) == before


def test_a_full_disk_names_the_file_and_keeps_what_was_written(photos: Path, tmp_path: Path) -> None:
    limit = "import resource, signal; resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000));"
    limit += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    program = f"{limit} import sys; from forensics.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = ("generate", "sample", "splice", "-n", "1", "--photos", str(photos), "--out", str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert "originals/0000.png" in said and not list((tmp_path / "out").rglob("*.part"))
    assert rows(tmp_path / "out") == []
