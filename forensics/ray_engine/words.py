"""What a station is given, and what it and the driver of the run say to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forensics.messages import Answer, Examiner, Opened, Task
from forensics.outcome import Outcome
from forensics.report import ScanReport
from forensics.settings import ScanSettings


@dataclass(frozen=True)
class Equipment:
    """What a station examines with, the same for all of a run.

    Attributes:
        settings, forms, language_code, build: as for `Pool`.
        folder: where reports are written; None writes none.
        workplace: the working folder of the driver, where relative paths begin.
        posts: machine -> what stands for each `Post` there, whose networks its stations ask.
    """

    settings: ScanSettings
    forms: tuple[str, ...]
    language_code: str
    build: Callable[[ScanSettings], Examiner] | None
    folder: Path | None
    workplace: Path
    posts: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Arrived:
    """A station is there, and begins to load its analyzers.

    Attributes:
        host: name of the machine.
        versions: what would decide its results.
    """

    host: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Idle:
    """Everything that a station was handed has ended: the first time, because its analyzers are loaded."""


@dataclass(frozen=True)
class Asked:
    """A file is open; the driver answers what to do with it."""

    task: Task
    opened: Opened


@dataclass(frozen=True, eq=False)
class Examined:
    """A file was examined; the driver answers with the report as it is to be drawn, if there is anything to draw."""

    task: Task
    report: ScanReport
    took_s: float


@dataclass(frozen=True, eq=False)
class Ended:
    """What became of a file.

    Attributes:
        outcome: without the report, which the driver has, and without pages, which are written.
        is_missing: there is no such file, as this machine sees it.
    """

    outcome: Outcome
    is_missing: bool


Event = Arrived | Idle | Asked | Examined | Ended
Reply = Answer | ScanReport
