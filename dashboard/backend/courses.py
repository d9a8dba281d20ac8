"""How the training of a GAN went: its figures over the pictures it had seen, from the log of the run."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from generators.quality.log import LOG, LogLine, read

MAX_BYTES = 5 << 20
"""A line is about a kilobyte and is written once a minute."""

FLOOR = "fd_floor"

PANELS = {
    "Distance to real pictures (FD-lite0, lower is better)": {"fd_lite0": "fakes", FLOOR: "reals (floor)"},
    "Shares (higher is better)": {"precision": "precision", "recall": "recall", "coverage": "coverage"},
}
"""What is drawn: heading -> figure of the log -> word in the legend."""


@dataclass(frozen=True)
class Point:
    """One reading of one figure.

    Attributes:
        n_seen: real pictures shown until then.
        curve: word of the legend.
        value, low, high: figure and 95 % interval.
    """

    n_seen: int
    curve: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Course:
    """The readings of a run.

    Attributes:
        panels: heading -> points of all its curves.
        notes: what happened on the way, such as an alarm.
    """

    panels: dict[str, tuple[Point, ...]]
    notes: tuple[str, ...]


def shipped_course(stem: str) -> Course | None:
    """The log that lies beside a card; None where none does.

    Without the floor: what shipped was measured against the first of sorted pictures on the way, which is a worse floor
    than that of the card.
    """
    path = Path(str(files("generators") / "zoo" / f"{stem}.{LOG}"))
    return _course(read(path), without=FLOOR) if path.is_file() else None


def uploaded_course(data: bytes) -> Course:
    """The log of somebody's own run.

    Raises:
        ValueError: it is no such log, too large, or nothing was measured in it.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"a log of a run is not larger than {MAX_BYTES >> 20} MB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LOG
        path.write_bytes(data.decode("utf-8", "replace").encode())
        try:
            found = _course(read(path))
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"this is no {LOG} of `unforged generate train`") from error
    if not any(found.panels.values()):
        raise ValueError(f"no figure was measured in this {LOG}; a run measures every 100,000 pictures")
    return found


def _course(lines: tuple[LogLine, ...], without: str = "") -> Course:
    drawn = {title: {n: word for n, word in curves.items() if n != without} for title, curves in PANELS.items()}
    panels = {title: tuple(_points(lines, curves)) for title, curves in drawn.items()}
    return Course(panels, tuple(f"{line.n_seen:,}: {line.note}" for line in lines if line.note))


def _points(lines: tuple[LogLine, ...], curves: dict[str, str]) -> Iterator[Point]:
    for line in lines:
        for name, word in curves.items() if line.quality is not None else ():
            figure = getattr(line.quality, name)
            ends = float(figure.value), float(figure.low), float(figure.high)
            if all(map(math.isfinite, ends)):
                yield Point(int(line.n_seen), word, *ends)
