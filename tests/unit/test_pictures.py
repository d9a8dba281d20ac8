"""Kept pictures: what goes in comes out, and the views show what they claim to."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from forensics.pictures import SPECTRUM_SIDE_PX, decoded, noise_picture, pack, spectrum_picture, unpack

RNG = np.random.default_rng(7)


def test_frames_come_back_at_their_exact_times_in_order() -> None:
    frames = {2 / 3: np.full((40, 60, 3), 200, np.uint8), 0.1: np.full((40, 60, 3), 30, np.uint8)}
    kept = unpack(pack(frames, {"noise": np.full((8, 8, 3), 128, np.uint8)}))
    assert list(kept.frames) == [0.1, 2 / 3]
    assert set(kept.layers) == {"noise"}
    assert abs(int(decoded(kept.frames[0.1]).mean()) - 30) <= 2
    assert decoded(kept.frames[0.1]).shape == (40, 60, 3)


def test_a_planted_zip_is_not_unpacked() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("frames/0.0.jpg", bytes(80 << 20))
    with pytest.raises(ValueError, match="more than"):
        unpack(packed.getvalue())
    with pytest.raises(ValueError, match="damaged"):
        unpack(b"no archive")


def test_a_wave_shows_at_its_frequency_on_both_sides_of_the_middle() -> None:
    x = np.arange(256, dtype=np.float32)
    luma = np.broadcast_to(128 + 40 * np.cos(2 * np.pi * x / 4), (256, 256)).astype(np.float32)
    light = spectrum_picture(luma + RNG.normal(0, 1, luma.shape).astype(np.float32)).astype(int).sum(axis=2)
    middle = SPECTRUM_SIDE_PX // 2
    row = light[middle + 2]
    right, left = int(row[middle + 20 :].argmax()) + middle + 20, int(row[: middle - 20].argmax())
    assert abs(right - middle * 3 // 2) <= 8 and abs(left - middle // 2) <= 8


def test_more_noise_makes_a_livelier_picture() -> None:
    flat = np.full((64, 64), 120, np.float32)
    spread = [
        noise_picture(flat + RNG.normal(0, sigma, flat.shape).astype(np.float32)).astype(float).std()
        for sigma in (0.0, 1.0, 3.0)
    ]
    assert spread[0] == 0.0 < spread[1] < spread[2]
