"""The shape of an analyzer."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import ClassVar, Protocol

from detectors.calibration import LlrModel
from forensics.finding import Finding, Trace
from forensics.media import Media
from forensics.settings import ScanSettings


class Analyzer(Protocol):
    """Looks at one media file for one kind of trace. One object examines many files, one after the other.

    Attributes:
        name: written name in the catalogue.
        trace: family of the trace it looks at.
        title: two or three words for headings.
        about: one sentence: what it looks for and what it cannot see.
    """

    name: ClassVar[str]
    trace: ClassVar[Trace]
    title: ClassVar[str]
    about: ClassVar[str]

    def __init__(self, settings: ScanSettings) -> None: ...

    def skip_reason(self, media: Media) -> str | None:
        """Why this file cannot be examined, as a plain clause; None when it can be."""
        ...

    def examine(self, media: Media) -> Iterable[Finding]:
        """Yield what there is to say, also when nothing was found and that is calibrated.

        Raises:
            MediaError: the file turned out to be broken where only this analyzer looks.
        """
        ...


@cache
def calibration(name: str) -> LlrModel | None:
    """The fitted likelihood ratio of a measure, from `forensics/calibration/<name>.json`; None if none was fitted."""
    path = Path(str(files("forensics") / "calibration" / f"{name}.json"))
    return LlrModel.load(path) if path.is_file() else None
