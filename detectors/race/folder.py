"""Where a race keeps what it has done: every step's outcome lies in a file that is whole or not there."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.whole_files import write_whole

RACE, JOURNAL = "race.json", "journal.jsonl"

STEPS = ("attack", "forge", "launder", "gather", "retrain", "calibrate", "judge", "gate", "promote")
"""Of a round, in order. A step reads what the ones before it wrote, and may be done again as often as it likes."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class RaceFolder:
    """The folder of a race.

    Attributes:
        root: the folder.
    """

    root: Path

    def round(self, number: int) -> Path:
        """Folder of a round, made if missing."""
        path = self.root / "rounds" / f"{number:03d}"
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def exists(self) -> bool:
        """Whether a race was begun here."""
        return (self.root / RACE).is_file()

    def done(self) -> frozenset[tuple[int, str]]:
        """Rounds and steps that are over."""
        return frozenset((line["round"], line["step"]) for line in self._lines())

    def took_s(self, number: int) -> float:
        """Seconds that the steps of a round have taken so far."""
        return float(sum(line["took_s"] for line in self._lines() if line["round"] == number))

    def mark(self, number: int, step: str, took_s: float) -> None:
        """Note that a step is over.

        Raises:
            OSError: the disk is full, or the folder not writable.
        """
        line = {"round": number, "step": step, "at": now(), "took_s": round(took_s, 3)}
        path = self.root / JOURNAL
        before = path.read_bytes() if path.is_file() else b""
        write_whole(path, before + json.dumps(line).encode() + b"\n")

    def _lines(self) -> list[dict[str, Any]]:
        path = self.root / JOURNAL
        if not path.is_file():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def now() -> str:
    """UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_json(path: Path, value: Any) -> None:
    """Write plain values; the folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read plain values.

    Raises:
        ValueError: the file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} of the race is missing or damaged: {error}") from error


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays by name; the folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_whole(path, buffer.getvalue())


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read arrays by name.

    Raises:
        ValueError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} of the race is missing or damaged: {error}") from error
