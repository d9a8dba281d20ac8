"""Quantization tables are called by their right name."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from forensics.analyzers.jpeg.coefficients import read_coefficients
from forensics.analyzers.jpeg.tables import MOZJPEG_LUMA, name_tables, nearest_quality, scale_table
from forensics.settings import Limits


def saved(quality: int, mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    noise = np.random.default_rng(quality).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(noise).convert(mode).save(out, "JPEG", quality=quality)
    return out.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_quality_of_an_independent_encoder_is_named_exactly(mode: str) -> None:
    for quality in range(1, 101):
        name = name_tables(read_coefficients(saved(quality, mode), Limits()).tables)
        assert (name.family, name.quality, name.exact) == ("IJG", quality, True)


def test_steps_read_from_the_file_are_those_that_the_other_reader_sees() -> None:
    data = saved(63)
    with Image.open(io.BytesIO(data)) as image:
        tables = image.quantization  # type: ignore[attr-defined]
    ours = read_coefficients(data, Limits()).tables
    assert [list(map(int, table)) for table in ours] == [list(tables[0]), list(tables[1])]


def test_mozjpeg_tables_are_told_from_the_standard_ones() -> None:
    table = scale_table(MOZJPEG_LUMA, 80)
    name = name_tables((table, table))
    assert (name.family, name.quality, name.exact) == ("mozjpeg", 80, True)


def test_one_changed_step_makes_the_table_the_encoders_own() -> None:
    luma = read_coefficients(saved(85), Limits()).tables[0].copy()
    luma[3] += 1
    name = name_tables((luma,))
    assert (name.family, name.exact) == ("own", False)
    assert abs(name.quality - 85) <= 1


def test_standard_luma_with_other_chroma_is_said_to_be_just_that() -> None:
    luma, chroma = read_coefficients(saved(85), Limits()).tables
    name = name_tables((luma, chroma + 1))
    assert (name.family, name.quality, name.exact) == ("IJG", 85, False)
    assert "own chroma" in str(name)


def test_a_table_with_one_step_is_called_flat() -> None:
    assert name_tables((np.full(64, 7),)).family == "flat"


def test_a_few_steps_are_enough_to_name_a_quality() -> None:
    luma = read_coefficients(saved(70), Limits()).tables[0]
    assert nearest_quality({i: int(luma[i]) for i in (1, 8, 16, 9, 2)}) == 70


@pytest.mark.parametrize("quality", [0, 101])
def test_a_quality_out_of_range_is_refused(quality: int) -> None:
    with pytest.raises(ValueError, match="quality"):
        scale_table(MOZJPEG_LUMA, quality)


def test_no_tables_and_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="table"):
        name_tables(())
    with pytest.raises(ValueError, match="step"):
        nearest_quality({})
