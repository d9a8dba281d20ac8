"""What the processor is asked decides by which way products are taken, and with what precision a run goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from generators import processor
from generators.processor import BFLOAT16_PRODUCTS, BYTE_PRODUCTS, multiplies_bfloat16, multiplies_bytes
from generators.trainers import FLOAT, HALF, RunSettings


@pytest.mark.parametrize(
    ("features", "flags", "expected"),
    [
        ({"AVX2": True, "AVX512VNNI": True}, "", True),
        ({"AVX2": True, "AVX512VNNI": False}, "flags : avx avx2 fma", False),
        ({"AVX2": True, "AVX512VNNI": False}, "flags : avx avx2 fma avx_vnni", True),
        ({"AVX2": True, "AVX512VNNI": False}, "flags : avx avx2 not_avx_vnni_at_all", False),
        ({"ASIMD": True, "ASIMDDP": True}, "", True),
        ({"ASIMD": True, "ASIMDDP": False}, "", False),
        ({}, "", True),
    ],
)
def test_a_processor_multiplies_bytes_by_the_instruction_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, features: dict[str, bool], flags: str, expected: bool
) -> None:
    said = tmp_path / "cpuinfo"
    if flags:
        said.write_text(flags)
    monkeypatch.setattr(processor, "CPU_INFO", said)
    monkeypatch.setattr(processor, "_features", lambda: features)
    assert multiplies_bytes() is expected


@pytest.mark.parametrize(
    ("features", "expected"),
    [({"AVX512F": True}, False), ({"AVX512BF16": True}, True), ({"AVX512_SPR": True}, True), ({}, False)],
)
def test_a_processor_multiplies_bfloat16_by_the_instruction_for_it(
    monkeypatch: pytest.MonkeyPatch, features: dict[str, bool], expected: bool
) -> None:
    monkeypatch.setattr(processor, "_features", lambda: features)
    assert multiplies_bfloat16() is expected


def test_numpy_still_says_what_the_processor_can_do() -> None:
    features = processor._features()
    assert {*BYTE_PRODUCTS, *BFLOAT16_PRODUCTS} <= set(features)
    assert any(features.values())


@pytest.mark.parametrize(
    ("has_half", "device", "expected"),
    [(True, "cpu", HALF), (False, "cpu", FLOAT), (True, "auto", HALF), (False, "cuda", HALF), (False, "gpu", HALF)],
)
def test_a_run_takes_the_precision_that_its_device_is_made_for(
    monkeypatch: pytest.MonkeyPatch, has_half: bool, device: str, expected: str
) -> None:
    monkeypatch.setattr(processor, "multiplies_bfloat16", lambda: has_half)
    assert RunSettings(device=device).precision == expected


@pytest.mark.parametrize(("has_card", "expected"), [(True, HALF), (False, FLOAT)])
def test_a_run_on_any_device_takes_that_of_a_card_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, has_card: bool, expected: str
) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra 'learned'")
    monkeypatch.setattr(processor, "multiplies_bfloat16", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_card)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert RunSettings(device="auto").precision == expected


def test_a_precision_that_was_asked_for_stays() -> None:
    asked = {RunSettings(device="cpu", precision=precision).precision for precision in (HALF, FLOAT)}
    assert asked == {HALF, FLOAT}
    assert replace(RunSettings(device="cpu"), precision=HALF, seed=2).precision == HALF


@pytest.mark.parametrize("minutes", [float("nan"), float("inf")])
def test_no_setting_of_any_run_may_be_other_than_a_number(minutes: float) -> None:
    with pytest.raises(ValueError, match=f"^minutes must be finite, not {minutes}$"):
        RunSettings(minutes=minutes)
