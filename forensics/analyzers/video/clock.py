"""Times and counts of a video in words."""

from __future__ import annotations


def clock(time_s: float) -> str:
    """HH:MM:SS.mmm, as editing programs show it."""
    ms = round(max(time_s, 0.0) * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def count(n: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 frame", "1,200 frames"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
