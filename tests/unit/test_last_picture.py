"""The same asked of one picture is worked out once, unless the picture could have changed meanwhile."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from detectors.last_picture import once_a_picture
from generators.images import Pixels


def picture(value: int, *, fixed: bool = True) -> Pixels:
    """(4, 4, 3) of one value."""
    pixels = np.full((4, 4, 3), value, np.uint8)
    pixels.flags.writeable = not fixed
    return pixels


@pytest.fixture
def calls() -> list[tuple[int, int]]:
    return []


def test_a_picture_is_asked_about_once_by_each_argument(calls: list[tuple[int, int]]) -> None:
    @once_a_picture
    def scaled(pixels: Pixels, by: int = 1) -> int:
        calls.append((int(pixels[0, 0, 0]), by))
        return int(pixels[0, 0, 0]) * by

    first, second = picture(3), picture(3)
    assert [scaled(first), scaled(first, 2), scaled(first), scaled(first, 2), scaled(second)] == [3, 6, 3, 6, 3]
    # Another picture of the same pixels is another picture; coming back to the first is as well.
    assert calls == [(3, 1), (3, 2), (3, 1)] and scaled(first) == 3 and len(calls) == 4


def test_what_can_be_written_to_is_asked_about_anew(calls: list[tuple[int, int]]) -> None:
    @once_a_picture
    def top(pixels: Pixels) -> int:
        calls.append((0, 0))
        return int(pixels.max())

    pixels = picture(3, fixed=False)
    assert top(pixels) == 3
    pixels[0] = 9
    assert top(pixels) == 9 and len(calls) == 2


def test_a_picture_is_not_kept_alive_and_a_fault_not_remembered() -> None:
    @once_a_picture
    def refused(pixels: Pixels) -> int:
        if pixels.max() == 1:
            raise ValueError("no")
        return 1

    bad, good = picture(1), picture(2)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            refused(bad)
    assert refused(good) == 1
    seen = weakref.ref(good)
    del good
    gc.collect()
    assert seen() is None
