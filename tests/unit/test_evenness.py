"""One even field is told from a picture, and no analyzer takes it for a sign of a file that nobody touched."""

from __future__ import annotations

import numpy as np
import pytest

from forensics.analyzers import ANALYZERS
from forensics.analyzers.evenness import EVEN, is_even
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import jpeg, photo, png


def test_one_even_field_is_told_from_a_picture() -> None:
    ramp = np.tile(np.linspace(0, 255, 800, dtype=np.float32), (600, 1))
    page = np.full((600, 800), 255, np.float32)
    page[40:60, 40:200:4] = 0
    assert is_even(np.full((600, 800), 255, np.float32)) and not is_even(page) and not is_even(ramp)
    assert not is_even(photo(1).mean(axis=2, dtype=np.float32))


@pytest.mark.parametrize("name", ["copy_move", "jpeg_history"])
@pytest.mark.parametrize("encode", [png, jpeg])
def test_what_is_one_even_field_is_not_taken_for_untouched(name: str, encode: object) -> None:
    assert callable(encode)
    analyzer = ANALYZERS.load(name)(ScanSettings())
    for level in (0, 128, 255):
        assert analyzer.skip_reason(Media.open(encode(np.full((300, 400, 3), level, np.uint8)))) == EVEN
    assert analyzer.skip_reason(Media.open(encode(photo(1)))) is None
