"""The log of a run: one JSON object a line, so that a kill costs the last line at most."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from generators.quality.monitor import Quality

LOG = "log.jsonl"


@dataclass(frozen=True)
class LogLine:
    """Where a run stands; None is what was not measured, and a figure that is no number is told as it is.

    Attributes:
        n_seen: real pictures shown so far.
        loss_d, loss_g: of discriminator and generator.
        sign_real: mean sign of D(real) - D(fake) over pairs, -1..1; 1 when every real is told from every fake.
        sign_held_out: the same with reals that are not trained on; falls behind where the discriminator learns by
            heart.
        r1, r2: mean squared gradients on reals and on fakes.
        augment: strength of the augmentation, 0..1.
        d_per_g: steps of the discriminator for one of the generator.
        per_second: real pictures a second.
        finite: whether all weights are numbers.
        quality: figures of the fakes, where they were measured.
        note: what happened, such as an alarm; "" for nothing.
    """

    n_seen: int
    loss_d: float | None = None
    loss_g: float | None = None
    sign_real: float | None = None
    sign_held_out: float | None = None
    r1: float | None = None
    r2: float | None = None
    augment: float | None = None
    d_per_g: float | None = None
    per_second: float | None = None
    finite: bool = True
    quality: Quality | None = None
    note: str = ""


def append(path: Path, line: LogLine) -> None:
    """Add a line to a log, which is made if missing.

    Raises:
        OSError: disk full or folder not writable.
    """
    plain: dict[str, Any] = {field.name: getattr(line, field.name) for field in fields(line)}
    plain = {name: _written(value) for name, value in plain.items() if value is not None}
    with path.open("a+b") as file:
        if file.tell() and not _ends_a_line(file):
            file.write(b"\n")  # the last writer was killed within its line
        file.write(json.dumps(plain, allow_nan=False).encode() + b"\n")


def read(path: Path) -> tuple[LogLine, ...]:
    """Lines that still stand: what a resumed run went over again counts as it went the last time.

    Lines that a kill cut short are left out.

    Raises:
        FileNotFoundError: there is no log.
    """
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(_line(json.loads(text)))
        except (json.JSONDecodeError, TypeError, AttributeError):
            continue
    return standing(lines)


def standing(lines: Iterable[LogLine]) -> tuple[LogLine, ...]:
    """Without the lines that a return to an earlier number of pictures has undone."""
    kept: list[LogLine] = []
    for line in lines:
        while kept and kept[-1].n_seen >= line.n_seen:
            kept.pop()
        kept.append(line)
    return tuple(kept)


def _line(plain: dict[str, Any]) -> LogLine:
    values = {name: _read(value) for name, value in plain.items()}
    if "quality" in values:
        values["quality"] = Quality.from_plain(
            {name: {key: _read(v) for key, v in figure.items()} for name, figure in values["quality"].items()}
        )
    return LogLine(**values)


def _written(value: Any) -> Any:
    """JSON has no word for what is no number, so it is told in letters."""
    if isinstance(value, Quality):
        return {name: {k: _written(v) for k, v in asdict(f).items()} for name, f in value.figures().items()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _read(value: Any) -> Any:
    return float(value) if value in ("nan", "inf", "-inf") else value


def _ends_a_line(file: Any) -> bool:
    file.seek(-1, 2)
    return bool(file.read(1) == b"\n")
