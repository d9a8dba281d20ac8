"""Damage to a file: bytes overwritten, a run repeated or dropped, the end cut off; as hypothesis draws it."""

from __future__ import annotations

from typing import TypeAlias

from hypothesis import strategies as st

Change: TypeAlias = tuple[float, list[tuple[float, int]], tuple[float, int]]
"""A share to keep, bytes to overwrite, and a run of bytes to repeat (negative: to drop); places are shares."""

PLACE = st.floats(0, 1, exclude_max=True)


def changes(deciding: st.SearchStrategy[float], *, most: int) -> st.SearchStrategy[Change]:
    """Changes of which half overwrite what decides most.

    Args:
        deciding: its places, shares of the file.
        most: bytes that are overwritten at most.
    """
    value = st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255)
    bytes_ = st.lists(st.tuples(st.one_of(PLACE, deciding), value), max_size=most)
    return st.tuples(st.one_of(st.just(1.0), PLACE), bytes_, st.tuples(PLACE, st.integers(-40, 40)))


def damaged(sound: bytes, change: Change) -> bytes:
    """The file after a change."""
    keep, bytes_, (at, length) = change
    data = bytearray(sound)
    for place, value in bytes_:
        data[int(place * len(data))] = value
    start = int(at * len(data))
    if length > 0:
        data[start:start] = data[start : start + length]
    else:
        del data[start : start - length]
    return bytes(data[: int(keep * len(data)) + 1])
