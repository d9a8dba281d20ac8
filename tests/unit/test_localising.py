"""Maps measured on pictures whose altered part is known."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from detectors.data import Example
from detectors.picture_set import read_set
from forensics.cli import main
from forensics.finding import Finding, Heat, Trace
from forensics.localising import ALL, Located, locate, map_rows
from forensics.media import Media
from forensics.report import ScanReport
from forensics.scanner import Scanner
from forensics.settings import ScanSettings
from tests.make_media import photo

SIDE = 64


class Maps:
    """An examiner that draws the maps it is given."""

    settings = ScanSettings(analyzers=())
    versions: Mapping[str, str] = {}

    def __init__(self, *maps: NDArray[np.float32]) -> None:
        self._findings = tuple(
            Finding("toy", Trace.SENSOR, "a map", heat=Heat(values.astype(np.float32), "bright")) for values in maps
        )

    def scan(self, media: Media, tell: object = None) -> ScanReport:
        return replace(Scanner(self.settings).scan(media), findings=self._findings)


@pytest.fixture
def altered(tmp_path: Path) -> Example:
    """A picture whose upper left quarter was altered."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[: SIDE // 2, : SIDE // 2] = 255
    Image.fromarray(photo(1, width=SIDE, height=SIDE)).save(tmp_path / "a.png")
    Image.fromarray(mask).save(tmp_path / "a-mask.png")
    return Example(tmp_path / "a.png", 1, "phone", "splice", "edit", mask=tmp_path / "a-mask.png")


QUARTER = np.kron(np.array([[1.0, 0.0], [0.0, 0.0]]), np.ones((16, 16)))
HALF = np.kron(np.array([[1.0, 1.0], [0.0, 0.0]]), np.ones((16, 16)))


@pytest.mark.parametrize(
    ("maps", "area"),
    [
        ([QUARTER], 1.0),
        ([1 - QUARTER], 0.0),
        ([np.zeros((3, 3))], 0.5),
        ([HALF], 5 / 6),  # all of the altered quarter, and a third of the rest
        ([np.zeros((32, 32)), QUARTER], 1.0),  # two findings draw one map together
    ],
)
def test_the_area_is_over_the_pixels_of_the_picture(
    altered: Example, maps: list[NDArray[np.float32]], area: float
) -> None:
    (said,) = locate(Maps(*maps), altered, ["original"])
    assert said.looked == "toy: bright" and said.auroc == pytest.approx(area, abs=0.02)


def test_every_condition_is_looked_at(altered: Example) -> None:
    assert [one.condition for one in locate(Maps(QUARTER), altered)] == ["original", "q90", "q75"]


def test_a_picture_without_a_map_counts_one_half_and_a_generator_has_rows_of_its_own(altered: Example) -> None:
    examples = [replace(altered, path=Path(f"{i}.png"), generator=("splice", "copy")[i % 2]) for i in range(4)]
    said = [Located("toy: bright", "original", example, 0.9) for example in examples[::2]]
    rows = {row.generator: row for row in map_rows(said, examples)}
    assert (rows[ALL].n, rows[ALL].n_mapped, rows[ALL].auroc_mapped) == (4, 2, 0.9)
    assert rows[ALL].auroc == pytest.approx(0.7) and rows[ALL].interval.low <= 0.7 <= rows[ALL].interval.high
    assert rows["splice"].auroc == pytest.approx(0.9)
    assert (rows["copy"].auroc, rows["copy"].n_mapped, rows["copy"].auroc_mapped) == (0.5, 0, None)


@pytest.mark.parametrize("broken", ["none", "size", "black"])
def test_a_mask_that_says_nothing_is_refused_with_its_reason(altered: Example, broken: str) -> None:
    assert altered.mask is not None
    if broken == "none":
        altered.mask.unlink()
    else:
        side = SIDE + (broken == "size")
        Image.fromarray(np.zeros((side, side), np.uint8)).save(altered.mask)
    with pytest.raises(ValueError, match="mask"):
        list(locate(Maps(QUARTER), altered))


def test_the_command_measures_what_generate_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(2):
        Image.fromarray(photo(i, width=320, height=256)).save(photos / f"{i}.png")
    fakes = tmp_path / "fakes"
    assert main(["generate", "sample", "copy_move", "--photos", str(photos), "-n", "2", "--out", str(fakes)]) == 0
    assert all(e.mask is not None and e.mask.is_file() for e in read_set([fakes]).examples if e.label)
    capsys.readouterr()
    asked = ["evaluate-maps", "--data", str(fakes), "--analyzers", "copy_move,ela", "--conditions", "original"]
    assert main([*asked, "--out", str(tmp_path / "out")]) == 0
    shown = [text.split("\t") for text in capsys.readouterr().out.splitlines()]
    assert {row[0].partition(":")[0] for row in shown} >= {"ela"} and {row[3] for row in shown} == {"2"}
    with (tmp_path / "out" / "maps.csv").open() as file:
        written = list(csv.DictReader(file))
    assert len(written) == len(shown) and all(0 <= float(row["auroc"]) <= 1 for row in written)


def test_a_set_without_masks_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("real", "fake"):
        (tmp_path / name).mkdir()
        Image.fromarray(photo(1, width=SIDE, height=SIDE)).save(tmp_path / name / "a.png")
    assert main(["evaluate-maps", "--data", str(tmp_path)]) == 2
    assert "column `mask`" in capsys.readouterr().err
