"""Whatever bytes a file holds: Media.open gives a medium or a MediaError of one line, never another exception."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.errors import MediaError
from forensics.media import Kind, Media
from forensics.media.sniff import sniff
from forensics.settings import Limits
from tests.make_files import STILL_FORMATS
from tests.properties.damage import PLACE, Change, changes, damaged
from tests.properties.sound import MEDIA_KINDS, medium

LIMITS = Limits(max_pixels=200_000, max_frames=50, max_duration_s=60.0, n_frames=4, frame_side_px=64)
"""Tight, so that a header that was changed to claim more costs nothing."""


def examine(data: bytes) -> None:
    """Open and decode as a scan does."""
    try:
        media = Media.open(data, limits=LIMITS)
        if media.kind is Kind.IMAGE:
            assert media.pixels.shape == (media.image.height, media.image.width, 3)
        assert 1 <= len(media.frames) <= LIMITS.n_frames
    except MediaError as error:
        assert str(error) and "\n" not in str(error) and str(error).isprintable()


HEADS = PLACE.map(lambda share: share / 20)
"""Headers are short and decide most: half of the changes fall into the first twentieth."""


@pytest.mark.parametrize("kind", MEDIA_KINDS)
@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(changes(HEADS, most=12))
def test_a_damaged_file_is_a_medium_or_one_line(kind: str, change: Change) -> None:
    examine(damaged(medium(kind), change))


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_sniffed_or_refused(data: bytes) -> None:
    try:
        assert sniff(data).isalnum()
    except MediaError as error:
        assert error.code in ("empty", "encrypted", "not-media", "unsupported")


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(MEDIA_KINDS), st.binary(max_size=120))
def test_a_signature_before_arbitrary_bytes_is_a_medium_or_one_line(kind: str, tail: bytes) -> None:
    examine(medium(kind)[:16] + tail)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(STILL_FORMATS), st.integers(0, 10_000))
def test_a_stream_gives_what_bytes_give(kind: str, cut: int) -> None:
    data = medium(kind)[:cut]
    outcomes = []
    for source in (data, io.BytesIO(data)):
        try:
            outcomes.append(str(Media.open(source, limits=LIMITS).image))
        except MediaError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]
