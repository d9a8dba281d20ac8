"""The archive for the page of that name: filters, pages, distributions, exports, and scans of folders."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from dashboard.backend.configuration import Configuration
from dashboard.backend.options import Options
from dashboard.backend.places import Places, places
from dashboard.roles import Role, User, require
from forensics.hostile_text import one_line
from forensics.report_table import FORMULA_STARTS
from forensics.store import ScanRow, Store
from forensics.store.archive import Archive, Count, SortBy
from forensics.store.filters import ScanFilter
from forensics.store.folder_scans import FolderScan, FolderScans, Progress
from forensics.store.queue_words import Bar
from forensics.verdict import Opinion

__all__ = ["OPINIONS", "Bar", "Charts", "Count", "FolderScan", "Listing", "Progress", "ScanFilter", "ScanRow"]
__all__ += ["Places", "SortBy", "charts", "export", "folder_scans", "listing", "one_line", "places", "start", "stop"]

OPINIONS = tuple(str(opinion) for opinion in Opinion)

PAGE_ROWS = 25

MAX_RUNNING = 2
"""Scans of folders at a time; each has workers of its own."""

MAX_EXPORT_ROWS = 200_000
"""Rows of an export, which is made in memory: about 80 MB."""

COLUMNS = (
    "id",
    "scanned_at",
    "opinion",
    "probability",
    "llr",
    "kind",
    "format",
    "size_bytes",
    "sha256",
    "path",
    "folder",
)


@dataclass(frozen=True)
class Listing:
    """One page, and where it stands.

    Attributes:
        rows: of the page; names and paths are hostile text.
        number, n_pages: of the page from 0, and how many there are, 1 at least.
        opinions: opinion -> how many scans fit the filter.
    """

    rows: tuple[ScanRow, ...]
    number: int
    n_pages: int
    opinions: Mapping[str, int]

    @property
    def n_rows(self) -> int:
        """How many scans fit the filter."""
        return sum(self.opinions.values())


@dataclass(frozen=True)
class Charts:
    """Distributions of what fits the filter; each group is told apart by opinion."""

    scores: tuple[Count, ...]
    days: tuple[Count, ...]
    folders: tuple[Count, ...]


def listing(store: Store, wanted: ScanFilter, *, sort: SortBy, descending: bool, number: int) -> Listing:
    """Look a page up; one that is past the end becomes the last."""
    archive = Archive(store)
    opinions = archive.opinions(wanted)
    n_rows = sum(opinions.values())
    n_pages = max(1, -(-n_rows // PAGE_ROWS))
    number = min(max(number, 0), n_pages - 1)
    rows = archive.page(wanted, sort=sort, descending=descending, number=number, size=PAGE_ROWS, n_rows=n_rows)
    return Listing(tuple(rows), number, n_pages, opinions)


def charts(store: Store, wanted: ScanFilter) -> Charts:
    """Count what fits; folders as everybody may see them."""
    archive, known = Archive(store), places(store)
    folders = (replace(count, group=known.short(count.group)) for count in archive.folders(wanted))
    return Charts(tuple(archive.scores(wanted)), tuple(archive.days(wanted)), tuple(folders))


def export(store: Store, wanted: ScanFilter, *, sort: SortBy, descending: bool, form: str, user: User) -> bytes:
    """Every scan that fits, in order.

    Args:
        store: of scans.
        wanted: the filter.
        sort, descending: the order.
        form: "csv" or "jsonl".
        user: who gets it; whole paths are for admins.
    """
    rows = _at_most(Archive(store).rows(wanted, sort=sort, descending=descending), MAX_EXPORT_ROWS)
    if user.role < Role.ADMIN:
        known = places(store)
        rows = (replace(row, folder=known.short(row.folder), path=row.filename) for row in rows)
    plain = ({name: asdict(row)[name] for name in COLUMNS} for row in rows)
    if form == "jsonl":
        return b"".join(json.dumps(row).encode() + b"\n" for row in plain)
    if form != "csv":
        raise ValueError(f"there is no export as {form!r}; there is csv, jsonl")
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in plain)
    return text.getvalue().encode()


def folder_scans(store: Store, limit: int = 5) -> list[FolderScan]:
    """The last scans of folders, newest first."""
    return FolderScans(store).newest(limit)


def start(
    options: Options, configuration: Configuration, store: Store, folder: str, bar: Bar, *, user: User
) -> FolderScan:
    """Scan a folder of this computer in a process that outlives the browser, and the dashboard.

    Raises:
        NotAllowedError: the user is no admin: whoever names folders looks into them.
        ValueError: there is no such folder, or too many scans run.
        OSError: the process cannot be started.
    """
    require(user, Role.ADMIN)
    path = Path(folder.strip()).expanduser()
    if not folder.strip() or not path.is_absolute():
        raise ValueError("name a folder by its whole path, such as /home/me/pictures")
    if not path.is_dir():
        raise ValueError("there is no such folder on the computer that runs the dashboard")
    scans = FolderScans(store)
    running = [scan for scan in scans.newest(50) if not scan.state.is_over]
    if any(scan.folder == str(path) for scan in running):
        raise ValueError("this folder is being scanned already")
    if len(running) >= MAX_RUNNING:
        raise ValueError(f"{MAX_RUNNING} folders are being scanned already; wait for one, or stop it")
    begun = scans.begin(str(path), actor=user.name)
    order = {
        "store": options.database,
        "number": begun.id,
        "actor": user.name,
        "bar": str(bar),
        "settings": configuration.scan.to_dict(),
        "n_workers": _n_workers(configuration),
    }
    try:
        _launch(order)
    except OSError as error:
        scans.report(begun.id, state=Progress.FAILED, message=f"the process did not start: {error}")
        raise
    return begun


def stop(store: Store, number: int, *, user: User) -> None:
    """Ask a scan of a folder to stop.

    Raises:
        NotAllowedError: the user is no admin.
    """
    require(user, Role.ADMIN)
    FolderScans(store).stop(number, actor=user.name)


def without_opinion(wanted: ScanFilter) -> ScanFilter:
    """The same filter for all opinions, to tell how many there would be of each."""
    return replace(wanted, opinion=None)


def _launch(order: Mapping[str, object]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "forensics.folder_scan"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Neither Ctrl-C in the terminal of the dashboard nor its end reaches it.
        start_new_session=True,
    )
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(json.dumps(order).encode() + b"\n")


def _n_workers(configuration: Configuration) -> int:
    """One processor stays free for who looks at the dashboard."""
    n_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    n_by_memory = int(psutil.virtual_memory().available) // configuration.scan.limits.memory_bytes
    return max(1, min(n_processors - 1, n_by_memory))


def _at_most(rows: Iterable[ScanRow], number: int) -> Iterator[ScanRow]:
    for place, row in enumerate(rows):
        if place >= number:
            return
        yield row


def _cell(value: object) -> object:
    """Names come from files: no spreadsheet may take one for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
