"""Sheets and curves: what is drawn is what was measured."""

from __future__ import annotations

import dataclasses
import io
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from generators.own_pictures import Own, own_kind
from generators.quality.curves import CURVES, Curves, curve_sheet, scalars
from generators.quality.log import LogLine
from generators.quality.sheets import nearest_sheet, sample_sheet, write_sheet
from tests.make_quality import healthy_run


def tiles(n: int, value: int = 0) -> NDArray[np.uint8]:
    """(n, 8, 8, 3), tile i of the grey i + value."""
    return np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None] + np.uint8(value), (n, 8, 8, 3)).copy()


def test_a_sheet_of_samples_is_square_and_holds_each_once() -> None:
    sheet = sample_sheet(tiles(9))
    assert sheet.shape == (28, 28, 3)
    assert [sheet[10 * (i // 3) + 4, 10 * (i % 3) + 4, 0] for i in range(9)] == list(range(9))


def test_the_nearest_stand_at_the_right_of_their_fakes() -> None:
    sheet = nearest_sheet(tiles(6), tiles(6, 100))
    step = (sheet.shape[1] + 2) // 8
    row = sheet[-18:-10]
    first_row = row.max(axis=(0, 2), initial=0, where=row < 255)
    assert [first_row[step * i : step * (i + 1)].max() for i in range(8)] == [0, 100, 1, 101, 2, 102, 3, 103]
    with pytest.raises(ValueError):
        nearest_sheet(tiles(6), tiles(5))


def test_a_written_sheet_keeps_pixels_and_says_that_its_pictures_are_made(tmp_path: Path) -> None:
    sheet = sample_sheet(tiles(4))
    write_sheet(tmp_path / "samples.png", sheet)
    with Image.open(tmp_path / "samples.png") as image:
        assert np.array_equal(np.asarray(image), sheet)
        assert "made by a generator" in image.info["Description"]
    assert own_kind(tmp_path / "samples.png") is Own.DRAWN


def test_curves_change_with_the_log(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    lines = healthy_run()
    drawn = [np.asarray(Image.open(io.BytesIO(curve_sheet(some)))) for some in (lines, lines, lines[:4])]
    assert np.array_equal(drawn[0], drawn[1])
    assert drawn[0].shape[0] > 1000 and drawn[0].shape == drawn[2].shape
    assert (drawn[0] != drawn[2]).any()
    (tmp_path / CURVES).write_bytes(curve_sheet(lines))
    assert own_kind(tmp_path / CURVES) is Own.DRAWN, "or it is taken for a photo in its folder"


def test_readings_that_are_no_number_leave_a_gap() -> None:
    pytest.importorskip("matplotlib")
    lines = healthy_run(4)
    broken = dataclasses.replace(lines[3], loss_d=math.nan, loss_g=math.inf)
    assert "losses/discriminator" not in scalars(broken) and "losses/generator" not in scalars(broken)
    assert curve_sheet([*lines[:3], broken])
    assert curve_sheet([LogLine(10)])


def test_scalars_are_the_readings_of_a_line() -> None:
    line = healthy_run()[1]
    assert line.quality is not None
    told = scalars(line)
    assert told["losses/generator"] == line.loss_g
    assert told["FD-lite0/fakes"] == line.quality.fd_lite0.value
    assert told["real pictures a second"] == line.per_second
    assert not [tag for tag in scalars(LogLine(10, loss_d=1.0)) if not tag.startswith("losses")]


def test_curves_of_a_run_are_told_once(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    lines, curves = healthy_run(), Curves(tmp_path)
    curves.draw(lines[:5])
    curves.draw(lines[:8])
    Curves(tmp_path).draw(lines)  # a resumed run
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    told = [(event.step, event.value) for event in events.Scalars("losses/generator")]
    assert told == [(line.n_seen, pytest.approx(line.loss_g)) for line in lines]
