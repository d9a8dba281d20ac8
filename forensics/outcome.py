"""What a pool says of each file when it is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forensics.containers.account import Account
from forensics.errors import MediaError
from forensics.messages import Opened, Task
from forensics.report import ScanReport


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one file.

    Attributes:
        task: what was asked.
        opened: None when it is no media that could be opened.
        report: as the parent keeps it; None when it failed, or when the parent did not want it scanned.
        pages: form -> the report in that form.
        sha256: of the file; "" when it could not be read.
        error: why there is no report, or no page of it; None when all went well.
        elapsed_s: wall-clock time in the worker.
        account: of a container: what came out of it; None for other files.
        written: names of pages that lie in the output folder already.
    """

    task: Task
    opened: Opened | None
    report: ScanReport | None
    pages: Mapping[str, bytes]
    sha256: str
    error: MediaError | None
    elapsed_s: float
    account: Account | None = None
    written: tuple[str, ...] = ()
