"""What a pool and its worker processes say to each other, and what a worker needs of a scanner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from forensics.containers.account import Account
from forensics.containers.limits import InsideLimits
from forensics.containers.share import WHOLE, Share
from forensics.media import Media
from forensics.report import ScanReport
from forensics.settings import ScanSettings


class Examiner(Protocol):
    """What a worker needs of a scanner."""

    settings: ScanSettings

    @property
    def versions(self) -> Mapping[str, str]:
        """What decides its results."""
        ...

    def scan(self, media: Media, tell: Callable[[str, ScanReport], None] | None = None) -> ScanReport:
        """Examine one file; `tell` hears of every step."""
        ...


@dataclass(frozen=True)
class Task:
    """One file to examine.

    Attributes:
        path: where it lies.
        shown: the path to show and to store; "-" for standard input.
        name: file name to show.
        inside: what looking inside it may cost, if it is a container; None does not look.
        container: of a file that was found in one, the outermost container as shown; "" for others.
        url: of a file that is fetched before it is examined; "" for one that lies here.
        version: of a file that is fetched: its ETag, which another content has not; "" where nothing tells.
        share: of a container that several workers open, what is taken of it here.
    """

    path: Path
    shown: str
    name: str
    inside: InsideLimits | None = None
    container: str = ""
    url: str = ""
    version: str = ""
    share: Share = WHOLE


@dataclass(frozen=True)
class Ready:
    """A worker has loaded its analyzers.

    Attributes:
        versions: what decides its results.
        refused: why it cannot work with these settings, "" if it can.
        is_warm: whether it has also loaded all that is otherwise loaded with the first file, networks above all.
        lacking: what this system cannot give to confine it, a sentence each.
    """

    versions: Mapping[str, str]
    refused: str = ""
    is_warm: bool = False
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True)
class Opened:
    """A file that is media and within the limits, before it costs anything.

    Attributes:
        sha256, kind, format, size_bytes: as in Media.
        versions: what would decide the result.
    """

    sha256: str
    kind: str
    format: str
    size_bytes: int
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Entered:
    """A file is a container and will be unpacked; the parent answers with the scratch folder to use.

    Attributes:
        kind: of `containers.kinds.container_kind_of`.
    """

    kind: str


@dataclass(frozen=True, eq=False)
class Answer:
    """What the parent wants done with an opened file.

    Attributes:
        scan: examine it.
        known: a report there is already, to be drawn; None for none.
    """

    scan: bool
    known: ScanReport | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """One step of an examination is over.

    Attributes:
        name: "hash" or an analyzer.
        report: what is known by then.
        preview: a small JPEG of the picture, newly encoded, with the first step; b"" else.
    """

    name: str
    report: ScanReport
    preview: bytes = b""


@dataclass(frozen=True, eq=False)
class Scanned:
    """A file was examined; the parent answers with the report as it is to be drawn, if there is anything to draw."""

    report: ScanReport


@dataclass(frozen=True, eq=False)
class Done:
    """The end of one task.

    Attributes:
        pages: form -> the report in that form.
        code, message: of the MediaError, "" when there was none.
        sha256: of a file that could not be opened, if it could be read; "" else.
        account: of a container that was unpacked; None for other files.
    """

    pages: Mapping[str, bytes] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    sha256: str = ""
    account: Account | None = None
